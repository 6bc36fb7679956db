#include "streams/journal/journal.hpp"

#include <algorithm>

#include "streams/journal/flusher.hpp"
#include "streams/journal/recovery.hpp"
#include "streams/journal/session.hpp"

namespace bonafide::streams::journal {

using flow::Position;
using flow::ShardId;
using flow::Visibility;

namespace {

constexpr uint64_t least_segment_bytes = 4096;
constexpr uint64_t most_segment_bytes = uint64_t{1} << 30;

/// The file frames go to, ready to be appended to: cut behind the last good frame, everything before it
/// durable.
struct Current {
  std::unique_ptr<env::File> file;
  uint64_t zeroed = 0;
};

/// Writes the bytes [from, upto) and the file's size once more, and syncs it. After a failed sync the system
/// takes pages that never reached the disk for clean: the process that ends over it leaves frames that can be
/// read and that no later sync saves (Rebello et al., "Can Applications Recover from fsync Failures?", ATC
/// 2020).
Status write_again_and_sync(env::File& file, uint64_t from, uint64_t upto) {
  constexpr uint64_t at_once = 1 << 20;
  while (from < upto) {
    BONAFIDE_ASSIGN(const std::string bytes, file.read_at(from, std::min(at_once, upto - from)));
    if (bytes.empty()) break;
    BONAFIDE_TRY(file.write_at(from, bytes));
    from += bytes.size();
  }
  BONAFIDE_ASSIGN(const uint64_t size, file.size());
  BONAFIDE_TRY(file.truncate(size));
  return file.sync_all();
}

Result<Current> continue_segment(env::Files& files, const Segment& segment, bool cut, uint64_t durable) {
  Current out;
  BONAFIDE_ASSIGN(out.file, files.open(segment.path, env::Open::read_write));
  if (cut) BONAFIDE_TRY(out.file->truncate(segment.end - segment.base));
  BONAFIDE_TRY(write_again_and_sync(*out.file, durable - segment.base, segment.end - segment.base));
  BONAFIDE_ASSIGN(out.zeroed, out.file->size());
  return out;
}

Result<Current> begin_segment(const Settings& settings, const Outside& outside, uint64_t journal_id,
                              const Segment& segment, uint64_t previous_hash) {
  Current out;
  const std::string header =
      encode(SegmentHeader{journal_id, segment.base, outside.clock.now(), previous_hash});
  // Written aside first: a segment file always begins with its header.
  const std::string aside = settings.folder + "/next.prepared";
  BONAFIDE_ASSIGN(out.file, outside.files.open(aside, env::Open::create_new));
  BONAFIDE_TRY(out.file->write_at(0, header));
  BONAFIDE_TRY(out.file->sync_all());
  BONAFIDE_TRY(outside.files.rename(aside, segment.path));
  BONAFIDE_TRY(outside.files.sync_folder(settings.folder));
  BONAFIDE_ASSIGN(out.file, outside.files.open(segment.path, env::Open::read_write));
  out.zeroed = header.size();
  return out;
}

void report(const Recovery& found, const Outside& outside, JournalMetrics& metrics) {
  for (const auto& damage : found.damages) {
    metrics.damages.add();
    outside.logger.error("journal.damage", {{"file", damage.file},
                                            {"byte", damage.byte},
                                            {"bytes", damage.bytes},
                                            {"shard", damage.shard ? damage.shard->text() : ""},
                                            {"offset", damage.first_offset},
                                            {"what", damage.what}});
  }
  if (found.torn) {
    metrics.torn_tails.add();
    outside.logger.warn("journal.torn_tail", {{"file", found.torn->file},
                                              {"byte", found.torn->byte},
                                              {"bytes", found.torn->bytes},
                                              {"what", found.torn->what}});
  }
  outside.logger.info("journal.recovered", {{"segments", uint64_t{found.segments.size()}},
                                            {"end", found.end},
                                            {"frames_walked", found.frames_walked},
                                            {"damages", uint64_t{found.damages.size()}}});
}

}  // namespace

class Journal::JournalInlet final : public flow::Inlet {
 public:
  explicit JournalInlet(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  Admission admit(size_t bytes) override {
    const std::lock_guard lock(core_->mutex);
    auto refused = core_->refusal(bytes, Core::Asked::at_the_door);
    if (!refused) return {};
    core_->metrics.refused(refused->cause);
    return std::move(*refused);
  }
  void append(std::vector<flow::Entry> entries, std::function<void(Result<Landed>)> when_synced) override {
    core_->append(std::move(entries), std::move(when_synced));
  }

 private:
  std::shared_ptr<Core> core_;
};

Result<std::unique_ptr<Journal>> Journal::open(const Settings& settings, const Outside& outside) {
  if (settings.segment_bytes < least_segment_bytes || settings.segment_bytes > most_segment_bytes) {
    return {Cause::invalid, "journal: a segment has " + std::to_string(least_segment_bytes) + " to " +
                                std::to_string(most_segment_bytes) + " bytes, not " +
                                std::to_string(settings.segment_bytes)};
  }
  env::Files& files = outside.files;
  if (!settings.read_only) BONAFIDE_TRY(files.make_folders(settings.folder));
  BONAFIDE_ASSIGN(Recovery found, recover(files, settings.folder));
  if (found.segments.empty() && settings.read_only) {
    return {Cause::not_found, settings.folder + " holds no journal"};
  }
  auto core = std::make_shared<Core>(settings, outside);
  report(found, outside, core->metrics);
  core->journal_id = found.journal_id;
  while (core->journal_id == 0) core->journal_id = outside.random.next();
  core->tables = std::move(found.tables);
  core->segments = found.segments;
  core->next_lsn = core->durable = core->last_data_end = found.end;
  for (const auto& [number, topic] : core->tables.topics()) {
    for (uint16_t shard = 0; shard < topic.shards; ++shard) {
      for (const flow::Lane lane : flow::lanes) {
        const auto* state = core->tables.state({number, shard, lane});
        core->tails[{number, shard, lane}] = {state->next_offset, {}, state->last};
      }
    }
  }
  Opened opened{std::move(found.damages), found.torn ? found.torn->bytes : 0, found.frames_walked,
                found.segments.size()};
  if (settings.read_only) {
    return std::unique_ptr<Journal>(new Journal(std::move(core), nullptr, std::move(opened)));
  }
  for (const auto& path : found.left_over) BONAFIDE_TRY(files.remove(path));
  BONAFIDE_ASSIGN(const bool half_prepared, files.exists(settings.folder + "/next.prepared"));
  if (half_prepared) BONAFIDE_TRY(files.remove(settings.folder + "/next.prepared"));

  // A process that was killed may have left names and bytes that are not synced; what comes next builds on
  // them.
  BONAFIDE_TRY(files.sync_folder(settings.folder));
  Current current;
  if (found.last_is_sealed) {
    const Segment& segment = *core->segments.back();
    BONAFIDE_ASSIGN(const auto last, files.open(segment.path, env::Open::read_write));
    BONAFIDE_TRY(write_again_and_sync(*last, found.durable - segment.base, segment.file_bytes));
  }
  const bool fresh = core->segments.empty() || found.last_is_sealed;
  if (fresh) {
    const uint64_t hash = core->segments.empty() ? 0 : core->segments.back()->hash;
    core->segments.push_back(std::make_shared<Segment>(settings.folder, found.end));
    Segment& segment = *core->segments.back();
    segment.hash = hash;
    core->next_lsn = core->durable = core->last_data_end = segment.end;
    BONAFIDE_ASSIGN(current, begin_segment(settings, outside, core->journal_id, segment, hash));
  } else {
    BONAFIDE_ASSIGN(current,
                    continue_segment(files, *core->segments.back(), found.torn.has_value(), found.durable));
  }
  // Before anything is appended: that may already begin the next segment.
  auto flusher = std::make_unique<Flusher>(core, std::move(current.file), current.zeroed);
  // What only the catalogue knew must stand in a frame before records and progress refer to it.
  if (fresh || found.filled_in) {
    const std::lock_guard lock(core->mutex);
    core->append_control(FrameKind::control, core->tables.definitions(), core->tables.all_progress());
  }
  {
    const std::lock_guard lock(core->mutex);
    std::vector<std::pair<uint16_t, uint32_t>> wanted;
    for (const auto& [number, topic] : core->tables.topics()) {
      if (const uint32_t shards = core->shards_wanted(topic.name); shards > 0)
        wanted.emplace_back(number, shards);
    }
    for (const auto& [number, shards] : wanted) BONAFIDE_TRY(core->repartition(number, shards));
  }
  return std::unique_ptr<Journal>(new Journal(std::move(core), std::move(flusher), std::move(opened)));
}

Journal::Journal(std::shared_ptr<Core> core, std::unique_ptr<Flusher> flusher, Opened opened)
    : core_(std::move(core)),
      flusher_(std::move(flusher)),
      inlet_(std::make_unique<JournalInlet>(core_)),
      opened_(std::move(opened)) {}

Journal::~Journal() {
  // Sessions may outlive the journal; what they still try must fail and wake nobody.
  std::deque<Core::Waiter> waiting;
  {
    const std::lock_guard lock(core_->mutex);
    if (!core_->failed) core_->failed = Error{Cause::unavailable, "the journal is closed"};
    core_->flusher_wake = nullptr;
    waiting.swap(core_->waiters);
  }
  for (auto& waiter : waiting)
    waiter.then(Error{Cause::unavailable, "the journal was closed before the sync"});
}

flow::Traits Journal::traits() const {
  return {.atomic = true,
          .headers = false,
          .replayable = true,
          .reshards = true,
          .max_record_bytes = core_->settings.max_record_bytes};
}

flow::Inlet& Journal::inlet() { return *inlet_; }

Result<std::unique_ptr<flow::Session>> Journal::join(const flow::Join& join) {
  return JournalSession::join(core_, join);
}

Result<std::unique_ptr<flow::Reader>> Journal::make_reader(const ShardId& shard, Position after,
                                                           Visibility visibility) {
  const auto key = [&]() -> Result<ShardKey> {
    const std::lock_guard lock(core_->mutex);
    BONAFIDE_TRY(core_->topic_number(shard.topic));
    return core_->shard_key(shard);
  }();
  if (!key.ok()) return key.error();
  BONAFIDE_ASSIGN(const uint64_t next, offset_after(core_, *key, after));
  return std::unique_ptr<flow::Reader>(
      std::make_unique<JournalReader>(core_, Cursor(core_, *key, shard, next), visibility));
}

Result<std::unique_ptr<flow::Reader>> Journal::reader(const ShardId& shard, Position after) {
  return make_reader(shard, after, Visibility::synced);
}

Result<std::unique_ptr<flow::Reader>> Journal::written_reader(const ShardId& shard, Position after) {
  return make_reader(shard, after, Visibility::written);
}

Result<std::vector<flow::Shard>> Journal::shards(const std::string& topic) {
  const std::lock_guard lock(core_->mutex);
  BONAFIDE_ASSIGN(const uint16_t number, core_->topic_number(topic));
  std::vector<flow::Shard> out;
  const Tables::Topic& known = core_->tables.topics().at(number);
  for (const flow::Lane lane : flow::lanes) {
    for (uint16_t shard = 0; shard < known.shards; ++shard) {
      auto& entry = out.emplace_back(flow::Shard{{topic, lane, shard}, {}, known.ended(shard)});
      for (const uint16_t parent : known.parents(shard)) entry.parents.push_back({topic, lane, parent});
    }
  }
  return out;
}

Status Journal::repartition(const std::string& topic, uint32_t shards) {
  const std::lock_guard lock(core_->mutex);
  if (core_->failed) return core_->failed->in("the journal takes no changes");
  if (core_->settings.read_only) return {Cause::invalid, "the journal is open for reading only"};
  BONAFIDE_ASSIGN(const uint16_t number, core_->topic_number(topic));
  return core_->repartition(number, shards);
}

Result<std::vector<flow::Backlog>> Journal::backlog(const std::string& name) {
  std::vector<flow::Backlog> out;
  std::vector<std::pair<size_t, Cursor>> first;
  {
    const std::lock_guard lock(core_->mutex);
    const auto group = core_->tables.group(name);
    if (!group) return out;
    for (const uint16_t topic : core_->tables.groups().at(*group).topics) {
      for (const flow::Lane lane : flow::lanes) {
        for (uint16_t shard = 0; shard < core_->tables.topics().at(topic).shards; ++shard) {
          const ShardKey key{topic, shard, lane};
          const auto progress = core_->tables.progress(*group, key);
          const uint64_t from = std::max(progress.next_offset, core_->first_offset(key));
          const uint64_t next = core_->tables.state(key)->next_offset;
          out.push_back(
              {core_->shard_id(key), progress.position, next > from ? next - from : 0, std::nullopt});
          if (next > from) first.emplace_back(out.size() - 1, Cursor(core_, key, out.back().shard, from));
        }
      }
    }
  }
  for (auto& [index, cursor] : first) {
    std::vector<flow::Delivery> one;
    size_t bytes_left = 1;
    // Damage is told to whoever reads, not to whoever counts: the first record behind it will do.
    Status status = cursor.read(Visibility::written, 1, bytes_left, one);
    for (int tries = 0; !status.ok() && tries < 8; ++tries) {
      status = cursor.read(Visibility::written, 1, bytes_left, one);
    }
    if (!one.empty()) out[index].oldest = one.front().record.timestamp;
  }
  return out;
}

Result<Position> Journal::synced(const ShardId& shard) {
  const std::lock_guard lock(core_->mutex);
  BONAFIDE_TRY(core_->topic_number(shard.topic));
  BONAFIDE_ASSIGN(const ShardKey key, core_->shard_key(shard));
  const auto tail = core_->tails.find(key);
  return tail == core_->tails.end() ? Position{} : tail->second.synced;
}

Result<flow::Position> Journal::written(const flow::ShardId& shard) {
  const std::lock_guard lock(core_->mutex);
  BONAFIDE_TRY(core_->topic_number(shard.topic));
  BONAFIDE_ASSIGN(const ShardKey key, core_->shard_key(shard));
  return core_->tables.state(key)->last;
}

flow::Stepper& Journal::flusher() { return *flusher_; }

void Journal::set_flusher_wake(env::Wake* wake) {
  const std::lock_guard lock(core_->mutex);
  core_->flusher_wake = wake;
}

void Journal::hold(const std::string& name, const Hold& hold) {
  const std::lock_guard lock(core_->mutex);
  auto& held = core_->holds[name];
  held = {hold.topic, {}};
  for (const auto& [shard, position] : hold.behind) {
    if (const auto key = core_->shard_key(shard); key.ok()) held.behind[*key] = position;
  }
}

void Journal::release(const std::string& name) {
  const std::lock_guard lock(core_->mutex);
  core_->holds.erase(name);
}

Status Journal::forget_group(const std::string& name) {
  const std::lock_guard lock(core_->mutex);
  const auto group = core_->tables.group(name);
  if (!group) return {Cause::not_found, "there is no group " + name};
  if (core_->settings.read_only) return {Cause::invalid, "the journal is open for reading only"};
  for (const auto& member : core_->members) {
    if (member->group == *group) core_->expel(*member);
  }
  core_->append_control(FrameKind::control,
                        {{DefinitionKind::forget, flow::Lane::live, *group, 0, 0, 0, 0, ""}}, {});
  core_->progress_moved = true;
  return Ok{};
}

std::vector<std::string> Journal::groups() {
  const std::lock_guard lock(core_->mutex);
  std::vector<std::string> out;
  for (const auto& [number, group] : core_->tables.groups()) out.push_back(group.name);
  return out;
}

Status Journal::close() {
  if (!flusher_) return Ok{};
  Status finished = flusher_->finish();
  const std::lock_guard lock(core_->mutex);
  if (!core_->failed) core_->failed = Error{Cause::unavailable, "the journal is closed"};
  return finished;
}

}  // namespace bonafide::streams::journal
