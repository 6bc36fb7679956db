#pragma once
#include <memory>

#include "flow/contract/log_harness.hpp"
#include "streams/journal/test_world.hpp"

namespace bonafide::flow::contract {

/// A journal on a simulated disk, with something around it, for the suites of logs. Whoever derives from it
/// calls open() once it can say what that is.
class JournalHarness : public LogHarness {
 public:
  JournalHarness(const LogSetup& setup, uint64_t segment_bytes) : world_(7, segment_bytes) {
    world_.settings.shards = setup.shards;
    world_.settings.max_behind_bytes = setup.max_waiting_bytes;
    world_.settings.max_record_bytes = size_t{1} << 20;
    world_.settings.max_age = Duration::days(36500);  // the records are dated long before the clock
  }
  Log& log() override { return *log_; }
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
  void reshard(const std::string& topic, uint32_t shards) override {
    world_.settings.topic_shards[topic] = shards;  // as a restart with another setting wants it, too
    const Status done = world_.journal->repartition(topic, shards);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }

 protected:
  virtual std::unique_ptr<Log> around(Log& journal) = 0;
  void open() {
    world_.must_open();
    log_ = around(*world_.journal);
  }

  streams::journal::World world_;
  std::unique_ptr<Log> log_;

 private:
  bool held_ = false;
};

}  // namespace bonafide::flow::contract
