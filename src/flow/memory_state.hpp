#pragma once
#include <map>
#include <mutex>
#include <unordered_map>

#include "flow/state.hpp"

namespace bonafide::flow {

/// A state in memory, answering at once. Nothing survives the process: durable() is always the beginning, so
/// that a log keeps what rebuilds it. For one-shot commands, tests and simulation, and the yardstick for the
/// other states.
class MemoryState final : public State {
 public:
  void ask(std::span<const std::string> keys, Time deadline, std::function<void(Answers)> then) override;
  Result<Applied> apply(const Stretch& stretch, std::span<const Delta> deltas) override;
  Result<Position> applied(const ShardId& shard) override;
  Result<Position> durable(const ShardId& shard) override;

  /// A copy of everything, by key.
  [[nodiscard]] std::map<std::string, History> histories() const;
  /// Forgets everything, as a lost store has.
  void lose();

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const History>> histories_;
  std::map<ShardId, Position> applied_;
};

/// The error of a stretch that does not begin where `applied` ends: a gap or an overlap.
Error does_not_follow(const Stretch& stretch, const Position& applied);

}  // namespace bonafide::flow
