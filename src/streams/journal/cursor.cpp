#include "streams/journal/cursor.hpp"

#include <algorithm>

namespace bonafide::streams::journal {

using flow::Delivery;
using flow::Position;

namespace {

/// With the lock held: the offset from which on records are in memory.
uint64_t memory_from(const Core& core, ShardKey shard) {
  const auto tail = core.tails.find(shard);
  if (tail != core.tails.end() && !tail->second.records.empty()) return tail->second.first;
  const auto* state = core.tables.state(shard);
  return state == nullptr ? 0 : state->next_offset;
}

/// With the lock held: the segment that has the offset, or the first record behind it; null if none has.
std::shared_ptr<Segment> segment_of(const Core& core, ShardKey shard, uint64_t offset) {
  for (const auto& segment : core.segments) {
    const auto index = segment->shards.find(shard);
    if (index != segment->shards.end() && index->second.next > offset) return segment;
  }
  return nullptr;
}

uint64_t point_before(const ShardIndex& index, uint64_t offset, uint64_t otherwise) {
  uint64_t lsn = otherwise;
  for (const auto& point : index.points) {
    if (point.offset > offset) break;
    lsn = point.lsn;
  }
  return lsn;
}

}  // namespace

void Cursor::seek(uint64_t next) {
  next_ = next;
  walker_.reset();
  segment_.reset();
  in_frame_ = false;
  error_.reset();
}

Status Cursor::read(flow::Visibility visibility, size_t max_records, size_t& bytes_left,
                    std::vector<Delivery>& out, std::vector<uint64_t>* behind) {
  behind_ = behind;
  while (out.size() < max_records) {
    if (error_) {
      if (!out.empty()) return Ok{};
      Error error = std::move(*error_);
      error_.reset();
      return error;
    }
    if (!walker_ && read_memory(visibility, max_records, bytes_left, out) != Step::elsewhere) return Ok{};
    BONAFIDE_ASSIGN(const Step step, read_disk(max_records, bytes_left, out));
    if (step == Step::full) return Ok{};
  }
  return Ok{};
}

bool Cursor::takes(size_t size, size_t max_records, size_t& bytes_left,
                   const std::vector<Delivery>& out) const {
  if (out.size() >= max_records || (!out.empty() && size > bytes_left)) return false;
  bytes_left -= std::min(bytes_left, size);
  return true;
}

/// `elsewhere`: the next record is on the disk only.
Cursor::Step Cursor::read_memory(flow::Visibility visibility, size_t max_records, size_t& bytes_left,
                                 std::vector<Delivery>& out) {
  std::vector<TailRecord> found;
  {
    const std::lock_guard lock(core_->mutex);
    if (next_ < memory_from(*core_, shard_)) return Step::elsewhere;
    const auto tail = core_->tails.find(shard_);
    if (tail == core_->tails.end()) return Step::more;
    const auto& records = tail->second.records;
    for (uint64_t at = next_ - tail->second.first; at < records.size(); ++at) {
      const TailRecord& record = records[at];
      if (visibility == flow::Visibility::synced && record.frame->end() > core_->durable) break;
      const auto& entry = record.frame->parts[record.index].entry;
      const size_t size = size_t{entry.key_length} + entry.value_length;
      if (out.size() + found.size() >= max_records) break;
      if ((!out.empty() || !found.empty()) && size > bytes_left) break;
      bytes_left -= std::min(bytes_left, size);
      found.push_back(record);
    }
  }
  for (auto& record : found) {
    Delivery delivery{id_, Position::of(record.frame->lsn, record.index),
                      record_of(record.frame, record.index)};
    delivery.record.payload = std::move(record.payload);
    out.push_back(std::move(delivery));
    ++next_;
    if (behind_ != nullptr) behind_->push_back(next_);
  }
  return Step::more;
}

/// Finds where the next record lies. False: in memory by now.
Result<bool> Cursor::open_segment() {
  uint64_t from = 0, limit = 0;
  {
    const std::lock_guard lock(core_->mutex);
    const uint64_t in_memory = memory_from(*core_, shard_);
    if (next_ >= in_memory) return false;
    segment_ = segment_of(*core_, shard_, next_);
    if (!segment_ && core_->first_offset(shard_) >= in_memory) {
      next_ = in_memory;  // retention has removed all of it
      return false;
    }
    if (!segment_) {
      lost(in_memory, "no segment holds these records");
      return true;
    }
    const ShardIndex& index = segment_->shards.at(shard_);
    if (index.first > next_) {
      // What retention has removed is no damage; a hole between two segments is.
      if (index.first > core_->first_offset(shard_)) {
        lost(index.first, "no segment holds these records");
        return true;
      }
      next_ = index.first;
    }
    from = point_before(index, next_, segment_->base + segment_header_bytes);
    limit = std::min(segment_->end, core_->durable);
    upto_ = std::min(index.next, in_memory);
  }
  auto file = segment_->open(core_->outside.files);
  if (!file.ok()) {
    if (file.error().cause != Cause::not_found) return file.error();
    const std::lock_guard lock(core_->mutex);
    // Retired just now: look again. Else somebody has taken the file away.
    const bool retired = std::ranges::find(core_->segments, segment_) == core_->segments.end();
    if (!retired) lost(upto_, segment_->path + ": the segment is missing");
    segment_.reset();
    return true;
  }
  walker_ = std::make_unique<FrameWalker>(std::move(*file), segment_->base, core_->journal_id, from, limit);
  return true;
}

Cursor::Step Cursor::lost(uint64_t upto, const std::string& what) {
  Error error{Cause::damaged, what + " (" + id_.text() + ", offset " + std::to_string(next_)};
  if (upto > next_ + 1) error.message += " to " + std::to_string(upto - 1);
  error.message += ")";
  seek(upto);
  error_ = std::move(error);
  return Step::more;
}

Result<Cursor::Step> Cursor::read_disk(size_t max_records, size_t& bytes_left, std::vector<Delivery>& out) {
  if (!walker_) {
    BONAFIDE_ASSIGN(const bool on_disk, open_segment());
    if (!on_disk || !walker_) return Step::more;
  }
  std::string damage;
  while (next_ < upto_) {
    if (in_frame_) {
      in_frame_ = false;
      BONAFIDE_ASSIGN(const Step step, take_frame(max_records, bytes_left, out));
      if (step == Step::full || !walker_) return step;
      continue;
    }
    BONAFIDE_ASSIGN(const auto found, walker_->next());
    if (found == FrameWalker::Found::damage) {
      if (damage.empty()) {
        damage = segment_->path + ", byte " + std::to_string(walker_->from() - segment_->base) + ": " +
                 walker_->what();
      }
      continue;
    }
    if (found == FrameWalker::Found::end) {
      return lost(upto_, damage.empty() ? segment_->path + ": the segment ends too early" : damage);
    }
    const auto& records = walker_->directory().records;
    const auto first = std::ranges::find_if(
        records, [&](const RecordEntry& entry) { return entry.shard == shard_ && entry.offset >= next_; });
    if (first == records.end()) continue;
    if (first->offset > next_) {
      return lost(first->offset, damage.empty() ? segment_->path + ": records are missing before byte " +
                                                      std::to_string(walker_->from() - segment_->base)
                                                : damage);
    }
    in_frame_ = true;
  }
  walker_.reset();
  segment_.reset();
  return Step::more;
}

/// Takes this shard's records from the walker's frame.
Result<Cursor::Step> Cursor::take_frame(size_t max_records, size_t& bytes_left, std::vector<Delivery>& out) {
  const auto& records = walker_->directory().records;
  for (uint32_t i = 0; i < records.size(); ++i) {
    const RecordEntry& entry = records[i];
    if (entry.shard != shard_ || entry.offset < next_) continue;
    if (!takes(size_t{entry.key_length} + entry.value_length, max_records, bytes_left, out)) {
      in_frame_ = true;  // the next read goes on here
      return Step::full;
    }
    auto payload = walker_->payload(i);
    if (!payload.ok()) {
      return lost(entry.offset + 1, segment_->path + ", byte " +
                                        std::to_string(walker_->payload_lsn(i) - segment_->base) + ": " +
                                        payload.error().message);
    }
    Delivery delivery{id_, Position::of(walker_->header().lsn, i), {}};
    delivery.record.key = std::move(payload->key);
    delivery.record.value = std::move(payload->value);
    delivery.record.timestamp = entry.timestamp;
    delivery.record.attempt = entry.attempt;
    out.push_back(std::move(delivery));
    next_ = entry.offset + 1;
    if (behind_ != nullptr) behind_->push_back(next_);
  }
  return Step::more;
}

Result<uint64_t> offset_after(const std::shared_ptr<Core>& core, ShardKey shard, Position position) {
  std::shared_ptr<Segment> segment;
  uint64_t from = 0, limit = 0;
  {
    const std::lock_guard lock(core->mutex);
    const auto* state = core->tables.state(shard);
    if (state == nullptr) return {Cause::not_found, "there is no such shard"};
    if (position >= state->last) return state->next_offset;
    if (position == Position{}) return core->first_offset(shard);
    if (const auto tail = core->tails.find(shard);
        tail != core->tails.end() && !tail->second.records.empty()) {
      const auto& records = tail->second.records;
      const auto at = std::ranges::partition_point(records, [&](const TailRecord& record) {
        return Position::of(record.frame->lsn, record.index) <= position;
      });
      if (at != records.begin()) return tail->second.first + static_cast<uint64_t>(at - records.begin());
    }
    uint64_t after = state->next_offset;
    for (auto at = core->segments.rbegin(); at != core->segments.rend(); ++at) {
      const auto index = (*at)->shards.find(shard);
      if (index == (*at)->shards.end()) continue;
      if ((*at)->base <= position.major() && position.major() < (*at)->end) {
        segment = *at;
        from = segment->base + segment_header_bytes;
        for (const auto& point : index->second.points) {
          if (point.lsn <= position.major()) from = point.lsn;
        }
        limit = std::min(segment->end, core->durable);
        after = index->second.next;
        break;
      }
      if ((*at)->end <= position.major()) break;
      after = index->second.first;
    }
    if (!segment) return after;
  }
  auto file = segment->open(core->outside.files);
  if (!file.ok()) return file.error();
  FrameWalker walker(std::move(*file), segment->base, core->journal_id, from, limit);
  std::optional<uint64_t> last;
  for (;;) {
    BONAFIDE_ASSIGN(const auto found, walker.next());
    if (found == FrameWalker::Found::end) break;
    if (found == FrameWalker::Found::damage) continue;
    const auto& records = walker.directory().records;
    for (uint32_t i = 0; i < records.size(); ++i) {
      if (records[i].shard != shard) continue;
      if (Position::of(walker.header().lsn, i) > position) return records[i].offset;
      last = records[i].offset;
    }
  }
  const std::lock_guard lock(core->mutex);
  return last ? *last + 1 : core->first_offset(shard);
}

}  // namespace bonafide::streams::journal
