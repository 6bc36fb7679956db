#pragma once
#include <map>
#include <memory>
#include <string>

#include "env/files.hpp"
#include "flow/processor.hpp"

namespace sensors {

namespace flow = bonafide::flow;

/// What is known of one station.
struct StationRow {
  uint64_t readings = 0, odd = 0;
  double coldest = 0, hottest = 0;
  friend bool operator==(const StationRow&, const StationRow&) = default;
};

/// A sink as small as one can be: a table in memory, written to one file now and then, together with how far
/// it has come. The file is replaced as a whole, so rows and progress land together, and nothing is counted
/// twice after a crash.
class TableSink final : public flow::Sink {
 public:
  /// Takes up what an earlier run has written. Errors: damaged (not such a file), those of the disk.
  static bonafide::Result<std::unique_ptr<TableSink>> open(bonafide::env::Files& files,
                                                           const std::string& path, bonafide::Duration every);

  bonafide::Result<flow::Applied> apply(std::span<const flow::Delivery> deliveries,
                                        const flow::Stretch& stretch, size_t* poison) override;
  bonafide::Result<flow::Position> applied(const flow::ShardId& shard) override;
  bonafide::Status settle(bonafide::Time steady, bool drain) override;
  [[nodiscard]] bonafide::Time settle_due() const override;

 private:
  TableSink(bonafide::env::Files& files, std::string path, bonafide::Duration every)
      : files_(files), path_(std::move(path)), every_(every) {}
  bonafide::Status read(const std::string& text);
  [[nodiscard]] std::string text() const;

  bonafide::env::Files& files_;
  std::string path_;
  bonafide::Duration every_;
  std::map<std::string, StationRow> rows_;
  std::map<flow::ShardId, flow::Position> upto_, durable_;
  bonafide::Time due_{INT64_MIN};
};

/// The rows of a table file, for printing and tests.
bonafide::Result<std::map<std::string, StationRow>> read_table(const std::string& text);

}  // namespace sensors
