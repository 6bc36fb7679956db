#include "streams/journal/recovery.hpp"

#include <algorithm>
#include <map>

#include "streams/journal/walker.hpp"

namespace bonafide::streams::journal {
namespace {

class Recoverer {
 public:
  Recoverer(env::Files& files, std::string folder) : files_(files), folder_(std::move(folder)) {}

  Result<Recovery> run() {
    BONAFIDE_ASSIGN(const auto names, files_.list(folder_));
    BONAFIDE_TRY(read_catalogue());
    for (const auto& name : names) {
      const auto base = parse_segment_name(name);
      if (!base.ok()) continue;
      if (catalogue_ && *base < catalogue_->first_base) {
        out_.left_over.push_back(folder_ + "/" + name);
      } else {
        out_.segments.push_back(std::make_shared<Segment>(folder_, *base));
      }
    }
    find_missing_first();
    for (size_t i = 0; i < out_.segments.size(); ++i) {
      const bool last = i + 1 == out_.segments.size();
      BONAFIDE_TRY(last ? take_last(*out_.segments[i])
                        : take_sealed(*out_.segments[i], out_.segments[i + 1]->base));
      out_.end = std::max(out_.end, out_.segments[i]->end);
      if (!last && out_.segments[i + 1]->base != out_.segments[i]->end) {
        note_hole(*out_.segments[i], out_.segments[i + 1]->base);
      }
    }
    note_missing_end();
    if (!out_.segments.empty()) out_.first_base = out_.segments.front()->base;
    return std::move(out_);
  }

 private:
  Status read_catalogue() {
    const std::string path = folder_ + "/catalogue";
    BONAFIDE_ASSIGN(const bool there, files_.exists(path));
    if (!there) return Ok{};
    const auto bytes = files_.read_file(path);
    auto decoded = bytes.ok() ? decode_catalogue(*bytes) : Result<Catalogue>(bytes.error());
    if (!decoded.ok()) {
      damage(path, 0, 0, decoded.error().message + "; it is made anew from the segments");
      return Ok{};
    }
    catalogue_ = std::move(*decoded);
    out_.journal_id = catalogue_->journal_id;
    out_.end = catalogue_->first_base;
    for (auto& sealed : catalogue_->sealed) sealed_[sealed.footer.base] = &sealed;
    return Ok{};
  }

  void damage(const std::string& file, uint64_t byte, uint64_t bytes, const std::string& what) {
    Damage found;
    found.file = file;
    found.byte = byte;
    found.bytes = bytes;
    found.what = what;
    out_.damages.push_back(std::move(found));
  }

  void find_missing_first() {
    if (!catalogue_) return;
    const uint64_t first = out_.segments.empty() ? UINT64_MAX : out_.segments.front()->base;
    if (first > catalogue_->first_base) {
      damage(folder_ + "/" + segment_name(catalogue_->first_base), 0, 0,
             "the segment is missing" +
                 (out_.segments.empty() ? std::string() : ", and all up to " + segment_name(first)));
    }
  }

  void note_hole(const Segment& before, uint64_t next_base) {
    if (next_base > before.end) {
      damage(folder_ + "/" + segment_name(before.end), 0, next_base - before.end,
             "the segment is missing, and all up to " + segment_name(next_base));
    } else {
      damage(folder_ + "/" + segment_name(next_base), 0, 0, "the segment overlaps the one before it");
    }
  }

  /// The catalogue knows how far the journal was durable; a newest segment that is gone cannot say it.
  void note_missing_end() {
    if (!catalogue_ || catalogue_->durable <= out_.end) return;
    damage(out_.segments.empty() ? folder_ : out_.segments.back()->path, 0, catalogue_->durable - out_.end,
           "the newest part of the journal is missing");
    out_.end = catalogue_->durable;
    if (!out_.segments.empty() && !out_.last_is_sealed) out_.segments.back()->end = out_.end;
  }

  Status check_header(Segment& segment, env::File& file) {
    BONAFIDE_ASSIGN(const std::string bytes, file.read_at(0, segment_header_bytes));
    const auto header = decode_segment_header(bytes);
    if (!header.ok()) {
      if (header.error().cause == Cause::invalid) return header.error().in(segment.path);
      damage(segment.path, 0, segment_header_bytes, header.error().message);
      return Ok{};
    }
    if (header->base != segment.base)
      damage(segment.path, 0, segment_header_bytes, "the segment has another's name");
    if (out_.journal_id == 0) out_.journal_id = header->journal_id;
    if (out_.journal_id != header->journal_id) {
      damage(segment.path, 0, segment_header_bytes, "the segment is from another journal");
    }
    segment.hash = header->previous_hash;
    return Ok{};
  }

  Result<Footer> read_footer(const Segment& segment, env::File& file, uint64_t size) {
    if (size < segment_header_bytes + footer_trailer_bytes)
      return Error{Cause::damaged, "the file is too short"};
    BONAFIDE_ASSIGN(const auto trailer, file.read_at(size - footer_trailer_bytes, footer_trailer_bytes));
    BONAFIDE_ASSIGN(const uint64_t length, footer_length(trailer));
    if (length > size) return Error{Cause::damaged, "the footer's length is impossible"};
    BONAFIDE_ASSIGN(const auto bytes, file.read_at(size - length, length));
    BONAFIDE_ASSIGN(auto footer, decode_footer(bytes));
    if (footer.base != segment.base || footer.end - footer.base != size - length) {
      return Error{Cause::damaged, "the footer belongs to another segment"};
    }
    return footer;
  }

  void take_footer(Segment& segment, const Footer& footer, uint64_t size) {
    segment.take(footer);
    segment.sealed = true;
    segment.file_bytes = size;
    if (out_.journal_id == 0) out_.journal_id = footer.journal_id;
    out_.tables = Tables();
    for (const auto& definition : footer.definitions) out_.tables.apply(definition);
    for (const auto& entry : footer.progress) out_.tables.apply(entry);
  }

  Status take_sealed(Segment& segment, uint64_t next_base) {
    BONAFIDE_ASSIGN(const auto file, segment.open(files_));
    BONAFIDE_ASSIGN(const uint64_t size, file->size());
    if (const auto known = sealed_.find(segment.base);
        known != sealed_.end() && known->second->file_bytes == size) {
      take_footer(segment, known->second->footer, size);
      return Ok{};
    }
    BONAFIDE_TRY(check_header(segment, *file));
    const auto footer = read_footer(segment, *file, size);
    if (footer.ok()) {
      take_footer(segment, *footer, size);
      return Ok{};
    }
    const uint64_t limit =
        next_base > segment.base ? std::min(next_base, segment.base + size) : segment.base + size;
    BONAFIDE_TRY(walk(segment, file, limit, UINT64_MAX));
    damage(segment.path, segment.end - segment.base,
           segment.base + size - std::min(segment.end, segment.base + size),
           footer.error().message + "; the index was made anew from the frames");
    if (next_base > segment.end) segment.end = limit;
    segment.definitions = out_.tables.definitions();
    segment.progress = out_.tables.all_progress();
    segment.sealed = true;
    segment.file_bytes = size;
    return Ok{};
  }

  Status take_last(Segment& segment) {
    BONAFIDE_ASSIGN(const auto file, segment.open(files_));
    BONAFIDE_ASSIGN(const uint64_t size, file->size());
    BONAFIDE_TRY(check_header(segment, *file));
    // A footer here proves nothing yet: it is synced together with the last frames, and may have arrived
    // without them.
    const auto footer = read_footer(segment, *file, size);
    const uint64_t limit =
        footer.ok() ? footer->end : segment.base + std::max<uint64_t>(size, segment_header_bytes);
    // A segment is begun only when everything before it is durable.
    uint64_t durable = std::max(segment.base, catalogue_ ? catalogue_->durable : 0);
    FrameWalker headers(file, segment.base, out_.journal_id, segment.end, limit);
    for (;;) {
      BONAFIDE_ASSIGN(const auto found, headers.next());
      if (found == FrameWalker::Found::end) break;
      if (found == FrameWalker::Found::frame) durable = std::max(durable, headers.header().durable);
    }
    out_.durable = durable;
    BONAFIDE_TRY(walk(segment, file, limit, durable));
    if (!footer.ok()) return Ok{};
    if (segment.end == footer->end && !out_.torn) {
      take_footer(segment, *footer, size);
      out_.last_is_sealed = true;
    } else if (!out_.torn) {
      out_.torn = Recovery::TornTail{segment.path, segment.end - segment.base,
                                     segment.base + size - segment.end, "a footer without its frames"};
    }
    return Ok{};
  }

  /// Takes all frames of a segment into its index and the tables. What is not good and lies before `durable`
  /// is damage; the first such place at or behind it is a torn tail, where the segment ends.
  Status walk(Segment& segment, const std::shared_ptr<env::File>& file, uint64_t limit, uint64_t durable) {
    if (catalogue_) out_.filled_in |= out_.tables.fill_in(catalogue_->definitions);
    FrameWalker walker(file, segment.base, out_.journal_id, segment.base + segment_header_bytes, limit);
    for (;;) {
      BONAFIDE_ASSIGN(const auto found, walker.next());
      if (found == FrameWalker::Found::end) return Ok{};
      const uint64_t at = walker.from();
      if (found == FrameWalker::Found::damage) {
        if (at >= durable) {
          if (walker.last_written() > at) {
            out_.torn = Recovery::TornTail{segment.path, at - segment.base, limit - at, walker.what()};
          }
          return Ok{};
        }
        const uint64_t to = std::min(walker.to(), durable);
        damage(segment.path, at - segment.base, to - at, walker.what());
        segment.end = to;
        if (to < walker.to()) {
          if (walker.last_written() > to) {
            out_.torn = Recovery::TornTail{segment.path, to - segment.base, limit - to, walker.what()};
          }
          return Ok{};
        }
        continue;
      }
      bool padding = false;
      BONAFIDE_ASSIGN(const auto bad, walker.damaged_payloads(padding));
      if (at >= durable && (padding || !bad.empty())) {
        out_.torn = Recovery::TornTail{segment.path, at - segment.base, limit - at, "a record is torn"};
        return Ok{};
      }
      take_frame(segment, walker, bad, padding);
    }
  }

  void take_frame(Segment& segment, const FrameWalker& walker, const std::vector<uint32_t>& bad,
                  bool padding) {
    out_.journal_id = walker.journal_id();
    const Directory& directory = walker.directory();
    out_.tables.apply(directory, walker.header().lsn);
    for (const auto& record : directory.records) segment.note(record, walker.header().lsn);
    ++segment.frames;
    ++out_.frames_walked;
    segment.hash = extend_hash(segment.hash, walker.header_crc());
    segment.end = walker.to();
    for (const uint32_t index : bad) {
      const RecordEntry& record = directory.records[index];
      damage(segment.path, walker.payload_lsn(index) - segment.base,
             uint64_t{record.key_length} + record.value_length, "the checksum of the record is wrong");
      name_record(out_.damages.back(), walker.header().lsn, index, record);
    }
    if (padding)
      damage(segment.path, walker.to() - segment.base - frame_alignment, frame_alignment,
             "padding is not zero");
  }

  void name_record(Damage& found, uint64_t lsn, uint32_t index, const RecordEntry& record) {
    found.lsn = lsn;
    found.position = flow::Position::of(lsn, index);
    found.first_offset = record.offset;
    found.next_offset = record.offset + 1;
    const auto topic = out_.tables.topics().find(record.shard.topic);
    if (topic != out_.tables.topics().end()) {
      found.shard = flow::ShardId{topic->second.name, record.shard.lane, record.shard.shard};
    }
  }

  env::Files& files_;
  std::string folder_;
  std::optional<Catalogue> catalogue_;
  std::map<uint64_t, const Catalogue::Sealed*> sealed_;
  Recovery out_;
};

}  // namespace

Result<Recovery> recover(env::Files& files, const std::string& folder) {
  return Recoverer(files, folder).run();
}

}  // namespace bonafide::streams::journal
