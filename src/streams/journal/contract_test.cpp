#include "flow/contract/log_contract.hpp"
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
    world_.must_open();
  }
  Log& log() override { return *world_.journal; }
  void settle() override {
    if (held_) return;
    const Status settled = world_.settle();
    ASSERT_TRUE(settled.ok()) << settled.error().message;
  }
  void crash() override {
    world_.journal.reset();
    world_.files.crash();
    world_.must_open();
  }
  bool hold_syncs(bool hold) override {
    held_ = hold;
    return true;
  }
  // Forgetting a group takes the shards from its sessions, and its progress, of which that test has none.
  bool expel(const std::string& group) override { return world_.journal->forget_group(group).ok(); }

 private:
  streams::journal::World world_;
  bool held_ = false;
};

// Small segments and little memory make every test cross segments and read from the disk.
INSTANTIATE_TEST_SUITE_P(Journal, LogContract,
                         testing::Values(LogCase{"journal",
                                                 [](const LogSetup& setup) {
                                                   return std::make_unique<JournalHarness>(setup, 4 << 20);
                                                 }},
                                         LogCase{"journal_of_small_segments",
                                                 [](const LogSetup& setup) {
                                                   return std::make_unique<JournalHarness>(setup, 4 << 10);
                                                 }}),
                         log_case_name);

}  // namespace
}  // namespace bonafide::flow::contract
