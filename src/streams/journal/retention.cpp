#include <algorithm>

#include "streams/journal/flusher.hpp"

// Housekeeping: room on the disk, old segments, the catalogue.
namespace bonafide::streams::journal {
namespace {

// While something is written; otherwise with the rest of the house. Mail that comes in fast is written
// several times, here and in the stores, and what is to stay free would be used up within a second.
constexpr Duration space_look_every = Duration::millis(20);
constexpr uint64_t ample_bytes = uint64_t{2} << 30;

/// Does the hold want records of the shard that lie before `end`?
bool needed(const Core& core, const Core::Hold& hold, const ShardKey& shard, uint64_t end) {
  if (shard.topic != core.tables.topic(hold.topic)) return false;
  const auto behind = hold.behind.find(shard);
  if (behind == hold.behind.end()) return true;
  return behind->second.major() < end && behind->second < core.tables.state(shard)->last;
}

bool everybody_is_past(const Core& core, const Segment& segment) {
  for (const auto& [name, hold] : core.holds) {
    for (const auto& [shard, index] : segment.shards) {
      if (needed(core, hold, shard, segment.end)) return false;
    }
  }
  for (const auto& [number, group] : core.tables.groups()) {
    for (const auto& [shard, index] : segment.shards) {
      if (!std::ranges::binary_search(group.topics, shard.topic)) continue;
      if (core.tables.progress(number, shard).next_offset < index.next) return false;
    }
  }
  return true;
}

}  // namespace

/// On a full disk the catalogue waits: it only makes opening faster, and lets segments go.
Status Flusher::keep_house() {
  look_at_space();
  Status kept = retire();
  if (kept.ok()) {
    {
      const std::lock_guard lock(core_->mutex);
      catalogue_dirty_ |= std::exchange(core_->tables_changed, false);
    }
    if (catalogue_dirty_) kept = write_catalogue();
  }
  if (kept.ok() || kept.error().cause != Cause::exhausted) return kept;
  core_->outside.logger.warn("journal.catalogue_waits", {{"error", kept.error().message}});
  return Ok{};
}

/// Too little free disk refuses new mail whatever its callers do. Steps go on: what was accepted is to reach
/// its stores; only when hardly anything is left they wait as well, because a write that fails ends the
/// process. A journal that its readers hold up is one more backlog.
void Flusher::look_at_space() {
  using Admission = flow::Inlet::Admission;
  const Settings& settings = core_->settings;
  std::optional<Admission> full;
  bool all_but_full = false;
  next_space_look_ = {INT64_MAX};
  const auto space = core_->outside.files.space(settings.folder);
  if (space.ok()) {
    const auto share =
        static_cast<uint64_t>(settings.min_free_share * static_cast<double>(space->total_bytes));
    const uint64_t least = std::max(settings.min_free_bytes, share);
    all_but_full = space->free_bytes < least / 8;
    core_->metrics.free_bytes.set(static_cast<double>(space->free_bytes));
    if (space->free_bytes < least + ample_bytes)
      next_space_look_ = core_->outside.clock.steady() + space_look_every;
    if (space->free_bytes < least) {
      full = Admission{false, Duration::seconds(30),
                       "the disk has only " + std::to_string(space->free_bytes >> 20) + " MiB free, " +
                           std::to_string(least >> 20) + " MiB must stay free",
                       Cause::unavailable};
    }
  }
  const std::lock_guard lock(core_->mutex);
  bool over = false;
  if (!full && count_retirable(&over) == 0 && over) {
    full = Admission{false, Duration::seconds(30),
                     "the journal has reached its " + std::to_string(settings.max_bytes >> 20) +
                         " MiB and its readers still need all of it"};
  }
  if (room_look_) return;  // says so until what waits is written
  if (full && !core_->full) core_->outside.logger.warn("journal.full", {{"reason", full->reason}});
  if (!full && core_->full) core_->outside.logger.warn("journal.room_again");
  core_->full = std::move(full);
  if (core_->all_but_full && !all_but_full) {
    for (const auto& member : core_->members) {
      if (member->join.wake != nullptr) member->join.wake->wake();
    }
  }
  core_->all_but_full = all_but_full;
  no_room_ahead_ &= all_but_full;
}

size_t Flusher::count_retirable(bool* over) const {
  const Settings& settings = core_->settings;
  uint64_t total = prepared_bytes_;
  for (const auto& segment : core_->segments) {
    total += segment->sealed ? segment->file_bytes
                             : std::max(segment->end - segment->base, settings.segment_bytes);
  }
  core_->metrics.bytes.set(static_cast<double>(total));
  core_->metrics.segments.set(static_cast<double>(core_->segments.size()));
  const Time oldest_kept = core_->outside.clock.now() - settings.max_age;
  size_t count = 0;
  for (const auto& segment : core_->segments) {
    const bool due = total > settings.max_bytes || segment->last_timestamp < oldest_kept;
    if (!segment->sealed || !due || !everybody_is_past(*core_, *segment)) break;
    total -= segment->file_bytes;
    ++count;
  }
  if (over != nullptr) *over = total > settings.max_bytes;
  return count;
}

/// Removes the segments that the last look found retirable, if the progress that look saw is durable by now,
/// and looks again. The catalogue goes first: a segment it does not name any more was retired, any other is
/// missing.
Status Flusher::retire() {
  std::vector<std::shared_ptr<Segment>> gone;
  {
    const std::lock_guard lock(core_->mutex);
    if (durable_ >= retire_when_durable_) {
      while (core_->segments.size() > 1 && core_->segments.front()->end <= retire_before_) {
        gone.push_back(core_->segments.front());
        core_->segments.erase(core_->segments.begin());
      }
    }
    const size_t next = count_retirable(nullptr);
    retire_before_ = next == 0 ? 0 : core_->segments[next - 1]->end;
    retire_when_durable_ = core_->next_lsn;
  }
  if (gone.empty()) return Ok{};
  if (Status written = write_catalogue(); !written.ok()) {
    const std::lock_guard lock(core_->mutex);
    core_->segments.insert(core_->segments.begin(), gone.begin(), gone.end());
    return written;
  }
  for (const auto& segment : gone) {
    BONAFIDE_TRY(core_->outside.files.remove(segment->path));
    core_->metrics.retired.add();
    core_->outside.logger.info("journal.segment_retired",
                               {{"segment", segment->path}, {"records", segment->records}});
  }
  return core_->outside.files.sync_folder(core_->settings.folder);
}

Status Flusher::write_catalogue() {
  Catalogue catalogue;
  {
    const std::lock_guard lock(core_->mutex);
    catalogue.journal_id = core_->journal_id;
    catalogue.durable = durable_;
    catalogue.first_base = core_->segments.front()->base;
    catalogue.definitions = core_->tables.definitions();
    for (const auto& segment : core_->segments) {
      if (segment->sealed)
        catalogue.sealed.push_back({segment->file_bytes, segment->footer(core_->journal_id)});
    }
  }
  BONAFIDE_TRY(core_->outside.files.write_file(core_->settings.folder + "/catalogue", encode(catalogue)));
  catalogue_dirty_ = false;
  return Ok{};
}

}  // namespace bonafide::streams::journal
