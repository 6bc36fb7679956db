#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "streams/journal/core.hpp"
#include "streams/journal/walker.hpp"

namespace bonafide::streams::journal {

/// Reads one shard forwards: what is recent from memory, what is older from the segments. Used by one thread
/// at a time.
class Cursor {
 public:
  Cursor(std::shared_ptr<Core> core, ShardKey shard, flow::ShardId id, uint64_t next)
      : core_(std::move(core)), shard_(shard), id_(std::move(id)), next_(next) {}

  /// Appends deliveries to `out` until it holds `max_records` or `bytes_left` is used up (one is always taken
  /// when `out` is empty); to `behind` the offset behind each. Errors, only when `out` is empty: damaged
  /// (names the place; the next read goes on behind it).
  Status read(flow::Visibility visibility, size_t max_records, size_t& bytes_left,
              std::vector<flow::Delivery>& out, std::vector<uint64_t>* behind = nullptr);
  /// Offset of the next record.
  [[nodiscard]] uint64_t next() const { return next_; }
  void seek(uint64_t next);

 private:
  enum class Step { more, full, elsewhere };
  Step read_memory(flow::Visibility visibility, size_t max_records, size_t& bytes_left,
                   std::vector<flow::Delivery>& out);
  Result<Step> read_disk(size_t max_records, size_t& bytes_left, std::vector<flow::Delivery>& out);
  Result<bool> open_segment();
  Result<Step> take_frame(size_t max_records, size_t& bytes_left, std::vector<flow::Delivery>& out);
  Step lost(uint64_t upto, const std::string& what);
  bool takes(size_t size, size_t max_records, size_t& bytes_left,
             const std::vector<flow::Delivery>& out) const;

  std::shared_ptr<Core> core_;
  ShardKey shard_;
  flow::ShardId id_;
  uint64_t next_;
  // On the disk:
  std::shared_ptr<Segment> segment_;
  std::unique_ptr<FrameWalker> walker_;
  bool in_frame_ = false;  ///< the walker's frame may have more records of this shard
  uint64_t upto_ = 0;      ///< the first offset that is in memory, or that the segment has no more
  std::vector<uint64_t>* behind_ = nullptr;  ///< during a read
  std::optional<Error> error_;               ///< to be told by the next read
};

/// The offset of the first record of a shard after `position`. Reads the disk where it must.
Result<uint64_t> offset_after(const std::shared_ptr<Core>& core, ShardKey shard, flow::Position position);

}  // namespace bonafide::streams::journal
