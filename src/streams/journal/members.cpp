#include <algorithm>
#include <set>

#include "streams/journal/core.hpp"

// How the sessions of a group share its shards: all shards of one number (both lanes, all topics) stay
// together, so that what has one key meets one worker.
namespace bonafide::streams::journal {
namespace {

std::set<uint16_t> numbers_held(const Member& member) {
  std::set<uint16_t> out;
  for (const auto& [shard, serial] : member.held) out.insert(shard.shard);
  return out;
}

bool reads(const Member& member, ShardKey shard) {
  return std::ranges::binary_search(member.topics, shard.topic);
}

void nudge(const Member& member) {
  if (member.join.wake != nullptr) member.join.wake->wake();
}

}  // namespace

void Core::give(Member& member, ShardKey shard) {
  member.held[shard] = ++holding_serial;
  member.gained.push_back(shard_id(shard));
  nudge(member);
}

/// Who may have a shard that follows others which the group has not read to their ends: the member that holds
/// those, which gives their records first. Null: nobody, as long as they are held by several or by none.
Member* Core::heir(uint16_t group, ShardKey shard) {
  const Tables::Topic& topic = tables.topics().at(shard.topic);
  const auto readable = tables.readable(group, shard.topic, shard.lane);
  Member* only = nullptr;
  for (const uint16_t parent : topic.parents(shard.shard)) {
    const ShardKey key{shard.topic, parent, shard.lane};
    if (readable[parent] && tables.progress(group, key).next_offset >= tables.state(key)->next_offset)
      continue;
    const auto holder = std::ranges::find_if(
        members, [&](const auto& member) { return member->group == group && member->held.contains(key); });
    if (holder == members.end() || (only != nullptr && holder->get() != only)) return nullptr;
    only = holder->get();
  }
  return only;
}

/// Takes back what is held apart from the shards it follows, after these have changed hands.
void Core::revoke(uint16_t group) {
  for (const auto& member : members) {
    if (member->group != group) continue;
    const auto held = member->held;
    for (const auto& [shard, serial] : held) {
      if (tables.topics().at(shard.topic).parents(shard.shard).empty()) continue;
      if (tables.readable(group, shard.topic, shard.lane)[shard.shard]) continue;
      if (heir(group, shard) == member.get()) continue;
      member->held.erase(shard);
      member->lost.push_back(shard_id(shard));
      std::erase(member->gained, shard_id(shard));
      nudge(*member);
    }
  }
}

void Core::deal(uint16_t group_number) {
  const auto group = tables.groups().find(group_number);
  if (group == tables.groups().end()) return;
  revoke(group_number);
  std::vector<Member*> all;
  std::set<ShardKey> taken;
  for (const auto& member : members) {
    if (member->group != group_number || member->fenced) continue;
    all.push_back(member.get());
    for (const auto& [shard, serial] : member->held) taken.insert(shard);
  }
  for (const uint16_t topic : group->second.topics) {
    const auto live = tables.readable(group_number, topic, flow::Lane::live);
    const auto backfill = tables.readable(group_number, topic, flow::Lane::backfill);
    for (uint16_t number = 0; number < tables.topics().at(topic).shards; ++number) {
      for (const flow::Lane lane : flow::lanes) {
        const ShardKey shard{topic, number, lane};
        if (taken.contains(shard)) continue;
        if (!(lane == flow::Lane::live ? live : backfill)[number]) {
          if (Member* member = heir(group_number, shard); member != nullptr) give(*member, shard);
          continue;
        }
        Member* chosen = nullptr;
        for (Member* member : all) {
          if (!reads(*member, shard)) continue;
          if (numbers_held(*member).contains(number)) {
            chosen = member;
            break;
          }
          if (chosen == nullptr || member->held.size() < chosen->held.size()) chosen = member;
        }
        if (chosen != nullptr) give(*chosen, shard);
      }
    }
  }
}

void Core::enter(const std::shared_ptr<Member>& newcomer) {
  members.push_back(newcomer);
  std::vector<Member*> others;
  for (const auto& member : members) {
    if (member != newcomer && member->group == newcomer->group && !member->fenced)
      others.push_back(member.get());
  }
  size_t numbers = 1;
  bool linked = false;  // some follow others that are not read to their ends: all go to one member
  for (const uint16_t topic : tables.groups().at(newcomer->group).topics) {
    numbers = std::max<size_t>(numbers, tables.topics().at(topic).open());
    for (const flow::Lane lane : flow::lanes) {
      const auto readable = tables.readable(newcomer->group, topic, lane);
      linked |= std::ranges::find(readable, false) != readable.end();
    }
  }
  const size_t share = linked ? SIZE_MAX : std::max<size_t>(1, numbers / (others.size() + 1));
  while (!others.empty() && numbers_held(*newcomer).size() < share) {
    Member* fullest = *std::ranges::max_element(
        others, {}, [](const Member* member) { return numbers_held(*member).size(); });
    const auto theirs = numbers_held(*fullest);
    if (theirs.empty()) break;
    const size_t before = newcomer->held.size();
    const auto held = fullest->held;
    for (const auto& [shard, serial] : held) {
      if (shard.shard != *theirs.rbegin() || !reads(*newcomer, shard)) continue;
      fullest->held.erase(shard);
      fullest->lost.push_back(shard_id(shard));
      std::erase(fullest->gained, shard_id(shard));
      give(*newcomer, shard);
    }
    nudge(*fullest);
    if (newcomer->held.size() == before) break;  // they read other topics
  }
  deal(newcomer->group);
}

void Core::leave(const std::shared_ptr<Member>& member) {
  std::erase(members, member);
  member->held.clear();
  member->fenced = true;
  deal(member->group);
}

void Core::expel(Member& member) {
  for (const auto& [shard, serial] : member.held) member.lost.push_back(shard_id(shard));
  member.held.clear();
  member.gained.clear();
  member.fenced = true;
  nudge(member);
}

}  // namespace bonafide::streams::journal
