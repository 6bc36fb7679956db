#include "flow/contract/breaking_log.hpp"
#include "flow/contract/log_contract.hpp"
#include "flow/contract/log_reshard_contract.hpp"
#include "streams/journal/test_harness.hpp"

namespace bonafide::flow::contract {
namespace {

class BreakingJournal final : public JournalHarness {
 public:
  BreakingJournal(const LogSetup& setup, uint64_t segment_bytes) : JournalHarness(setup, segment_bytes) {
    open();
  }
  void lose_next_answer(bool lands) override { connection_->break_next_commit(lands); }

 private:
  std::unique_ptr<Log> around(Log& journal) override {
    auto connection = std::make_unique<BreakingLog>(journal);
    connection_ = connection.get();
    return connection;
  }
  BreakingLog* connection_ = nullptr;
};

// Small segments and little memory make every test cross segments and read from the disk.
const auto cases = testing::Values(
    LogCase{"journal",
            [](const LogSetup& setup) { return std::make_unique<BreakingJournal>(setup, 4 << 20); }},
    LogCase{"journal_of_small_segments",
            [](const LogSetup& setup) { return std::make_unique<BreakingJournal>(setup, 4 << 10); }});
INSTANTIATE_TEST_SUITE_P(Journal, LogContract, cases, log_case_name);
INSTANTIATE_TEST_SUITE_P(Journal, LogReshard, cases, log_case_name);

}  // namespace
}  // namespace bonafide::flow::contract
