#include <algorithm>
#include <set>

#include "streams/journal/core.hpp"
#include "streams/journal/journal.hpp"
#include "streams/journal/walker.hpp"

namespace bonafide::streams::journal {
namespace {

/// A segment as it was when the reading began.
struct Span {
  std::shared_ptr<Segment> segment;
  uint64_t base, end;
  bool sealed;
  uint64_t hash;
  std::map<ShardKey, uint64_t> next;  ///< of each shard in it, the offset behind its last record
};

std::vector<Span> spans(Core& core) {
  const std::lock_guard lock(core.mutex);
  std::vector<Span> out;
  for (const auto& segment : core.segments) {
    // A sealed one is durable as a whole, even where the mark is not published yet.
    const uint64_t end = segment->sealed ? segment->end : std::min(segment->end, core.durable);
    Span span{segment, segment->base, end, segment->sealed, 0, {}};
    if (span.end < span.base + segment_header_bytes) continue;  // begun in memory only
    if (span.sealed) {
      span.hash = segment->hash;
      for (const auto& [shard, index] : segment->shards) span.next[shard] = index.next;
    }
    out.push_back(std::move(span));
  }
  return out;
}

/// Reads everything and compares it with itself.
class Verifier {
 public:
  Verifier(Core& core, const std::function<void(const Damage&)>& report) : core_(core), report_(report) {}

  Verified run(const std::vector<Damage>& known) {
    for (const auto& damage : known) tell(damage);
    const auto all = spans(core_);
    for (size_t i = 0; i < all.size(); ++i) {
      if (i > 0 && all[i].base != all[i - 1].end) {
        tell(at(all[i], 0, 0, "bytes are missing between this segment and the one before it"));
      }
      const bool chained = i > 0 && all[i - 1].sealed && all[i].base == all[i - 1].end;
      const Status read = segment(all[i], chained ? &all[i - 1].hash : nullptr);
      // Retention may have removed the oldest meanwhile; all else that cannot be read is damage.
      if (!read.ok() && !(read.error().cause == Cause::not_found && i == 0)) {
        tell(at(all[i], 0, 0, read.error().message));
      }
    }
    catalogue();
    return std::move(out_);
  }

 private:
  static Damage at(const Span& span, uint64_t byte, uint64_t bytes, std::string what) {
    Damage damage;
    damage.file = span.segment->path;
    damage.byte = byte;
    damage.bytes = bytes;
    damage.what = std::move(what);
    return damage;
  }

  void tell(const Damage& damage) {
    if (!told_.insert({damage.file, damage.byte, damage.what, damage.first_offset}).second) return;
    ++out_.damage_count;
    if (out_.damages.size() < Verified::max_damages) out_.damages.push_back(damage);
    if (report_) report_(damage);
  }

  std::optional<flow::ShardId> name_of(ShardKey shard) {
    const std::lock_guard lock(core_.mutex);
    if (core_.tables.state(shard) == nullptr) return std::nullopt;
    return core_.shard_id(shard);
  }

  void lost_records(Damage damage, ShardKey shard, uint64_t first, uint64_t next) {
    damage.shard = name_of(shard);
    damage.first_offset = first;
    damage.next_offset = next;
    tell(damage);
  }

  Status segment(const Span& span, const uint64_t* previous_hash) {
    BONAFIDE_ASSIGN(const auto file, span.segment->open(core_.outside.files));
    ++out_.segments;
    BONAFIDE_ASSIGN(const auto head, file->read_at(0, segment_header_bytes));
    const auto header = decode_segment_header(head);
    if (!header.ok()) {
      tell(at(span, 0, segment_header_bytes, header.error().message));
    } else if (header->base != span.base || header->journal_id != core_.journal_id) {
      tell(at(span, 0, segment_header_bytes, "the segment belongs to another place or journal"));
    } else if (previous_hash != nullptr && header->previous_hash != *previous_hash) {
      tell(at(span, 0, segment_header_bytes, "the segment does not follow the one before it"));
    }
    out_.bytes += segment_header_bytes;
    const uint64_t before = out_.damage_count;
    BONAFIDE_TRY(frames(span, file, header.ok() ? header->previous_hash : 0));
    if (span.sealed) BONAFIDE_TRY(footer(span, *file, out_.damage_count == before && header.ok()));
    return Ok{};
  }

  Status frames(const Span& span, const std::shared_ptr<env::File>& file, uint64_t hash) {
    FrameWalker walker(file, span.base, core_.journal_id, span.base + segment_header_bytes, span.end);
    hash_ = hash;
    frames_ = records_ = 0;
    Damage last_damage = at(span, 0, 0, "records are missing");
    for (;;) {
      BONAFIDE_ASSIGN(const auto found, walker.next());
      if (found == FrameWalker::Found::end) break;
      out_.bytes += walker.to() - walker.from();
      if (found == FrameWalker::Found::damage) {
        last_damage = at(span, walker.from() - span.base, walker.to() - walker.from(), walker.what());
        tell(last_damage);
        continue;
      }
      ++frames_;
      ++out_.frames;
      hash_ = extend_hash(hash_, walker.header_crc());
      const auto& records = walker.directory().records;
      for (const auto& record : records) {
        const auto expected = next_.find(record.shard);
        if (expected != next_.end() && record.offset > expected->second) {
          lost_records(last_damage, record.shard, expected->second, record.offset);
        }
        next_[record.shard] = record.offset + 1;
      }
      records_ += records.size();
      out_.records += records.size();
      BONAFIDE_TRY(payloads(span, walker));
    }
    for (const auto& [shard, next] : span.next) {
      const auto seen = next_.find(shard);
      if (seen != next_.end() && seen->second < next) lost_records(last_damage, shard, seen->second, next);
      next_[shard] = next;
    }
    return Ok{};
  }

  Status payloads(const Span& span, FrameWalker& walker) {
    bool padding = false;
    BONAFIDE_ASSIGN(const auto bad, walker.damaged_payloads(padding));
    for (const uint32_t index : bad) {
      const RecordEntry& record = walker.directory().records[index];
      Damage damage =
          at(span, walker.payload_lsn(index) - span.base, uint64_t{record.key_length} + record.value_length,
             "the checksum of the record is wrong");
      damage.lsn = walker.header().lsn;
      damage.position = flow::Position::of(walker.header().lsn, index);
      lost_records(damage, record.shard, record.offset, record.offset + 1);
    }
    if (padding)
      tell(at(span, walker.to() - span.base - frame_alignment, frame_alignment, "padding is not zero"));
    return Ok{};
  }

  Status footer(const Span& span, env::File& file, bool frames_are_good) {
    const uint64_t begin = span.end - span.base;
    BONAFIDE_ASSIGN(const uint64_t size, file.size());
    const uint64_t length = size - std::min(begin, size);
    BONAFIDE_ASSIGN(const auto bytes, file.read_at(begin, length));
    out_.bytes += bytes.size();
    const auto decoded = decode_footer(bytes);
    if (!decoded.ok()) {
      tell(at(span, begin, length, decoded.error().message));
      return Ok{};
    }
    std::string known;
    {
      const std::lock_guard lock(core_.mutex);
      known = encode(span.segment->footer(core_.journal_id));
    }
    if (known != bytes) tell(at(span, begin, length, "the footer is not the one the catalogue has"));
    if (frames_are_good &&
        (decoded->hash != hash_ || decoded->frames != frames_ || decoded->records != records_)) {
      tell(
          at(span, begin, length, "the footer does not fit the frames: they are not those that were sealed"));
    }
    return Ok{};
  }

  void catalogue() {
    const std::string path = core_.settings.folder + "/catalogue";
    const auto there = core_.outside.files.exists(path);
    if (!there.ok() || !*there) return;
    const auto bytes = core_.outside.files.read_file(path);
    Damage damage;
    damage.file = path;
    if (!bytes.ok()) {
      damage.what = bytes.error().message;
    } else if (const auto decoded = decode_catalogue(*bytes); !decoded.ok()) {
      damage.what = decoded.error().message;
    }
    if (bytes.ok()) out_.bytes += bytes->size();
    if (!damage.what.empty()) tell(damage);
  }

  Core& core_;
  const std::function<void(const Damage&)>& report_;
  Verified out_;
  std::set<std::tuple<std::string, uint64_t, std::string, uint64_t>> told_;
  std::map<ShardKey, uint64_t> next_;  ///< the offset expected next of each shard
  uint64_t hash_ = 0, frames_ = 0, records_ = 0;
};

}  // namespace

Result<Verified> Journal::verify(const std::function<void(const Damage&)>& report) {
  return Verifier(*core_, report).run(opened_.damages);
}

Status Journal::scan(const std::string& topic, const std::function<Status(const flow::Delivery&)>& each,
                     const std::function<void(const Damage&)>& damaged) {
  const auto number = [&] {
    const std::lock_guard lock(core_->mutex);
    return core_->tables.topic(topic);
  }();
  if (!number) return {Cause::not_found, "there is no topic " + topic};
  for (const auto& span : spans(*core_)) {
    const auto file = span.segment->open(core_->outside.files);
    if (!file.ok()) {
      if (file.error().cause == Cause::not_found) continue;  // retired meanwhile
      return file.error();
    }
    FrameWalker walker(*file, span.base, core_->journal_id, span.base + segment_header_bytes, span.end);
    for (;;) {
      BONAFIDE_ASSIGN(const auto found, walker.next());
      if (found == FrameWalker::Found::end) break;
      Damage damage;
      damage.file = span.segment->path;
      if (found == FrameWalker::Found::damage) {
        damage.byte = walker.from() - span.base;
        damage.bytes = walker.to() - walker.from();
        damage.what = walker.what();
        if (damaged) damaged(damage);
        continue;
      }
      const auto& records = walker.directory().records;
      for (uint32_t i = 0; i < records.size(); ++i) {
        const RecordEntry& entry = records[i];
        if (entry.shard.topic != *number) continue;
        flow::Delivery delivery{
            {topic, entry.shard.lane, entry.shard.shard}, flow::Position::of(walker.header().lsn, i), {}};
        auto payload = walker.payload(i);
        if (!payload.ok()) {
          damage.byte = walker.payload_lsn(i) - span.base;
          damage.bytes = uint64_t{entry.key_length} + entry.value_length;
          damage.lsn = walker.header().lsn;
          damage.what = payload.error().message;
          damage.shard = delivery.shard;
          damage.first_offset = entry.offset;
          damage.next_offset = entry.offset + 1;
          damage.position = delivery.position;
          if (damaged) damaged(damage);
          continue;
        }
        delivery.record.key = std::move(payload->key);
        delivery.record.value = std::move(payload->value);
        delivery.record.timestamp = entry.timestamp;
        delivery.record.attempt = entry.attempt;
        BONAFIDE_TRY(each(delivery));
      }
    }
  }
  return Ok{};
}

}  // namespace bonafide::streams::journal
