#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "avro/registry.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"
#include "env/random.hpp"
#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "steps/archive/file_writer.hpp"

namespace bonafide::steps {

struct ArchiveSettings {
  uint64_t file_bytes = 64 << 20;            ///< at which a file is cut
  Duration file_age = Duration::minutes(1);  ///< after which it is cut
  size_t open_files = 32;                    ///< at once; the oldest is cut for another
  ArchiveFileOptions file = {};
};

/// Archive: scored events, as they came, in Avro object container files. Each event lands once, whenever the
/// process or the power goes: a file is seen only when it is whole and durable; what is not yet in such a
/// file is read again, since progress stays before it; and what is read again although its file is there is
/// told by the file's name. Heartbeats are passed over. What is handed in outlives the sink.
class ArchiveSink final : public flow::Sink {
 public:
  struct Parts {
    stores::BlobStore& blobs;
    const mail::EventCodec& codec;
    avro::Registry& registry;
    env::Random& random;
    env::Logger& log;
    env::Metrics& metrics;
  };
  /// Removes what an earlier process left unfinished. Errors: damaged (the progress; says what to do), and
  /// the store's.
  static Result<std::unique_ptr<ArchiveSink>> open(const Parts& parts, const ArchiveSettings& settings = {});

  Result<flow::Applied> apply(std::span<const flow::Delivery> deliveries, const flow::Stretch& stretch,
                              size_t* poison) override;
  Result<flow::Position> applied(const flow::ShardId& shard) override;
  Status settle(Time steady, bool drain) override;
  [[nodiscard]] Time settle_due() const override;

 private:
  using Event = std::shared_ptr<const mail::EventPayload<mail::Scored>>;
  using Files = std::map<ArchiveSeries, std::unique_ptr<ArchiveFileWriter>>;
  using Positions = std::map<flow::ShardId, flow::Position>;

  ArchiveSink(const Parts& parts, const ArchiveSettings& settings);
  Status read_events(std::span<const flow::Delivery> deliveries, flow::Position seen, size_t* poison);
  Status take(const flow::Delivery& delivery, const mail::Scored& event, flow::Position seen);
  Result<flow::Position> reached(const ArchiveSeries& series);
  Result<ArchiveFileWriter*> file_for(const ArchiveSeries& series, int32_t schema_id, flow::Position seen);
  Status cut(Files::iterator file);
  Status cut_oldest();
  [[nodiscard]] Positions safe() const;
  Status save_progress(Positions positions);

  Parts parts_;
  const ArchiveSettings settings_;
  env::Counter& archived_;
  env::Counter& skipped_;
  env::Counter& files_cut_;
  Files files_;
  Positions seen_;                                   // taken up to here, maybe only into memory
  Positions durable_;                                // as the store's progress says
  std::map<ArchiveSeries, flow::Position> reached_;  // of files that are there, as far as looked up
  Time now_, progress_saved_;
  std::vector<Event> events_;  // of one call
  std::string encoded_;
};

/// The store's progress: how far each shard has come. Errors: damaged.
Result<std::map<flow::ShardId, flow::Position>> read_archive_progress(stores::BlobStore& blobs);

}  // namespace bonafide::steps
