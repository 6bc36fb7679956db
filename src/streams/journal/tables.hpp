#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "streams/journal/format.hpp"

namespace bonafide::streams::journal {

/// What the journal knows beside the records: topics with their shards, groups with their progress. Built
/// from frames in the order of their lsn; the same on the writer's side and in recovery.
class Tables {
 public:
  struct ShardState {
    uint64_t next_offset = 0;
    flow::Position last;  ///< of the last record
  };
  struct Topic {
    std::string name;
    uint16_t shards = 0;  ///< of each lane, the ended ones too
    /// The first shard of each generation. Another number of shards is a new generation: the shards of the
    /// one before end, and are read before those that follow them.
    std::vector<uint16_t> generations;
    /// Index: shard * 2 + lane.
    std::vector<ShardState> states;

    [[nodiscard]] uint16_t first_open() const { return generations.back(); }
    [[nodiscard]] uint16_t open() const { return static_cast<uint16_t>(shards - first_open()); }
    [[nodiscard]] bool ended(uint16_t shard) const { return shard < first_open(); }
    [[nodiscard]] uint16_t shard_of(uint64_t key_hash) const {
      return static_cast<uint16_t>(first_open() + key_hash % open());
    }
    /// The shards of the generation before that have had keys of this one, ascending.
    [[nodiscard]] std::vector<uint16_t> parents(uint16_t shard) const;
  };
  struct Progress {
    flow::Position position;
    uint64_t next_offset = 0;
  };
  struct Group {
    std::string name;
    std::vector<uint16_t> topics;  ///< ascending
    std::map<ShardKey, Progress> progress;
  };

  /// Numbers of things; nothing if unknown.
  [[nodiscard]] std::optional<uint16_t> topic(std::string_view name) const;
  [[nodiscard]] std::optional<uint16_t> group(std::string_view name) const;
  [[nodiscard]] const std::map<uint16_t, Topic>& topics() const { return topics_; }
  [[nodiscard]] const std::map<uint16_t, Group>& groups() const { return groups_; }
  [[nodiscard]] const ShardState* state(ShardKey shard) const;
  [[nodiscard]] ShardState* state(ShardKey shard);
  /// Which shards of a topic and lane the group may read, by their numbers: those whose forebears it has read
  /// to their ends.
  [[nodiscard]] std::vector<bool> readable(uint16_t group, uint16_t topic, flow::Lane lane) const;
  /// Zero where the group has none.
  [[nodiscard]] Progress progress(uint16_t group, ShardKey shard) const;
  [[nodiscard]] uint16_t free_topic_number() const;
  [[nodiscard]] uint16_t free_group_number() const;

  /// Takes in a frame's directory. Entries that name unknown topics or groups are left out; returns how many
  /// those were.
  size_t apply(const Directory& directory, uint64_t lsn);
  void apply(const Definition& definition);
  /// Progress never goes back.
  bool apply(const ProgressEntry& entry);

  /// Everything, as a segment's first frame and its footer repeat it.
  [[nodiscard]] std::vector<Definition> definitions() const;
  [[nodiscard]] std::vector<ProgressEntry> all_progress() const;

  /// Topics and groups that are not known here, from the catalogue: a damaged frame may have defined them.
  /// True: some were.
  bool fill_in(const std::vector<Definition>& definitions);

 private:
  std::map<uint16_t, Topic> topics_;
  std::map<uint16_t, Group> groups_;
  std::map<std::string, uint16_t, std::less<>> topic_numbers_, group_numbers_;
};

}  // namespace bonafide::streams::journal
