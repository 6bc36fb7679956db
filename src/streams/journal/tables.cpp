#include "streams/journal/tables.hpp"

#include <algorithm>
#include <numeric>

namespace bonafide::streams::journal {
namespace {

template <class Map>
uint16_t first_free(const Map& map) {
  uint16_t number = 0;
  for (const auto& [taken, value] : map) {
    if (taken != number) break;
    ++number;
  }
  return number;
}

std::optional<uint16_t> find_number(const std::map<std::string, uint16_t, std::less<>>& numbers,
                                    std::string_view name) {
  const auto found = numbers.find(name);
  return found == numbers.end() ? std::nullopt : std::optional(found->second);
}

size_t state_index(ShardKey shard) { return size_t{shard.shard} * 2 + static_cast<size_t>(shard.lane); }

}  // namespace

std::optional<uint16_t> Tables::topic(std::string_view name) const {
  return find_number(topic_numbers_, name);
}
std::optional<uint16_t> Tables::group(std::string_view name) const {
  return find_number(group_numbers_, name);
}

const Tables::ShardState* Tables::state(ShardKey shard) const {
  const auto topic = topics_.find(shard.topic);
  if (topic == topics_.end() || shard.shard >= topic->second.shards) return nullptr;
  return &topic->second.states[state_index(shard)];
}
Tables::ShardState* Tables::state(ShardKey shard) {
  return const_cast<ShardState*>(static_cast<const Tables&>(*this).state(shard));
}

/// A key with the hash h is in shard h mod the number of shards: both before and after, where the two agree
/// modulo what the numbers have in common.
std::vector<uint16_t> Tables::Topic::parents(uint16_t shard) const {
  const auto next = std::ranges::upper_bound(generations, shard);
  if (next - generations.begin() < 2) return {};
  const uint16_t first = *(next - 1), before = *(next - 2);
  const auto count = static_cast<uint16_t>((next == generations.end() ? shards : *next) - first);
  const auto count_before = static_cast<uint16_t>(first - before);
  const auto common = std::gcd(count, count_before);
  std::vector<uint16_t> out;
  for (auto i = (shard - first) % common; i < count_before; i += common)
    out.push_back(static_cast<uint16_t>(before + i));
  return out;
}

std::vector<bool> Tables::readable(uint16_t group, uint16_t topic_number, flow::Lane lane) const {
  const Topic& topic = topics_.at(topic_number);
  std::vector<bool> out(topic.shards, true);
  for (uint16_t shard = topic.generations.size() < 2 ? topic.shards : topic.generations[1];
       shard < topic.shards; ++shard) {
    const auto parents = topic.parents(shard);
    out[shard] = std::ranges::all_of(parents, [&](uint16_t parent) {
      const ShardKey key{topic_number, parent, lane};
      return out[parent] && progress(group, key).next_offset >= state(key)->next_offset;
    });
  }
  return out;
}

Tables::Progress Tables::progress(uint16_t group, ShardKey shard) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return {};
  const auto entry = found->second.progress.find(shard);
  return entry == found->second.progress.end() ? Progress{} : entry->second;
}

uint16_t Tables::free_topic_number() const { return first_free(topics_); }
uint16_t Tables::free_group_number() const { return first_free(groups_); }

void Tables::apply(const Definition& definition) {
  switch (definition.kind) {
    case DefinitionKind::topic: {
      Topic& topic = topics_[definition.number];
      topic_numbers_.erase(topic.name);
      topic.name = definition.name;
      topic_numbers_[topic.name] = definition.number;
      topic.shards = std::clamp(definition.second, std::max(topic.shards, uint16_t{1}), max_shards);
      if (topic.generations.empty()) topic.generations.push_back(0);
      if (definition.a > topic.first_open() && definition.a < topic.shards)
        topic.generations.push_back(static_cast<uint16_t>(definition.a));
      topic.states.resize(size_t{topic.shards} * 2);
      return;
    }
    case DefinitionKind::shard:
      if (ShardState* known = state({definition.number, definition.second, definition.lane})) {
        known->next_offset = std::max(known->next_offset, definition.a);
        known->last = std::max(known->last, flow::Position::of(definition.b, definition.c));
      }
      return;
    case DefinitionKind::group: {
      Group& group = groups_[definition.number];
      group_numbers_.erase(group.name);
      group.name = definition.name;
      group_numbers_[group.name] = definition.number;
      return;
    }
    case DefinitionKind::member: {
      const auto group = groups_.find(definition.number);
      if (group == groups_.end() || !topics_.contains(definition.second)) return;
      auto& topics = group->second.topics;
      const auto at = std::lower_bound(topics.begin(), topics.end(), definition.second);
      if (at == topics.end() || *at != definition.second) topics.insert(at, definition.second);
      return;
    }
    case DefinitionKind::forget:
      if (const auto group = groups_.find(definition.number); group != groups_.end()) {
        group_numbers_.erase(group->second.name);
        groups_.erase(group);
      }
      return;
  }
}

bool Tables::apply(const ProgressEntry& entry) {
  const auto group = groups_.find(entry.group);
  ShardState* known = state(entry.shard);
  if (group == groups_.end() || known == nullptr) return false;
  Progress& progress = group->second.progress[entry.shard];
  if (entry.position > progress.position) progress = {entry.position, entry.next_offset};
  // Were the records it speaks of in a damaged frame, their offsets must not be given to new ones.
  known->next_offset = std::max(known->next_offset, entry.next_offset);
  return true;
}

size_t Tables::apply(const Directory& directory, uint64_t lsn) {
  for (const auto& definition : directory.definitions) apply(definition);
  size_t unknown = 0;
  for (uint32_t i = 0; i < directory.records.size(); ++i) {
    const RecordEntry& record = directory.records[i];
    ShardState* known = state(record.shard);
    if (known == nullptr) {
      ++unknown;
      continue;
    }
    known->next_offset = std::max(known->next_offset, record.offset + 1);
    known->last = std::max(known->last, flow::Position::of(lsn, i));
  }
  for (const auto& entry : directory.progress) unknown += apply(entry) ? 0 : 1;
  return unknown;
}

std::vector<Definition> Tables::definitions() const {
  std::vector<Definition> out;
  for (const auto& [number, topic] : topics_) {
    for (size_t i = 0; i < topic.generations.size(); ++i) {
      const bool open = i + 1 == topic.generations.size();
      out.push_back({DefinitionKind::topic, flow::Lane::live, number,
                     open ? topic.shards : topic.generations[i + 1], topic.generations[i], 0, 0, topic.name});
    }
    for (uint16_t shard = 0; shard < topic.shards; ++shard) {
      for (const flow::Lane lane : flow::lanes) {
        const ShardState& known = topic.states[state_index({number, shard, lane})];
        if (known.next_offset == 0) continue;
        out.push_back({DefinitionKind::shard, lane, number, shard, known.next_offset, known.last.major(),
                       known.last.minor(), ""});
      }
    }
  }
  for (const auto& [number, group] : groups_) {
    out.push_back({DefinitionKind::group, flow::Lane::live, number, 0, 0, 0, 0, group.name});
    for (const uint16_t topic : group.topics) {
      out.push_back({DefinitionKind::member, flow::Lane::live, number, topic, 0, 0, 0, ""});
    }
  }
  return out;
}

std::vector<ProgressEntry> Tables::all_progress() const {
  std::vector<ProgressEntry> out;
  for (const auto& [number, group] : groups_) {
    for (const auto& [shard, progress] : group.progress) {
      out.push_back({number, shard, progress.position, progress.next_offset});
    }
  }
  return out;
}

bool Tables::fill_in(const std::vector<Definition>& definitions) {
  // Numbers may have been given to something else since; only what is free in both ways is taken over. Not
  // the shards' offsets: the catalogue may speak of records that were never synced.
  bool added = false;
  std::map<uint16_t, bool> new_topics, new_groups;
  for (const auto& definition : definitions) {
    if (definition.kind == DefinitionKind::topic && !new_topics.contains(definition.number)) {
      new_topics[definition.number] = !topics_.contains(definition.number) && !topic(definition.name);
    }
    const bool topic_is_new = definition.kind == DefinitionKind::topic && new_topics.at(definition.number);
    if (definition.kind == DefinitionKind::group) {
      new_groups[definition.number] = !groups_.contains(definition.number) && !group(definition.name);
    }
    const bool of_new_group =
        (definition.kind == DefinitionKind::group || definition.kind == DefinitionKind::member) &&
        new_groups[definition.number];
    if (!topic_is_new && !of_new_group) continue;
    apply(definition);
    added = true;
  }
  return added;
}

}  // namespace bonafide::streams::journal
