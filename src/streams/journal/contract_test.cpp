#include "flow/contract/breaking_log.hpp"
#include "flow/contract/log_contract.hpp"
#include "flow/contract/log_reshard_contract.hpp"
#include "streams/journal/test_world.hpp"

namespace bonafide::flow::contract {
namespace {

class JournalHarness final : public LogHarness {
 public:
  JournalHarness(const LogSetup& setup, uint64_t segment_bytes) : world_(7, segment_bytes) {
    world_.settings.shards = setup.shards;
    world_.settings.max_behind_bytes = setup.max_waiting_bytes;
    world_.settings.max_record_bytes = size_t{1} << 20;
    world_.settings.max_age = Duration::days(36500);  // the records are dated long before the clock
    open();
  }
  Log& log() override { return *connection_; }
  void settle() override {
    if (held_) return;
    const Status settled = world_.settle();
    ASSERT_TRUE(settled.ok()) << settled.error().message;
  }
  void crash() override {
    world_.journal.reset();
    world_.files.crash();
    open();
  }
  bool hold_syncs(bool hold) override {
    held_ = hold;
    return true;
  }
  // A successor takes the shard, and is gone before it has done anything.
  void expel(const Join& join) override { ASSERT_TRUE(world_.journal->join(join).ok()); }
  void lose_next_answer(bool lands) override { connection_->break_next_commit(lands); }
  void reshard(const std::string& topic, uint32_t shards) override {
    world_.settings.topic_shards[topic] = shards;  // as a restart with another setting wants it, too
    const Status done = world_.journal->repartition(topic, shards);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }

 private:
  void open() {
    world_.must_open();
    connection_ = std::make_unique<BreakingLog>(*world_.journal);
  }

  streams::journal::World world_;
  std::unique_ptr<BreakingLog> connection_;
  bool held_ = false;
};

// Small segments and little memory make every test cross segments and read from the disk.
const auto cases = testing::Values(
    LogCase{"journal",
            [](const LogSetup& setup) { return std::make_unique<JournalHarness>(setup, 4 << 20); }},
    LogCase{"journal_of_small_segments",
            [](const LogSetup& setup) { return std::make_unique<JournalHarness>(setup, 4 << 10); }});
INSTANTIATE_TEST_SUITE_P(Journal, LogContract, cases, log_case_name);
INSTANTIATE_TEST_SUITE_P(Journal, LogReshard, cases, log_case_name);

}  // namespace
}  // namespace bonafide::flow::contract
