#include "steps/archive/sink.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bonafide::steps {
namespace {

using flow::Position;
using flow::ShardId;

constexpr std::string_view progress_head = "bonafide-archive 1\n";
constexpr size_t most_known_series = 4096;

std::string crc_line(ByteView text) {
  std::string crc;
  append_be32(crc, crc32c(text));
  return "crc32c " + to_hex(crc) + "\n";
}

std::string progress_text(const std::map<ShardId, Position>& positions) {
  std::string out(progress_head);
  for (const auto& [shard, position] : positions) out += shard.text() + " " + to_hex(position.view()) + "\n";
  return out + crc_line(out);
}

bool parse_progress_line(std::string_view line, std::map<ShardId, Position>& out) {
  const size_t space = line.rfind(' ');
  if (space == std::string_view::npos) return false;
  const auto raw = from_hex(line.substr(space + 1));
  const auto parts = split(line.substr(0, space), '/');
  Position position;
  if (!raw.ok() || raw->size() != position.bytes.size() || parts.size() < 3) return false;
  const auto number = parse_int(parts.back());
  const auto lane = parts[parts.size() - 2];
  if (!number.ok() || (lane != "live" && lane != "backfill")) return false;
  std::copy(raw->begin(), raw->end(), position.bytes.begin());
  const std::string topic(line.substr(0, static_cast<size_t>(lane.data() - line.data()) - 1));
  out[{topic, lane == "live" ? flow::Lane::live : flow::Lane::backfill, static_cast<uint32_t>(*number)}] =
      position;
  return true;
}

}  // namespace

Result<std::map<ShardId, Position>> read_archive_progress(stores::BlobStore& blobs) {
  std::map<ShardId, Position> out;
  const auto text = blobs.read(archive_progress_name);
  if (!text.ok()) {
    if (text.error().cause == Cause::not_found) return out;
    return text.error();
  }
  const Error damaged = {Cause::damaged,
                         std::string("archive/") + archive_progress_name +
                             " is damaged: delete it; the streams are then read from where they begin, and "
                             "what is archived already is left as it is"};
  const size_t crc_at = text->rfind("crc32c ");
  if (crc_at == std::string::npos || text->substr(crc_at) != crc_line(ByteView(*text).substr(0, crc_at)))
    return damaged;
  if (!text->starts_with(progress_head)) {
    return Error{Cause::invalid, std::string("archive/") + archive_progress_name +
                                     ": written by a newer version: run that one"};
  }
  for (const auto line :
       split(ByteView(*text).substr(progress_head.size(), crc_at - progress_head.size()), '\n')) {
    if (!line.empty() && !parse_progress_line(line, out)) return damaged;
  }
  return out;
}

ArchiveSink::ArchiveSink(const Parts& parts, const ArchiveSettings& settings)
    : parts_(parts),
      settings_(settings),
      archived_(parts.metrics.counter("bonafide_archive_events_total", "Events put into archive files")),
      skipped_(parts.metrics.counter("bonafide_archive_skipped_total",
                                     "Events read again whose archive file was there")),
      files_cut_(parts.metrics.counter("bonafide_archive_files_total", "Archive files finished")) {}

Result<std::unique_ptr<ArchiveSink>> ArchiveSink::open(const Parts& parts, const ArchiveSettings& settings) {
  std::unique_ptr<ArchiveSink> sink(new ArchiveSink(parts, settings));
  BONAFIDE_TRY(parts.blobs.sweep());
  BONAFIDE_ASSIGN(sink->durable_, read_archive_progress(parts.blobs));
  sink->seen_ = sink->durable_;
  return sink;
}

Result<Position> ArchiveSink::applied(const ShardId& shard) {
  const auto found = durable_.find(shard);
  return found == durable_.end() ? Position() : found->second;
}

Result<flow::Applied> ArchiveSink::apply(std::span<const flow::Delivery> deliveries,
                                         const flow::Stretch& stretch, size_t* poison) {
  Position& seen = seen_[stretch.shard];
  if (stretch.upto <= seen) return flow::Applied::already;
  if (stretch.after > seen) {
    return {Cause::conflict, "archive: shard " + stretch.shard.text() + " was taken up to " +
                                 to_hex(seen.view()) + ", the stretch begins after that, at " +
                                 to_hex(stretch.after.view())};
  }
  BONAFIDE_TRY(read_events(deliveries, seen, poison));
  for (size_t i = 0; i < deliveries.size(); ++i) {
    if (events_[i] == nullptr) continue;
    BONAFIDE_TRY(take(deliveries[i], events_[i]->event, seen));
    seen = deliveries[i].position;  // one by one: after an error the same stretch comes again
  }
  seen = stretch.upto;
  events_.clear();
  return flow::Applied::now;
}

/// All of them before the first is taken, so that a refused stretch leaves nothing behind.
Status ArchiveSink::read_events(std::span<const flow::Delivery> deliveries, Position seen, size_t* poison) {
  events_.assign(deliveries.size(), nullptr);
  for (size_t i = 0; i < deliveries.size(); ++i) {
    if (deliveries[i].position <= seen) continue;
    auto event = parts_.codec.read<mail::Scored>(deliveries[i].record);
    if (!event.ok()) {
      if (event.error().cause == Cause::unavailable || event.error().cause == Cause::exhausted)
        return event.error();
      *poison = i;
      return Error{Cause::invalid, "archive: the event cannot be read: " + event.error().message};
    }
    events_[i] = std::move(event).value();
  }
  return Ok{};
}

Status ArchiveSink::take(const flow::Delivery& delivery, const mail::Scored& event, Position seen) {
  const auto& received = event.received;
  if (received.kind == mail::Kind::heartbeat) return Ok{};
  ByteView framed = delivery.record.value.view();
  if (framed.empty()) {
    encoded_.clear();
    delivery.record.payload->encode(encoded_);
    framed = encoded_;
  }
  BONAFIDE_ASSIGN(const avro::Framed parts, avro::unframe(framed));
  const ArchiveSeries series{received.tenant, received.id.accepted_at().day(), delivery.shard};
  BONAFIDE_ASSIGN(const Position there, reached(series));
  if (delivery.position <= there) {
    skipped_.add();
    return Ok{};
  }
  BONAFIDE_ASSIGN(ArchiveFileWriter* const file, file_for(series, parts.id, seen));
  BONAFIDE_TRY(file->write_out());
  BONAFIDE_TRY(file->append(event, parts.payload, delivery.position));
  archived_.add();
  return Ok{};
}

/// The last position of a series that is in a file. The files of a series are cut one after the other, so
/// that all its records up to there are in files.
Result<Position> ArchiveSink::reached(const ArchiveSeries& series) {
  if (const auto known = reached_.find(series); known != reached_.end()) return known->second;
  std::map<Position, std::string> indexes;
  std::vector<Position> files;
  for (std::string after;;) {
    BONAFIDE_ASSIGN(const auto page, parts_.blobs.list(archive_folder(series), after, 1000));
    for (const auto& path : page) {
      const auto name = ArchiveName::parse(path);
      if (!name.ok() || name->shard != series.shard) continue;
      if (is_archive_file(path)) {
        files.push_back(name->last);
      } else {
        indexes.emplace(name->last, path);
      }
    }
    if (page.size() < 1000) break;
    after = page.back();
  }
  // The power went between an index and its file: the file comes again, maybe with another end.
  for (const auto& [last, path] : indexes) {
    const bool lost = last <= durable_[series.shard];  // it was there: that is for verify to tell
    if (!lost && std::find(files.begin(), files.end(), last) == files.end())
      BONAFIDE_TRY(parts_.blobs.remove(path));
  }
  if (reached_.size() >= most_known_series) reached_.clear();
  const Position last = files.empty() ? Position() : *std::max_element(files.begin(), files.end());
  return reached_[series] = last;
}

Result<ArchiveFileWriter*> ArchiveSink::file_for(const ArchiveSeries& series, int32_t schema_id,
                                                 Position seen) {
  auto found = files_.find(series);
  if (found != files_.end() &&
      (found->second->schema_id() != schema_id || found->second->bytes() >= settings_.file_bytes)) {
    BONAFIDE_TRY(cut(found));
    found = files_.end();
  }
  if (found != files_.end()) return found->second.get();
  if (files_.size() >= settings_.open_files) BONAFIDE_TRY(cut_oldest());
  avro::SyncMarker sync;
  const std::string random = parts_.random.bytes(sync.size());
  std::copy(random.begin(), random.end(), sync.begin());
  BONAFIDE_ASSIGN(const avro::Schema schema, parts_.registry.schema_by_id(schema_id));
  BONAFIDE_ASSIGN(auto file, ArchiveFileWriter::open(parts_.blobs, series, schema, schema_id, settings_.file,
                                                     sync, seen, now_));
  return (files_[series] = std::move(file)).get();
}

Status ArchiveSink::cut(Files::iterator file) {
  const auto& writer = *file->second;
  BONAFIDE_TRY(file->second->finish());
  files_cut_.add();
  parts_.log.debug("archive.file", {{"folder", archive_folder(writer.series())},
                                    {"shard", writer.series().shard.text()},
                                    {"events", writer.records()},
                                    {"bytes", writer.bytes()}});
  // What comes next is newer than all that is there: nothing to look up.
  reached_[writer.series()] = Position();
  files_.erase(file);
  return Ok{};
}

Status ArchiveSink::cut_oldest() {
  const auto oldest = std::min_element(files_.begin(), files_.end(), [](const auto& a, const auto& b) {
    return a.second->opened_at() < b.second->opened_at();
  });
  return cut(oldest);
}

/// Up to where everything of each shard is in files.
ArchiveSink::Positions ArchiveSink::safe() const {
  Positions out = seen_;
  for (const auto& [series, file] : files_) {
    Position& position = out[series.shard];
    position = std::min(position, file->before());
  }
  return out;
}

Status ArchiveSink::save_progress(Positions positions) {
  BONAFIDE_TRY(parts_.blobs.write(archive_progress_name, progress_text(positions)));
  durable_ = std::move(positions);
  progress_saved_ = now_;
  return Ok{};
}

Status ArchiveSink::settle(Time steady, bool drain) {
  now_ = steady;
  bool any = false;
  for (auto file = files_.begin(); file != files_.end();) {
    const auto next = std::next(file);
    const bool old = steady >= file->second->opened_at() + settings_.file_age;
    if (drain || old || file->second->bytes() >= settings_.file_bytes) {
      BONAFIDE_TRY(cut(file));
      any = true;
    }
    file = next;
  }
  Positions positions = safe();
  if (positions == durable_) return Ok{};
  if (!any && !drain && steady < progress_saved_ + settings_.file_age) return Ok{};
  return save_progress(std::move(positions));
}

Time ArchiveSink::settle_due() const {
  Time due{INT64_MAX};
  for (const auto& [series, file] : files_) due = std::min(due, file->opened_at() + settings_.file_age);
  if (files_.empty() && seen_ != durable_) due = progress_saved_ + settings_.file_age;
  return due;
}

}  // namespace bonafide::steps
