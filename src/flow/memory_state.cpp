#include "flow/memory_state.hpp"

#include "base/text.hpp"

namespace bonafide::flow {

Error does_not_follow(const Stretch& stretch, const Position& applied) {
  return {Cause::conflict, stretch.shard.text() + ": deltas after " + to_hex(stretch.after.view()) +
                               " do not follow what is applied, up to " + to_hex(applied.view()) +
                               "; bring the state up to date from the log"};
}

void MemoryState::ask(std::span<const std::string> keys, Time, std::function<void(Answers)> then) {
  static const auto nothing = std::make_shared<const History>();
  Answers answers;
  answers.reserve(keys.size());
  {
    const std::lock_guard lock(mutex_);
    for (const auto& key : keys) {
      const auto found = histories_.find(key);
      answers.push_back(found == histories_.end() ? nothing : found->second);
    }
  }
  then(std::move(answers));
}

Result<Applied> MemoryState::apply(const Stretch& stretch, std::span<const Delta> deltas) {
  const std::lock_guard lock(mutex_);
  Position& applied = applied_[stretch.shard];
  if (stretch.upto <= applied) return Applied::already;
  if (stretch.after != applied) return does_not_follow(stretch, applied);
  // Answers in other hands must not change: each touched history is copied once.
  std::unordered_map<std::string_view, std::shared_ptr<History>> touched;
  for (const auto& delta : deltas) {
    auto& copy = touched[delta.key];
    if (!copy) {
      auto& stored = histories_[delta.key];
      copy = stored ? std::make_shared<History>(*stored) : std::make_shared<History>();
      stored = copy;
    }
    for (const auto& increment : delta.increments) copy->add(increment);
  }
  applied = stretch.upto;
  return Applied::now;
}

Result<Position> MemoryState::applied(const ShardId& shard) {
  const std::lock_guard lock(mutex_);
  const auto found = applied_.find(shard);
  return found == applied_.end() ? Position{} : found->second;
}

Result<Position> MemoryState::durable(const ShardId&) { return Position{}; }

std::map<std::string, History> MemoryState::histories() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, History> out;
  for (const auto& [key, history] : histories_) out.emplace(key, *history);
  return out;
}

void MemoryState::lose() {
  const std::lock_guard lock(mutex_);
  histories_.clear();
  applied_.clear();
}

}  // namespace bonafide::flow
