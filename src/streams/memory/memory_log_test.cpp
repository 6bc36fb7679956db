#include "streams/memory/memory_log.hpp"

#include "flow/contract/log_contract.hpp"

namespace bonafide::flow::contract {
namespace {

class MemoryHarness final : public LogHarness {
 public:
  explicit MemoryHarness(const LogSetup& setup)
      : log_({.shards = setup.shards, .max_waiting_bytes = setup.max_waiting_bytes, .sync_at_once = false}) {}
  Log& log() override { return log_; }
  void settle() override {
    if (!held_) log_.sync();
  }
  void crash() override { log_.crash(); }
  bool hold_syncs(bool hold) override {
    held_ = hold;
    return true;
  }
  bool split(const ShardId& shard) override { return log_.split(shard); }
  bool expel(const std::string& group) override {
    log_.expel(group);
    return true;
  }
  bool lose_next_answer(bool lands) override {
    log_.set_commit_trouble([lands, next = true]() mutable {
      if (!std::exchange(next, false)) return streams::MemoryLog::CommitTrouble{};
      return streams::MemoryLog::CommitTrouble{Fate::unknown, lands, 2};
    });
    return true;
  }

 private:
  streams::MemoryLog log_;
  bool held_ = false;
};

INSTANTIATE_TEST_SUITE_P(Memory, LogContract,
                         testing::Values(LogCase{
                             "memory",
                             [](const LogSetup& setup) { return std::make_unique<MemoryHarness>(setup); }}),
                         log_case_name);

}  // namespace
}  // namespace bonafide::flow::contract
