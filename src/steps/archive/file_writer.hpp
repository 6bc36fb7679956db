#pragma once
#include <memory>
#include <string>

#include "avro/container.hpp"
#include "mail/event.hpp"
#include "steps/archive/index.hpp"
#include "steps/archive/name.hpp"
#include "stores/blobs.hpp"

namespace bonafide::steps {

struct ArchiveFileOptions {
  avro::Codec codec = avro::Codec::zstandard;
  int level = 0;  ///< 0: the codec's default
  /// Of records before compression. Larger blocks pack better and faster (real mail, zstd: 64 KiB 3.1:1 at
  /// 386 MB/s, 256 KiB 3.6:1 at 457 MB/s); a block is what is read for one event, and what damage to one bit
  /// costs.
  size_t block_bytes = size_t{256} << 10;
};

/// One archive file while it grows. Memory: one block, what waits to be written, and the index (about 40
/// bytes an event).
class ArchiveFileWriter {
 public:
  /// `schema`: that the records are written with, `schema_id` its id in their frames. `before`: the position
  /// up to which the shard was dealt with before the first record of this file.
  static Result<std::unique_ptr<ArchiveFileWriter>> open(stores::BlobStore& blobs, ArchiveSeries series,
                                                         const avro::Schema& schema, int32_t schema_id,
                                                         const ArchiveFileOptions& options,
                                                         const avro::SyncMarker& sync, flow::Position before,
                                                         Time opened_at);

  /// To memory. `binary`: the event as it came, without frame. Errors: internal.
  Status append(const mail::Scored& event, ByteView binary, flow::Position position);
  /// Brings what waits in memory to the blob where it is much. May be called again after an error.
  Status write_out();
  /// Makes index and file durable and seen. May be called again after `exhausted` or `unavailable`.
  Status finish();

  [[nodiscard]] const ArchiveSeries& series() const { return series_; }
  [[nodiscard]] int32_t schema_id() const { return schema_id_; }
  [[nodiscard]] flow::Position before() const { return before_; }
  [[nodiscard]] Time opened_at() const { return opened_at_; }
  /// About what the file has so far.
  [[nodiscard]] uint64_t bytes() const { return written_ + pending_.size() + container_.waiting_bytes() / 3; }
  [[nodiscard]] uint64_t records() const { return index_.entries.size(); }

 private:
  ArchiveFileWriter(ArchiveSeries series, const avro::Schema& schema, int32_t schema_id,
                    avro::ContainerOptions options, flow::Position before, Time opened_at);
  Status make_header();
  void note_block(size_t pending_before);
  Status write_pending();
  Status write_index();

  const ArchiveSeries series_;
  const int32_t schema_id_;
  const flow::Position before_;
  const Time opened_at_;
  stores::BlobStore* blobs_ = nullptr;
  std::unique_ptr<stores::BlobWriter> blob_;
  avro::ContainerWriter container_;
  std::string header_;
  std::string pending_;
  uint64_t written_ = 0;
  uint64_t in_blocks_ = 0;  // records of finished blocks
  ArchiveIndex index_;
};

}  // namespace bonafide::steps
