#include "streams/memory/core.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace bonafide::streams {

using flow::Delivery;
using flow::Entry;
using flow::Lane;
using flow::Position;
using flow::ShardId;
using flow::Visibility;

uint64_t MemoryLog::Core::ShardData::bytes_upto(uint64_t offset) const {
  if (offset >= last) return bytes;
  return offset < first() ? trimmed_bytes : records[offset - first()].bytes_upto;
}

void MemoryLog::Core::ShardData::read(uint64_t& offset, uint64_t upto, size_t max_records, size_t& bytes_left,
                                      std::vector<Delivery>& out) const {
  for (uint64_t next = std::max(offset + 1, first()); next <= upto && out.size() < max_records; ++next) {
    const auto& record = records[next - first()].record;
    const size_t size = record.key.size() + record.value.size();
    if (!out.empty() && size > bytes_left) return;
    bytes_left -= std::min(bytes_left, size);
    out.push_back({shard.id, position_of(next), record});
    offset = next;
  }
}

void MemoryLog::Core::make_topic(const std::string& topic) {
  if (!topics_.insert(topic).second) return;
  const uint32_t count = std::max<uint32_t>(options_.shards, 1);
  const uint64_t width = UINT64_MAX / count;
  for (const Lane lane : flow::lanes) {
    for (uint32_t number = 0; number < count; ++number) {
      ShardData& data = shards_[{topic, lane, number}];
      data.shard.id = {topic, lane, number};
      data.lowest_hash = width * number + (number > 0 ? 1 : 0);
      data.highest_hash = number + 1 == count ? UINT64_MAX : width * (number + 1);
    }
  }
}

MemoryLog::Core::ShardData* MemoryLog::Core::find(const ShardId& shard) {
  make_topic(shard.topic);
  const auto found = shards_.find(shard);
  return found == shards_.end() ? nullptr : &found->second;
}

void MemoryLog::Core::follow_up(std::vector<ShardId> parents, uint64_t lowest_hash, uint64_t highest_hash) {
  ShardId id{parents.front().topic, parents.front().lane, 0};
  for (const auto& [known, data] : shards_) {
    if (known.topic == id.topic && known.lane == id.lane) id.number = std::max(id.number, known.number + 1);
  }
  ShardData& child = shards_[id];
  child.shard = {id, std::move(parents), false};
  child.lowest_hash = lowest_hash;
  child.highest_hash = highest_hash;
}

MemoryLog::Core::ShardData& MemoryLog::Core::shard_for(const Entry& entry) {
  make_topic(entry.topic);
  const uint64_t hash = hash64(entry.record.key.view());
  auto at = shards_.find({entry.topic, entry.lane, 0});
  const auto open_for_it = [&](const ShardData& data) {
    return !data.shard.ended && data.lowest_hash <= hash && hash <= data.highest_hash;
  };
  while (!open_for_it(at->second)) ++at;  // the open shards of a lane cover all hashes
  return at->second;
}

std::pair<ShardId, Position> MemoryLog::Core::append(Entry entry) {
  ShardData& data = shard_for(entry);
  data.bytes += entry.record.key.size() + entry.record.value.size();
  data.records.push_back({std::move(entry.record), data.bytes});
  return {data.shard.id, position_of(++data.last)};
}

std::vector<MemoryLog::Core::Callback> MemoryLog::Core::sync() {
  for (auto& [id, data] : shards_) data.synced = data.last;
  for (auto& [name, group] : groups_) group.synced = group.committed;
  wake(nullptr, Visibility::synced);
  return std::exchange(when_synced_, {});
}

void MemoryLog::Core::wake(const std::string* topic, Visibility visibility) {
  for (auto& [name, group] : groups_) {
    if (topic != nullptr && !group.topics.contains(*topic)) continue;
    for (const Member* member : group.members) {
      if (member->join.wake != nullptr && member->join.visibility == visibility) member->join.wake->wake();
    }
  }
}

std::set<uint32_t> MemoryLog::Core::numbers(const Group& group) const {
  std::set<uint32_t> out;
  for (const auto& [id, data] : shards_) {
    if (group.topics.contains(id.topic) && readable(group, data)) out.insert(id.number);
  }
  return out;
}

/// A shard is read once its parents were read to their ends, and they after theirs.
bool MemoryLog::Core::readable(const Group& group, const ShardData& data) const {
  return std::ranges::all_of(data.shard.parents, [&](const ShardId& parent) {
    const auto committed = group.committed.find(parent);
    const ShardData& before = shards_.at(parent);
    return (committed == group.committed.end() ? 0 : committed->second) >= before.last &&
           readable(group, before);
  });
}

/// Has this session gone back in a shard that comes before?
bool MemoryLog::Core::waits(const Member& member, const ShardData& data) const {
  return std::ranges::any_of(data.shard.parents, [&](const ShardId& parent) {
    const auto held = member.held.find(parent);
    const ShardData& before = shards_.at(parent);
    return (held != member.held.end() && held->second < before.last) || waits(member, before);
  });
}

void MemoryLog::Core::enter(Member& member) {
  for (const auto& topic : member.join.topics) make_topic(topic);
  Group& group = groups_[member.join.group];
  group.topics.insert(member.join.topics.begin(), member.join.topics.end());
  group.members.push_back(&member);
  const size_t share = std::max<size_t>(1, numbers(group).size() / group.members.size());
  const auto numbers_of = [](const Member& m) {
    std::set<uint32_t> held;
    for (const auto& [id, offset] : m.held) held.insert(id.number);
    return held;
  };
  while (numbers_of(member).size() < share) {
    Member* fullest = nullptr;
    for (Member* other : group.members) {
      if (other != &member && (fullest == nullptr || numbers_of(*other).size() > numbers_of(*fullest).size()))
        fullest = other;
    }
    if (fullest == nullptr || fullest->held.empty()) break;
    const size_t before = member.held.size();
    hand_over(group, *numbers_of(*fullest).rbegin(), fullest, member);
    if (member.held.size() == before) break;  // they read other topics
  }
  deal(group);
}

void MemoryLog::Core::leave(Member& member) {
  Group& group = groups_[member.join.group];
  std::erase(group.members, &member);
  member.held.clear();
  deal(group);
}

void MemoryLog::Core::deal(Group& group) {
  if (group.members.empty()) return;
  std::set<ShardId> taken;
  for (const Member* member : group.members) {
    for (const auto& [id, offset] : member->held) taken.insert(id);
  }
  for (const auto& [id, data] : shards_) {
    if (taken.contains(id) || !group.topics.contains(id.topic) || !readable(group, data)) continue;
    // Shards of one number stay together, so that what has one key meets one worker.
    Member* chosen = nullptr;
    for (Member* member : group.members) {
      if (member->fenced || !member->reads(id.topic)) continue;
      const bool has_number =
          std::ranges::any_of(member->held, [&](const auto& h) { return h.first.number == id.number; });
      if (has_number) {
        chosen = member;
        break;
      }
      if (chosen == nullptr || member->held.size() < chosen->held.size()) chosen = member;
    }
    if (chosen == nullptr) continue;
    chosen->held[id] = group.committed[id];
    chosen->gained.push_back(id);
    if (chosen->join.wake != nullptr) chosen->join.wake->wake();
  }
}

void MemoryLog::Core::hand_over(Group& group, uint32_t number, Member* from, Member& to) {
  for (auto at = from->held.begin(); at != from->held.end();) {
    if (at->first.number != number || !to.reads(at->first.topic)) {
      ++at;
      continue;
    }
    to.held[at->first] = group.committed[at->first];
    to.gained.push_back(at->first);
    from->lost.push_back(at->first);
    std::erase(from->gained, at->first);
    at = from->held.erase(at);
  }
  if (from->join.wake != nullptr) from->join.wake->wake();
}

MemoryLog::Core::Waiting MemoryLog::Core::waiting() const {
  Waiting out;
  std::map<ShardId, uint64_t> most;
  uint64_t slowest = 0;
  for (const auto& [name, group] : groups_) {
    uint64_t behind = 0;
    for (const auto& [id, data] : shards_) {
      if (!group.topics.contains(id.topic)) continue;
      const auto committed = group.committed.find(id);
      const uint64_t bytes =
          data.bytes - data.bytes_upto(committed == group.committed.end() ? 0 : committed->second);
      behind += bytes;
      most[id] = std::max(most[id], bytes);
    }
    if (behind > slowest) {
      slowest = behind;
      out.slowest = name + " is " + std::to_string(behind) + " bytes behind";
    }
  }
  for (const auto& [id, bytes] : most) out.bytes += bytes;
  return out;
}

}  // namespace bonafide::streams
