#include "streams/memory/memory_log.hpp"

#include <algorithm>

#include "streams/memory/core.hpp"

namespace bonafide::streams {

using flow::Delivery;
using flow::Position;
using flow::ShardId;

namespace {
constexpr Duration retry_after = Duration::seconds(1);

/// Calls what was collected under the lock, now that it is free: callbacks may use the log.
void call(const std::vector<std::function<void()>>& callbacks) {
  for (const auto& callback : callbacks) callback();
}
}  // namespace

flow::Inlet::Admission MemoryLog::MemoryInlet::admit(size_t bytes) {
  const std::lock_guard lock(core_->mutex_);
  const auto waiting = core_->waiting();
  if (waiting.bytes == 0 || waiting.bytes + bytes <= core_->options_.max_waiting_bytes) return {};
  return {false, retry_after, waiting.slowest};
}

void MemoryLog::MemoryInlet::append(std::vector<flow::Entry> entries,
                                    std::function<void(Result<Landed>)> when_synced) {
  size_t bytes = 0;
  for (const auto& entry : entries) {
    const size_t size = entry.record.key.size() + entry.record.value.size();
    if (size > core_->options_.max_record_bytes) {
      return when_synced(Error{
          Cause::invalid, entry.topic + ": a record of " + std::to_string(size) + " bytes is more than the " +
                              std::to_string(core_->options_.max_record_bytes) + " this log takes"});
    }
    bytes += size;
  }
  if (const auto admission = admit(bytes); !admission.now) {
    return when_synced(Error{Cause::exhausted, admission.reason + "; try again later"});
  }
  std::vector<Core::Callback> due;
  {
    const std::lock_guard lock(core_->mutex_);
    Landed landed;
    std::vector<std::string> topics;
    for (auto& entry : entries) {
      topics.push_back(entry.topic);
      landed.push_back(core_->append(std::move(entry)));
    }
    core_->when_synced_.emplace_back(
        [then = std::move(when_synced), landed = std::move(landed)]() { then(landed); });
    for (const auto& topic : topics) core_->wake(&topic, flow::Visibility::written);
    if (core_->options_.sync_at_once) due = core_->sync();
  }
  call(due);
}

class MemoryLog::MemoryReader final : public flow::Reader {
 public:
  MemoryReader(std::shared_ptr<Core> core, ShardId shard, Position after, flow::Visibility visibility)
      : core_(std::move(core)), shard_(std::move(shard)), offset_(after.major()), visibility_(visibility) {}

  Result<std::vector<Delivery>> read(size_t max_records, size_t max_bytes) override {
    const std::lock_guard lock(core_->mutex_);
    const auto* data = core_->find(shard_);
    std::vector<Delivery> out;
    data->read(offset_, visibility_ == flow::Visibility::synced ? data->synced : data->last, max_records,
               max_bytes, out);
    return out;
  }

 private:
  std::shared_ptr<Core> core_;
  ShardId shard_;
  uint64_t offset_;
  flow::Visibility visibility_;
};

MemoryLog::MemoryLog(MemoryOptions options)
    : core_(std::make_shared<Core>(options)), inlet_(std::make_unique<MemoryInlet>(core_)) {}
MemoryLog::~MemoryLog() = default;

flow::Traits MemoryLog::traits() const {
  return {.atomic = true,
          .headers = true,
          .replayable = true,
          .reshards = true,
          .max_record_bytes = core_->options_.max_record_bytes};
}

flow::Inlet& MemoryLog::inlet() { return *inlet_; }

Result<std::unique_ptr<flow::Reader>> MemoryLog::reader(const ShardId& shard, Position after) {
  const std::lock_guard lock(core_->mutex_);
  if (core_->find(shard) == nullptr) return {Cause::not_found, "there is no shard " + shard.text()};
  return std::unique_ptr<flow::Reader>(
      std::make_unique<MemoryReader>(core_, shard, after, flow::Visibility::synced));
}

Result<std::unique_ptr<flow::Reader>> MemoryLog::written_reader(const ShardId& shard, Position after) {
  const std::lock_guard lock(core_->mutex_);
  if (core_->find(shard) == nullptr) return {Cause::not_found, "there is no shard " + shard.text()};
  return std::unique_ptr<flow::Reader>(
      std::make_unique<MemoryReader>(core_, shard, after, flow::Visibility::written));
}

Result<std::vector<flow::Shard>> MemoryLog::shards(const std::string& topic) {
  const std::lock_guard lock(core_->mutex_);
  core_->make_topic(topic);
  std::vector<flow::Shard> out;
  for (const auto& [id, data] : core_->shards_) {
    if (id.topic == topic) out.push_back(data.shard);
  }
  return out;
}

Result<std::vector<flow::Backlog>> MemoryLog::backlog(const std::string& name) {
  const std::lock_guard lock(core_->mutex_);
  std::vector<flow::Backlog> out;
  const auto group = core_->groups_.find(name);
  if (group == core_->groups_.end()) return out;
  for (const auto& [id, data] : core_->shards_) {
    if (!group->second.topics.contains(id.topic)) continue;
    const uint64_t committed = group->second.committed[id];
    flow::Backlog backlog{id, position_of(committed), data.last - std::min(committed, data.last), {}};
    const uint64_t next = std::max(committed + 1, data.first());
    if (next <= data.last) backlog.oldest = data.records[next - data.first()].record.timestamp;
    out.push_back(std::move(backlog));
  }
  return out;
}

Result<Position> MemoryLog::synced(const ShardId& shard) {
  const std::lock_guard lock(core_->mutex_);
  const auto* data = core_->find(shard);
  if (data == nullptr) return {Cause::not_found, "there is no shard " + shard.text()};
  return position_of(data->synced);
}

Result<Position> MemoryLog::written(const ShardId& shard) {
  const std::lock_guard lock(core_->mutex_);
  const auto* data = core_->find(shard);
  if (data == nullptr) return {Cause::not_found, "there is no shard " + shard.text()};
  return position_of(data->last);
}

void MemoryLog::trim(const ShardId& shard, Position upto) {
  const std::lock_guard lock(core_->mutex_);
  auto* data = core_->find(shard);
  while (data != nullptr && !data->records.empty() && data->first() <= std::min(upto.major(), data->synced)) {
    data->trimmed_bytes = data->records.front().bytes_upto;
    data->records.pop_front();
  }
}

void MemoryLog::sync() {
  std::vector<Core::Callback> due;
  {
    const std::lock_guard lock(core_->mutex_);
    due = core_->sync();
  }
  call(due);
}

void MemoryLog::crash() {
  const std::lock_guard lock(core_->mutex_);
  core_->when_synced_.clear();
  for (auto& [id, data] : core_->shards_) {
    data.records.resize(data.records.size() - (data.last - data.synced));
    data.last = data.synced;
    data.bytes = data.records.empty() ? data.trimmed_bytes : data.records.back().bytes_upto;
  }
  for (auto& [name, group] : core_->groups_) {
    group.committed = group.synced;
    for (Member* member : group.members) member->fenced = true, member->held.clear();
  }
}

bool MemoryLog::split(const ShardId& shard) {
  const std::lock_guard lock(core_->mutex_);
  auto* parent = core_->find(shard);
  if (parent == nullptr || parent->shard.ended || parent->lowest_hash == parent->highest_hash) return false;
  parent->shard.ended = true;
  const uint64_t lowest = parent->lowest_hash, highest = parent->highest_hash;
  const uint64_t middle = lowest + (highest - lowest) / 2;
  core_->follow_up({shard}, lowest, middle);
  core_->follow_up({shard}, middle + 1, highest);
  for (auto& [name, group] : core_->groups_) core_->deal(group);
  return true;
}

bool MemoryLog::merge(const ShardId& one, const ShardId& other) {
  const std::lock_guard lock(core_->mutex_);
  auto* lower = core_->find(one);
  auto* upper = core_->find(other);
  if (lower == nullptr || upper == nullptr || lower->shard.ended || upper->shard.ended) return false;
  if (one.topic != other.topic || one.lane != other.lane) return false;
  if (lower->lowest_hash > upper->lowest_hash) std::swap(lower, upper);
  if (lower->highest_hash + 1 != upper->lowest_hash) return false;
  lower->shard.ended = upper->shard.ended = true;
  core_->follow_up({one, other}, lower->lowest_hash, upper->highest_hash);
  for (auto& [name, group] : core_->groups_) core_->deal(group);
  return true;
}

void MemoryLog::expel(const std::string& name) {
  const std::lock_guard lock(core_->mutex_);
  const auto group = core_->groups_.find(name);
  if (group == core_->groups_.end()) return;
  for (Member* member : group->second.members) {
    member->fenced = true;
    for (const auto& [id, offset] : member->held) member->lost.push_back(id);
    member->held.clear();
    if (member->join.wake != nullptr) member->join.wake->wake();
  }
}

void MemoryLog::set_commit_trouble(std::function<CommitTrouble()> ask) {
  const std::lock_guard lock(core_->mutex_);
  core_->trouble_ = std::move(ask);
}

}  // namespace bonafide::streams
