#include "streams/memory/memory_log.hpp"

#include "flow/contract/log_contract.hpp"
#include "flow/contract/log_reshard_contract.hpp"

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
  // By halves: the suite asks for powers of two.
  void reshard(const std::string& topic, uint32_t shards) override {
    for (const Lane lane : lanes) {
      for (auto open = open_shards(topic, lane); open.size() != shards; open = open_shards(topic, lane)) {
        if (open.size() > shards) {
          bool merged = false;
          for (size_t i = 1; i < open.size() && !merged; ++i) merged = log_.merge(open[0], open[i]);
          ASSERT_TRUE(merged);
        } else {
          ASSERT_TRUE(log_.split(open.front()));
        }
      }
    }
  }
  void expel(const Join& join) override { log_.expel(join.group); }
  void lose_next_answer(bool lands) override {
    log_.set_commit_trouble([lands, next = true]() mutable {
      if (!std::exchange(next, false)) return streams::MemoryLog::CommitTrouble{};
      return streams::MemoryLog::CommitTrouble{Fate::unknown, lands, 2};
    });
  }

 private:
  std::vector<ShardId> open_shards(const std::string& topic, Lane lane) {
    std::vector<ShardId> open;
    const auto shards = log_.shards(topic).value();
    for (const auto& shard : shards) {
      if (shard.id.lane == lane && !shard.ended) open.push_back(shard.id);
    }
    return open;
  }

  streams::MemoryLog log_;
  bool held_ = false;
};

const auto cases = testing::Values(
    LogCase{"memory", [](const LogSetup& setup) { return std::make_unique<MemoryHarness>(setup); }});
INSTANTIATE_TEST_SUITE_P(Memory, LogContract, cases, log_case_name);
INSTANTIATE_TEST_SUITE_P(Memory, LogReshard, cases, log_case_name);

}  // namespace
}  // namespace bonafide::flow::contract
