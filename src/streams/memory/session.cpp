#include <algorithm>
#include <optional>

#include "streams/memory/core.hpp"

namespace bonafide::streams {

using flow::Delivery;
using flow::Fate;
using flow::Position;
using flow::ShardId;

class MemoryLog::MemoryCommit final : public flow::Commit {
 public:
  MemoryCommit(Fate fate, int polls, std::vector<std::pair<ShardId, Position>> landed)
      : fate_(fate), polls_(polls), landed_(std::move(landed)) {}
  std::optional<Fate> poll() override {
    if (polls_ > 0) {
      --polls_;
      return std::nullopt;
    }
    return fate_;
  }
  [[nodiscard]] const std::vector<std::pair<ShardId, Position>>& landed() const override { return landed_; }

 private:
  Fate fate_;
  int polls_;
  std::vector<std::pair<ShardId, Position>> landed_;
};

class MemoryLog::MemoryTransaction final : public flow::Transaction {
 public:
  MemoryTransaction(std::shared_ptr<Core> core, std::shared_ptr<Member> member)
      : core_(std::move(core)), member_(std::move(member)) {}

  void append(flow::Entry entry) override { entries_.push_back(std::move(entry)); }
  void consumed(const ShardId& shard, Position position) override {
    auto& upto = consumed_[shard];
    upto = std::max(upto, position);
  }

  std::unique_ptr<flow::Commit> commit() override {
    std::vector<Core::Callback> due;
    std::unique_ptr<flow::Commit> out;
    {
      const std::lock_guard lock(core_->mutex_);
      out = land(due);
    }
    for (const auto& callback : due) callback();
    return out;
  }

 private:
  static std::unique_ptr<flow::Commit> settled(Fate fate) {
    return std::make_unique<MemoryCommit>(fate, 0, Landed{});
  }
  using Landed = std::vector<std::pair<ShardId, Position>>;

  std::unique_ptr<flow::Commit> land(std::vector<Core::Callback>& due) {
    const bool holds_all =
        std::ranges::all_of(consumed_, [&](const auto& c) { return member_->holds(c.first); });
    if (member_->fenced || member_->refuses_commits || member_->held.empty() || !holds_all) {
      member_->refuses_commits = true;
      return settled(Fate::fenced);
    }
    for (const auto& entry : entries_) {
      if (entry.record.key.size() + entry.record.value.size() > core_->options_.max_record_bytes) {
        member_->fenced = true;  // what comes after a commit that is not done must not land
        return settled(Fate::not_done);
      }
    }
    const CommitTrouble trouble = core_->trouble_ ? core_->trouble_() : CommitTrouble{};
    Landed landed;
    if (!trouble.lands) {
      member_->fenced = true;
    } else {
      std::set<std::string> topics;
      for (auto& entry : entries_) {
        topics.insert(entry.topic);
        landed.push_back(core_->append(std::move(entry)));
      }
      auto& group = core_->groups_[member_->join.group];
      for (const auto& [shard, position] : consumed_) {
        auto& committed = group.committed[shard];
        committed = std::max(committed, position.major());
      }
      core_->deal(group);  // the end of a parent lets its children be read
      for (const auto& topic : topics) core_->wake(&topic, flow::Visibility::written);
      if (core_->options_.sync_at_once) due = core_->sync();
    }
    return std::make_unique<MemoryCommit>(trouble.told, trouble.polls, std::move(landed));
  }

  std::shared_ptr<Core> core_;
  std::shared_ptr<Member> member_;
  std::vector<flow::Entry> entries_;
  std::map<ShardId, Position> consumed_;
};

class MemoryLog::MemorySession final : public flow::Session {
 public:
  MemorySession(std::shared_ptr<Core> core, const flow::Join& join)
      : core_(std::move(core)), member_(std::make_shared<Member>()) {
    member_->join = join;
    const std::lock_guard lock(core_->mutex_);
    core_->enter(*member_);
  }
  ~MemorySession() override {
    const std::lock_guard lock(core_->mutex_);
    core_->leave(*member_);
    member_->fenced = true;
  }
  MemorySession(const MemorySession&) = delete;
  MemorySession& operator=(const MemorySession&) = delete;

  Result<std::vector<Delivery>> read(flow::Lane lane, size_t max_records, size_t max_bytes) override {
    const std::lock_guard lock(core_->mutex_);
    if (member_->fenced) return fenced();
    std::vector<Delivery> out;
    // Begins where the last read ended, so that no shard waits for another.
    std::vector<std::pair<const ShardId, uint64_t>*> order;
    for (auto& held : member_->held) {
      if (held.first.lane == lane && member_->holds(held.first) &&
          !core_->waits(*member_, core_->shards_.at(held.first)))
        order.push_back(&held);
    }
    if (order.empty()) return out;
    std::ranges::rotate(order, order.begin() + static_cast<long>(turn_++ % order.size()));
    for (auto* held : order) {
      const auto& data = core_->shards_.at(held->first);
      const uint64_t upto = member_->join.visibility == flow::Visibility::synced ? data.synced : data.last;
      data.read(held->second, upto, max_records, max_bytes, out);
    }
    return out;
  }

  std::vector<ShardId> gained() override {
    const std::lock_guard lock(core_->mutex_);
    return std::exchange(member_->gained, {});
  }
  std::vector<ShardId> lost() override {
    const std::lock_guard lock(core_->mutex_);
    return std::exchange(member_->lost, {});
  }
  Position committed(const ShardId& shard) override {
    const std::lock_guard lock(core_->mutex_);
    const auto& committed = core_->groups_[member_->join.group].committed;
    const auto found = committed.find(shard);
    return position_of(found == committed.end() ? 0 : found->second);
  }
  Status seek(const ShardId& shard, Position position) override {
    const std::lock_guard lock(core_->mutex_);
    if (member_->fenced) return fenced();
    const auto held = member_->held.find(shard);
    if (held == member_->held.end()) return {Cause::not_found, shard.text() + " is not held by this session"};
    held->second = position.major();
    return Ok{};
  }
  std::unique_ptr<flow::Transaction> begin() override {
    return std::make_unique<MemoryTransaction>(core_, member_);
  }

 private:
  [[nodiscard]] Error fenced() const {
    return {Cause::fenced, member_->join.group + ": this session's shards were taken from it; join again"};
  }

  std::shared_ptr<Core> core_;
  std::shared_ptr<Member> member_;
  size_t turn_ = 0;
};

Result<std::unique_ptr<flow::Session>> MemoryLog::join(const flow::Join& join) {
  if (join.group.empty() || join.topics.empty())
    return {Cause::invalid, "a join names a group and its topics"};
  return std::unique_ptr<flow::Session>(std::make_unique<MemorySession>(core_, join));
}

}  // namespace bonafide::streams
