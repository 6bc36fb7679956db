#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flow/log.hpp"

namespace bonafide::streams {

struct MemoryOptions {
  uint32_t shards = 1;  ///< of each topic, in each lane
  size_t max_record_bytes = size_t{1} << 20;
  /// What may wait in the log for its slowest group before the inlet says "later".
  size_t max_waiting_bytes = size_t{64} << 20;
  /// False: what is written becomes synced by sync() (a simulated disk).
  bool sync_at_once = true;
};

/// A complete log inside the process, for one-shot commands, tests and simulation. Nothing survives the
/// process; records stay until trim(). Keeps the whole contract of flow::Log, and can be made to show what
/// real logs do on a bad day: late syncs, crashes, lost answers to commits, split shards, evicted sessions.
class MemoryLog final : public flow::Log {
 public:
  explicit MemoryLog(MemoryOptions options = {});
  ~MemoryLog() override;

  [[nodiscard]] flow::Traits traits() const override;
  flow::Inlet& inlet() override;
  Result<std::unique_ptr<flow::Session>> join(const flow::Join& join) override;
  Result<std::unique_ptr<flow::Reader>> reader(const flow::ShardId& shard, flow::Position after) override;
  Result<std::unique_ptr<flow::Reader>> written_reader(const flow::ShardId& shard,
                                                       flow::Position after) override;
  Result<std::vector<flow::Shard>> shards(const std::string& topic) override;
  Result<std::vector<flow::Backlog>> backlog(const std::string& group) override;
  Result<flow::Position> synced(const flow::ShardId& shard) override;
  Result<flow::Position> written(const flow::ShardId& shard) override;

  /// Forgets the records of a shard up to `upto`.
  void trim(const flow::ShardId& shard, flow::Position upto);
  /// Makes durable what is written, and tells those who wait for it.
  void sync();
  /// The power goes and comes back: what was not synced is gone, callbacks that wait for a sync are never
  /// called, and every session is fenced.
  void crash();
  /// Ends a shard; its keys go on in two new ones, which are read after it. False if there is no such open
  /// shard.
  bool split(const flow::ShardId& shard);
  /// Ends two neighbouring shards of one lane; their keys go on in one, which is read after both. False if
  /// they are no open neighbours.
  bool merge(const flow::ShardId& one, const flow::ShardId& other);
  /// Takes all shards from the group's sessions, which are fenced from now on.
  void expel(const std::string& group);

  /// What happens to one commit.
  struct CommitTrouble {
    flow::Fate told = flow::Fate::done;  ///< what the committer is told
    bool lands = true;                   ///< what is true
    int polls = 0;                       ///< how often poll() answers "not yet" first
  };
  /// Asked at each commit that is not fenced; null (the default): all goes well.
  void set_commit_trouble(std::function<CommitTrouble()> ask);

 private:
  class Core;
  class MemoryInlet;
  class MemoryReader;
  class MemorySession;
  class MemoryTransaction;
  class MemoryCommit;
  struct Member;
  std::shared_ptr<Core> core_;
  std::unique_ptr<MemoryInlet> inlet_;
};

}  // namespace bonafide::streams
