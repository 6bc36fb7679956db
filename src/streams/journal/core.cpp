#include "streams/journal/core.hpp"

#include <algorithm>

#include "streams/journal/format.hpp"

namespace bonafide::streams::journal {
namespace {

constexpr size_t early_write_bytes = size_t{1} << 20;
constexpr size_t most_definitions = 60'000;
/// What a frame in memory costs beside its bytes.
constexpr size_t frame_overhead = 512;

Status check_name(const std::string& what, const std::string& name) {
  if (!name.empty() && name.size() <= max_name_bytes) return Ok{};
  return {Cause::invalid, what + " needs a name of 1 to " + std::to_string(max_name_bytes) + " bytes"};
}

}  // namespace

JournalMetrics::JournalMetrics(env::Metrics& m)
    : written_bytes(
          m.counter("bonafide_journal_written_bytes_total", "Bytes of frames written to the journal.")),
      frames(m.counter("bonafide_journal_frames_total", "Frames written to the journal.")),
      records(m.counter("bonafide_journal_records_total", "Records written to the journal.")),
      syncs(m.counter("bonafide_journal_syncs_total",
                      "Syncs of the journal; frames per sync is the group size.")),
      damages(m.counter("bonafide_journal_damages_total", "Damaged stretches found in the journal.")),
      torn_tails(m.counter("bonafide_journal_torn_tails_total",
                           "Unsynced ends cut off when the journal was opened.")),
      retired(m.counter("bonafide_journal_segments_retired_total", "Segments removed by retention.")),
      refused_no_room(m.counter("bonafide_journal_refused_total",
                                "Times the journal answered later to a front door.",
                                {{"reason", "no_room"}})),
      refused_behind(m.counter("bonafide_journal_refused_total",
                               "Times the journal answered later to a front door.", {{"reason", "behind"}})),
      sync_seconds(m.histogram("bonafide_journal_sync_seconds", "Time one sync of the journal took.")),
      segments(m.gauge("bonafide_journal_segments", "Segments of the journal.")),
      bytes(m.gauge("bonafide_journal_bytes", "Bytes the journal holds on the disk.")),
      unsynced_bytes(m.gauge("bonafide_journal_unsynced_bytes", "Bytes accepted and not yet synced.")),
      free_bytes(m.gauge("bonafide_journal_disk_free_bytes", "Room on the disk the journal is on.")) {}

flow::ShardId Core::shard_id(ShardKey shard) const {
  return {tables.topics().at(shard.topic).name, shard.lane, shard.shard};
}

Result<ShardKey> Core::shard_key(const flow::ShardId& shard) const {
  const auto topic = tables.topic(shard.topic);
  if (!topic || shard.number >= tables.topics().at(*topic).shards) {
    return {Cause::not_found, "there is no shard " + shard.text()};
  }
  return ShardKey{*topic, static_cast<uint16_t>(shard.number), shard.lane};
}

uint32_t Core::shards_wanted(const std::string& topic) const {
  const auto own = settings.topic_shards.find(topic);
  return own == settings.topic_shards.end() ? settings.shards : own->second;
}

Status Core::repartition(uint16_t number, uint32_t shards) {
  const Tables::Topic& topic = tables.topics().at(number);
  if (shards == topic.open()) return Ok{};
  if (shards == 0) return {Cause::invalid, topic.name + ": a topic has at least one shard"};
  if (topic.shards + shards > max_shards ||
      tables.definitions().size() + size_t{shards} * 2 + 1 > most_definitions) {
    return {Cause::exhausted, topic.name + " has " + std::to_string(topic.open()) + " shards and had " +
                                  std::to_string(topic.first_open()) + " before; with " +
                                  std::to_string(shards) + " more it would be over the " +
                                  std::to_string(max_shards) + " a topic can have: let it keep " +
                                  std::to_string(topic.open())};
  }
  outside.logger.info(
      "journal.repartition",
      {{"topic", topic.name}, {"shards", uint64_t{shards}}, {"before", uint64_t{topic.open()}}});
  append_control(FrameKind::control,
                 {{DefinitionKind::topic, flow::Lane::live, number,
                   static_cast<uint16_t>(topic.shards + shards), topic.shards, 0, 0, topic.name}},
                 {});
  for (const auto& [group, data] : tables.groups()) {
    if (std::ranges::binary_search(data.topics, number)) deal(group);
  }
  return Ok{};
}

Result<uint16_t> Core::topic_number(const std::string& name) {
  if (const auto known = tables.topic(name)) return *known;
  BONAFIDE_TRY(check_name("a topic", name));
  if (settings.read_only) return {Cause::not_found, "there is no topic " + name};
  const auto shards = static_cast<uint16_t>(std::clamp<uint32_t>(shards_wanted(name), 1, max_shards));
  if (tables.definitions().size() + size_t{shards} * 2 + 1 > most_definitions) {
    return {Cause::exhausted,
            "no room for the topic " + name + ": the journal has too many topics and shards"};
  }
  const uint16_t number = tables.free_topic_number();
  append_control(FrameKind::control,
                 {{DefinitionKind::topic, flow::Lane::live, number, shards, 0, 0, 0, name}}, {});
  return number;
}

Result<uint16_t> Core::group_number(const std::string& name) {
  if (const auto known = tables.group(name)) return *known;
  BONAFIDE_TRY(check_name("a group", name));
  if (settings.read_only) return {Cause::invalid, "the journal is open for reading only: groups cannot join"};
  if (tables.definitions().size() >= most_definitions) {
    return {Cause::exhausted, "no room for the group " + name + ": the journal has too many groups"};
  }
  const uint16_t number = tables.free_group_number();
  append_control(FrameKind::control, {{DefinitionKind::group, flow::Lane::live, number, 0, 0, 0, 0, name}},
                 {});
  return number;
}

uint64_t Core::first_offset(ShardKey shard) const {
  for (const auto& segment : segments) {
    if (const auto index = segment->shards.find(shard); index != segment->shards.end())
      return index->second.first;
  }
  const auto* state = tables.state(shard);
  return state == nullptr ? 0 : state->next_offset;
}

uint64_t Core::lsn_near(ShardKey shard, uint64_t offset) const {
  if (const auto tail = tails.find(shard); tail != tails.end() && offset >= tail->second.first) {
    const uint64_t at = offset - tail->second.first;
    return at < tail->second.records.size() ? tail->second.records[at].frame->lsn : next_lsn;
  }
  for (const auto& segment : segments) {
    const auto found = segment->shards.find(shard);
    if (found == segment->shards.end() || found->second.next <= offset) continue;
    uint64_t lsn = segment->base;
    for (const auto& point : found->second.points) {
      if (point.offset <= offset) lsn = point.lsn;
    }
    return lsn;
  }
  return next_lsn;
}

/// Fills in the topic numbers of a prepared frame; topics are made when first named.
Status Core::know_topics(std::vector<flow::Entry>& entries, Frame& frame) {
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0 && entries[i].topic == entries[i - 1].topic) {
      frame.parts[i].entry.shard.topic = frame.parts[i - 1].entry.shard.topic;
      continue;
    }
    BONAFIDE_ASSIGN(frame.parts[i].entry.shard.topic, topic_number(entries[i].topic));
  }
  return Ok{};
}

void Core::make_room(size_t bytes) {
  const Segment& current = *segments.back();
  if (current.frames > 1 && current.end - current.base + bytes > settings.segment_bytes) roll();
}

/// A new segment begins. Its first frame repeats all definitions and all progress, so that it needs no older
/// one; the same becomes the old one's footer. The flusher does the work on the disk when it comes to the
/// boundary.
void Core::roll() {
  Segment& old = *segments.back();
  old.definitions = tables.definitions();
  old.progress = tables.all_progress();
  segments.push_back(std::make_shared<Segment>(settings.folder, next_lsn));
  next_lsn = segments.back()->end;
  auto frame = prepare_control_frame(FrameKind::control, old.definitions, old.progress.size());
  frame->lsn = next_lsn;
  finish_frame(*frame, journal_id, old.progress);
  enqueue(frame);
}

void Core::append_control(FrameKind kind, std::vector<Definition> definitions,
                          const std::vector<ProgressEntry>& progress) {
  auto frame = prepare_control_frame(kind, std::move(definitions), progress.size());
  make_room(frame->bytes.size());
  frame->lsn = next_lsn;
  for (const auto& definition : frame->definitions) tables.apply(definition);
  for (const auto& entry : progress) tables.apply(entry);
  tables_changed |= !frame->definitions.empty();
  finish_frame(*frame, journal_id, progress);
  enqueue(frame);
}

void Core::enqueue(const std::shared_ptr<Frame>& frame) {
  const size_t size = frame->bytes.size();
  frame->segment = segments.back();
  ++frame->segment->frames;
  next_lsn = frame->segment->end = frame->end();
  if (frame->kind != FrameKind::mark) last_data_end = next_lsn;
  const bool first = unsynced.empty();
  if (first) unsynced_since = outside.clock.steady();
  pending.push_back(frame);
  unsynced.push_back(frame);
  recent.push_back(frame);
  pending_bytes += size;
  unsynced_bytes += size;
  recent_bytes += size + frame_overhead;
  metrics.records.add(frame->parts.size());
  record_count += frame->parts.size();
  // Otherwise it is awake already, or sleeps until unsynced_since + idle_sync.
  if (flusher_wake != nullptr && (first || pending_bytes >= early_write_bytes)) flusher_wake->wake();
  drop_old_frames();
}

Landed Core::place(const std::shared_ptr<Frame>& frame, std::vector<flow::Entry>& entries,
                   const std::vector<ProgressEntry>& progress) {
  make_room(frame->bytes.size());
  frame->lsn = next_lsn;
  Segment& segment = *segments.back();
  Landed landed;
  landed.reserve(frame->parts.size());
  for (uint32_t i = 0; i < frame->parts.size(); ++i) {
    RecordEntry& entry = frame->parts[i].entry;
    entry.shard.shard = tables.topics().at(entry.shard.topic).shard_of(frame->parts[i].key_hash);
    Tables::ShardState& state = *tables.state(entry.shard);
    entry.offset = state.next_offset++;
    state.last = flow::Position::of(frame->lsn, i);
    segment.note(entry, frame->lsn);
    Tail& tail = tails[entry.shard];
    if (tail.records.empty()) tail.first = entry.offset;
    tail.records.push_back({frame, i, std::move(entries[i].record.payload)});
    if (tail.records.size() > settings.memory_payloads) {
      tail.records[tail.records.size() - 1 - settings.memory_payloads].payload.reset();
    }
    landed.emplace_back(flow::ShardId{std::move(entries[i].topic), entry.shard.lane, entry.shard.shard},
                        state.last);
  }
  for (const auto& entry : progress) tables.apply(entry);
  progress_moved |= behind.has_value() && !progress.empty();
  finish_frame(*frame, journal_id, progress);
  enqueue(frame);
  wake_readers(flow::Visibility::written, *frame);
  return landed;
}

void Core::wake_readers(flow::Visibility visibility, const Frame& frame) {
  for (const auto& member : members) {
    if (!member->hungry || member->join.wake == nullptr || member->join.visibility != visibility) continue;
    const bool reads_it = std::ranges::any_of(frame.parts, [&](const Frame::Part& part) {
      return std::ranges::binary_search(member->topics, part.entry.shard.topic);
    });
    if (!reads_it) continue;
    member->hungry = false;
    member->join.wake->wake();
  }
}

void Core::drop_old_frames() {
  while (recent_bytes > settings.memory_bytes && !recent.empty() && recent.front()->end() <= durable) {
    const Frame& oldest = *recent.front();
    for (const auto& part : oldest.parts) {
      Tail& tail = tails[part.entry.shard];
      tail.records.pop_front();
      tail.first = part.entry.offset + 1;
    }
    recent_bytes -= oldest.bytes.size() + frame_overhead;
    recent.pop_front();
  }
}

namespace {
uint64_t bound(uint64_t setting, Core::Asked asked) {
  return asked == Core::Asked::at_the_door ? setting : setting + setting / 4;
}
}  // namespace

std::optional<flow::Inlet::Admission> Core::refusal(size_t bytes, Asked asked) {
  using Admission = flow::Inlet::Admission;
  if (failed) return Admission{false, Duration::seconds(30), failed->message, Cause::unavailable};
  if (settings.read_only) {
    return Admission{false, Duration::minutes(5), "the journal is open for reading only", Cause::unavailable};
  }
  if (full) return full;
  if (unsynced_bytes > 0 && unsynced_bytes + bytes > bound(settings.max_unsynced_bytes, asked)) {
    return Admission{false, Duration::millis(100),
                     "the disk is behind: " + std::to_string(unsynced_bytes) + " bytes wait to be synced"};
  }
  // Looked at again only after some more has been written: this is asked for every message.
  const uint64_t bytes_between = std::clamp<uint64_t>(settings.max_behind_bytes / 64, 1, 256 << 10);
  uint64_t fewest = settings.max_behind_records;
  for (const auto& [name, most] : settings.group_max_behind_records) fewest = std::min(fewest, most);
  const uint64_t records_between = std::clamp<uint64_t>(fewest / 64, 1, 256);
  if (progress_moved || next_lsn - behind_checked_lsn >= bytes_between ||
      record_count - behind_checked_records >= records_between) {
    behind = behind_refusal(bytes, Asked::at_the_door);
    behind_checked_lsn = next_lsn;
    behind_checked_records = record_count;
    progress_moved = false;
  }
  if (behind && asked == Asked::at_append) return behind_refusal(bytes, asked);
  return behind;
}

/// Is a group too far behind?
std::optional<flow::Inlet::Admission> Core::behind_refusal(size_t bytes, Asked asked) const {
  using Admission = flow::Inlet::Admission;
  for (const auto& [number, group] : tables.groups()) {
    const auto own = settings.group_max_behind_records.find(group.name);
    const uint64_t most =
        own == settings.group_max_behind_records.end() ? settings.max_behind_records : own->second;
    uint64_t live = 0, oldest_lsn = next_lsn;
    for (const uint16_t topic_number : group.topics) {
      const auto topic = tables.topics().find(topic_number);
      if (topic == tables.topics().end()) continue;
      for (uint16_t shard = 0; shard < topic->second.shards; ++shard) {
        for (const flow::Lane lane : flow::lanes) {
          const ShardKey key{topic_number, shard, lane};
          const uint64_t next = tables.state(key)->next_offset;
          const uint64_t done = tables.progress(number, key).next_offset;
          if (done >= next) continue;
          if (lane == flow::Lane::live) live += next - done;
          oldest_lsn = std::min(oldest_lsn, lsn_near(key, done));
        }
      }
    }
    const uint64_t distance = next_lsn - oldest_lsn;
    if (live > bound(most, asked)) {
      return Admission{false, Duration::seconds(1),
                       group.name + " is " + std::to_string(live) + " messages behind"};
    }
    if (distance > 0 && distance + bytes > bound(settings.max_behind_bytes, asked)) {
      return Admission{false, Duration::seconds(1),
                       group.name + " is " + std::to_string(distance) + " bytes behind"};
    }
  }
  return std::nullopt;
}

void Core::append(std::vector<flow::Entry> entries, std::function<void(Result<Landed>)> then) {
  auto prepared = prepare_frame(entries, 0, settings.max_record_bytes);
  if (!prepared.ok()) return then(prepared.error());
  const std::shared_ptr<Frame> frame = std::move(*prepared);
  std::optional<Error> error;
  {
    const std::lock_guard lock(mutex);
    if (const auto refused = refusal(frame->bytes.size(), Asked::at_append)) {
      metrics.refused(refused->cause);
      error = Error{refused->cause, refused->reason + "; try again later"};
    } else if (const Status known = know_topics(entries, *frame); !known.ok()) {
      error = known.error();
    } else if (!entries.empty()) {
      Landed landed = place(frame, entries, {});
      waiters.push_back({frame->end(), std::move(then), std::move(landed)});
      if (flusher_wake != nullptr) flusher_wake->wake();
      return;
    }
  }
  then(error ? Result<Landed>(*error) : Result<Landed>(Landed{}));
}

std::pair<flow::Fate, Landed> Core::commit(Member& member, std::vector<flow::Entry> entries,
                                           const std::vector<Consumed>& consumed) {
  auto prepared = prepare_frame(entries, consumed.size(), settings.max_record_bytes);
  if (!prepared.ok()) {
    outside.logger.error("journal.commit_refused",
                         {{"group", member.join.group}, {"reason", prepared.error().message}});
    return {flow::Fate::not_done, {}};
  }
  const std::shared_ptr<Frame> frame = std::move(*prepared);
  const std::lock_guard lock(mutex);
  if (failed) return {flow::Fate::not_done, {}};
  const bool holds_all = std::ranges::all_of(consumed, [&](const Consumed& c) {
    const auto held = member.held.find(c.shard);
    return held != member.held.end() && held->second == c.serial;
  });
  if (member.fenced || member.held.empty() || !holds_all) return {flow::Fate::fenced, {}};
  if (entries.empty() && consumed.empty()) return {flow::Fate::done, {}};
  if (const Status known = know_topics(entries, *frame); !known.ok()) {
    outside.logger.error("journal.commit_refused",
                         {{"group", member.join.group}, {"reason", known.error().message}});
    return {flow::Fate::not_done, {}};
  }
  std::vector<ProgressEntry> progress;
  progress.reserve(consumed.size());
  for (const auto& c : consumed) progress.push_back({member.group, c.shard, c.position, c.next_offset});
  Landed landed = place(frame, entries, progress);
  // The end of a shard lets those that follow it be read.
  const bool of_ended = std::ranges::any_of(
      consumed, [&](const Consumed& c) { return tables.topics().at(c.shard.topic).ended(c.shard.shard); });
  if (of_ended) deal(member.group);
  return {flow::Fate::done, std::move(landed)};
}

}  // namespace bonafide::streams::journal
