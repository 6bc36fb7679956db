#pragma once
#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "streams/memory/memory_log.hpp"

// The memory log's data and the rules over it. Everything is done under one lock.
namespace bonafide::streams {

/// One session as the log sees it.
struct MemoryLog::Member {
  flow::Join join;
  std::map<flow::ShardId, uint64_t> held;  ///< shard -> offset of the last record read
  std::vector<flow::ShardId> gained, lost;
  bool fenced = false;
  bool refuses_commits = false;  ///< one was fenced; what comes after it must not land

  /// A shard that was lost and came back is not held before the session has noticed the loss: what it read
  /// before is void.
  [[nodiscard]] bool holds(const flow::ShardId& shard) const {
    return held.contains(shard) && std::ranges::find(lost, shard) == lost.end();
  }
  [[nodiscard]] bool reads(const std::string& topic) const {
    return std::ranges::find(join.topics, topic) != join.topics.end();
  }
};

class MemoryLog::Core {
 public:
  using Callback = std::function<void()>;

  explicit Core(MemoryOptions options) : options_(options) {}

  /// A record's offset counts from 1 in its shard.
  struct Stored {
    flow::Record record;
    uint64_t bytes_upto;  ///< of the shard, from its first record to this one
  };
  struct ShardData {
    flow::Shard shard;
    uint64_t lowest_hash = 0, highest_hash = UINT64_MAX;  ///< keys with these hashes
    std::deque<Stored> records;
    uint64_t last = 0, synced = 0;  ///< offsets; 0: none
    uint64_t bytes = 0, trimmed_bytes = 0;

    [[nodiscard]] uint64_t first() const { return last + 1 - records.size(); }
    [[nodiscard]] uint64_t bytes_upto(uint64_t offset) const;
    /// Appends the records after `offset`, not past `upto`, within the bounds; moves `offset` to the last one
    /// taken.
    void read(uint64_t& offset, uint64_t upto, size_t max_records, size_t& bytes_left,
              std::vector<flow::Delivery>& out) const;
  };
  struct Group {
    std::set<std::string> topics;
    std::map<flow::ShardId, uint64_t> committed, synced;
    std::vector<Member*> members;  ///< in the order they joined
  };

  // Called with the lock held.
  void make_topic(const std::string& topic);
  ShardData* find(const flow::ShardId& shard);
  /// A new shard that follows `parents`, with their keys in this range of hashes.
  void follow_up(std::vector<flow::ShardId> parents, uint64_t lowest_hash, uint64_t highest_hash);
  ShardData& shard_for(const flow::Entry& entry);
  std::pair<flow::ShardId, flow::Position> append(flow::Entry entry);
  /// Gives back the callbacks to be called without the lock.
  [[nodiscard]] std::vector<Callback> sync();
  void wake(const std::string* topic, flow::Visibility visibility);

  // Groups.
  void enter(Member& member);
  void leave(Member& member);
  /// Gives shards that nobody holds to the member with the fewest.
  void deal(Group& group);
  void hand_over(Group& group, uint32_t number, Member* from, Member& to);
  [[nodiscard]] bool readable(const Group& group, const ShardData& data) const;
  [[nodiscard]] bool waits(const Member& member, const ShardData& data) const;
  [[nodiscard]] std::set<uint32_t> numbers(const Group& group) const;

  /// The most that any group still has to read, and where; for admission.
  struct Waiting {
    uint64_t bytes = 0;
    std::string slowest;
  };
  [[nodiscard]] Waiting waiting() const;

  std::mutex mutex_;
  MemoryOptions options_;
  std::map<flow::ShardId, ShardData> shards_;
  std::set<std::string> topics_;
  std::map<std::string, Group> groups_;
  std::vector<Callback> when_synced_;
  std::function<CommitTrouble()> trouble_;
};

inline flow::Position position_of(uint64_t offset) { return flow::Position::of(offset); }

class MemoryLog::MemoryInlet final : public flow::Inlet {
 public:
  explicit MemoryInlet(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  Admission admit(size_t bytes) override;
  void append(std::vector<flow::Entry> entries, std::function<void(Result<Landed>)> when_synced) override;

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace bonafide::streams
