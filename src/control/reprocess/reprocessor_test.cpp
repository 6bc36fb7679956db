#include "control/reprocess/reprocessor.hpp"

#include <gtest/gtest.h>

#include "env/sim/clock.hpp"
#include "env/sim/files.hpp"

namespace bonafide::control {
namespace {

// Takes what it is given, and says so at once or when the test wants it.
class FakeInlet final : public flow::Inlet {
 public:
  Admission admit(size_t) override { return admission; }
  void append(std::vector<flow::Entry> entries, std::function<void(Result<Landed>)> when_synced) override {
    if (broken) return when_synced(Error{Cause::unavailable, "the disk is away"});
    Landed landed;
    for (auto& entry : entries) {
      EXPECT_EQ(entry.topic, "again");
      EXPECT_EQ(entry.lane, flow::Lane::backfill);
      landed.emplace_back(flow::ShardId{entry.topic, entry.lane, 0}, flow::Position::of(values.size() + 1));
      values.emplace_back(entry.record.value.view());
    }
    when_synced(std::move(landed));
  }
  Admission admission;
  bool broken = false;
  std::vector<std::string> values;
};

class ReprocessorTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    reprocessor_.reset();
    Reprocessor::Parts parts{files_,
                             clock_,
                             log_,
                             metrics_,
                             wake_,
                             inlet_,
                             "again",
                             "reprocess",
                             [this](const ReprocessRun& run, size_t most) { return read(run, most); },
                             [this](const ReprocessPlan&) -> Result<uint64_t> { return stored_; },
                             [this] { return taken_; },
                             [this](const Reprocessor::Landed& landed) -> Result<bool> {
                               asked_ += 1;
                               return through_ >= landed.back().second.major();
                             }};
    auto opened = Reprocessor::open(std::move(parts));
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    reprocessor_ = std::move(*opened);
  }
  // Numbers from 0; the cursor is the next one.
  Result<Reprocessor::Page> read(const ReprocessRun& run, size_t most) {
    if (unreadable_) return Error{Cause::unavailable, "the rows are away"};
    uint64_t next = run.cursor.empty() ? 0 : std::stoull(run.cursor);
    Reprocessor::Page page;
    for (; next < stored_ && page.records.size() < most; ++next) {
      flow::Record record;
      record.value = SharedBytes(std::to_string(next));
      page.records.push_back(std::move(record));
    }
    if (next < stored_) page.cursor = std::to_string(next);
    return page;
  }
  static ReprocessPlan plan() {
    return {Time::from_seconds(1'700'000'000), Time::from_seconds(1'710'000'000), "enrich", ""};
  }
  // So many steps, the clock moving a little each time.
  void steps(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(reprocessor_->step().ok());
      clock_.advance(Duration::millis(5));
    }
  }

  env::sim::SimFiles files_{1};
  env::sim::ManualClock clock_;
  env::NoLogger log_;
  env::Metrics metrics_;
  env::NoWake wake_;
  FakeInlet inlet_;
  uint64_t stored_ = 200, through_ = UINT64_MAX;
  uint64_t taken_ = 0;
  int asked_ = 0;
  bool unreadable_ = false;
  uint64_t live_ = 0;
  std::unique_ptr<Reprocessor> reprocessor_;
};

TEST_F(ReprocessorTest, SendsAllOnceInOrderAndThenRests) {
  EXPECT_EQ(reprocessor_->run().state, RunState::none);
  EXPECT_EQ(reprocessor_->due().us, INT64_MAX);
  ASSERT_TRUE(reprocessor_->start(plan()).ok());
  steps(50);
  const auto run = reprocessor_->run();
  EXPECT_EQ(run.state, RunState::done);
  EXPECT_EQ(run.messages, 200U);
  EXPECT_EQ(run.of, 200U);
  ASSERT_EQ(inlet_.values.size(), 200U);
  for (size_t i = 0; i < 200; ++i) EXPECT_EQ(inlet_.values[i], std::to_string(i));
  EXPECT_EQ(reprocessor_->due().us, INT64_MAX);
}

TEST_F(ReprocessorTest, NothingMoreIsSentBeforeTheWindowHasComeThrough) {
  through_ = 0;
  ASSERT_TRUE(reprocessor_->start(plan()).ok());
  steps(100);
  EXPECT_EQ(inlet_.values.size(), Reprocessor::window);
  EXPECT_GT(asked_, 10);
  EXPECT_EQ(reprocessor_->run().messages, 0U);
  through_ = Reprocessor::window;
  steps(250);
  EXPECT_EQ(inlet_.values.size(), 2 * Reprocessor::window);
  EXPECT_EQ(reprocessor_->run().messages, Reprocessor::window);
}

TEST_F(ReprocessorTest, ItRestsAsLongAsAWindowTook) {
  through_ = 0;
  ASSERT_TRUE(reprocessor_->start(plan()).ok());
  steps(21);  // 105 ms
  through_ = UINT64_MAX;
  steps(1);
  const size_t sent = inlet_.values.size();
  steps(15);
  EXPECT_EQ(inlet_.values.size(), sent);
  steps(10);
  EXPECT_GT(inlet_.values.size(), sent);
}

TEST_F(ReprocessorTest, ItRestsLongerWhileLiveMailFlows) {
  const auto sent_in = [&](int count) {
    const size_t before = inlet_.values.size();
    for (int i = 0; i < count; ++i) {
      taken_ += live_;
      steps(1);
    }
    return inlet_.values.size() - before;
  };
  stored_ = 100'000;
  ASSERT_TRUE(reprocessor_->start(plan()).ok());
  const size_t alone = sent_in(400);
  live_ = 1;
  const size_t beside = sent_in(400);
  EXPECT_GT(beside, 0U);
  EXPECT_LT(2 * beside, alone);
}

TEST_F(ReprocessorTest, GoesOnAfterARestartFromWhatHadComeThrough) {
  through_ = Reprocessor::window;
  ASSERT_TRUE(reprocessor_->start(plan()).ok());
  const int32_t number = reprocessor_->run().number;
  steps(100);
  ASSERT_EQ(inlet_.values.size(), 2 * Reprocessor::window);
  reprocessor_->hold();
  steps(10);
  EXPECT_EQ(inlet_.values.size(), 2 * Reprocessor::window) << "held";
  open();
  EXPECT_EQ(reprocessor_->run().number, number);
  EXPECT_EQ(reprocessor_->run().messages, Reprocessor::window);
  through_ = UINT64_MAX;
  steps(100);
  EXPECT_EQ(reprocessor_->run().state, RunState::done);
  EXPECT_EQ(reprocessor_->run().messages, 200U) << "counted once";
  EXPECT_EQ(inlet_.values.size(), 200 + Reprocessor::window) << "the window under way is sent again";
}

TEST_F(ReprocessorTest, OneAtATimeAndAHigherNumberEach) {
  ASSERT_TRUE(reprocessor_->start(plan()).ok());
  EXPECT_EQ(reprocessor_->start(plan()).error().cause, Cause::conflict);
  const int32_t first = reprocessor_->run().number;
  ASSERT_TRUE(reprocessor_->cancel().ok());
  EXPECT_EQ(reprocessor_->run().state, RunState::cancelled);
  EXPECT_EQ(reprocessor_->cancel().error().cause, Cause::conflict);
  steps(10);
  EXPECT_TRUE(inlet_.values.empty());
  ASSERT_TRUE(reprocessor_->start(plan()).ok());
  EXPECT_GT(reprocessor_->run().number, first);
  steps(50);
  EXPECT_EQ(reprocessor_->run().state, RunState::done);
}

TEST_F(ReprocessorTest, APlanMustHoldSomething) {
  auto wrong = plan();
  std::swap(wrong.from, wrong.to);
  EXPECT_EQ(reprocessor_->start(wrong).error().cause, Cause::invalid);
  wrong = {clock_.now() + Duration::days(1), clock_.now() + Duration::days(2), "score", ""};
  EXPECT_EQ(reprocessor_->start(wrong).error().cause, Cause::invalid) << "what is to come is no past";
  auto open_end = plan();
  open_end.to = clock_.now() + Duration::days(9);
  EXPECT_EQ(reprocessor_->start(open_end)->plan.to, clock_.now());
}

TEST_F(ReprocessorTest, WhatFailsIsTriedAgain) {
  ASSERT_TRUE(reprocessor_->start(plan()).ok());
  unreadable_ = true;
  steps(10);
  EXPECT_TRUE(inlet_.values.empty());
  unreadable_ = false;
  inlet_.broken = true;
  steps(300);
  EXPECT_TRUE(inlet_.values.empty());
  inlet_.broken = false;
  inlet_.admission = {false, Duration::seconds(3), "full"};
  steps(300);
  EXPECT_TRUE(inlet_.values.empty());
  inlet_.admission = {};
  steps(1000);
  EXPECT_EQ(reprocessor_->run().state, RunState::done);
  EXPECT_EQ(inlet_.values.size(), 200U);
}

TEST_F(ReprocessorTest, ADamagedFileIsSaidAndTheNumbersStayHigher) {
  ASSERT_TRUE(reprocessor_->start(plan()).ok());
  const int32_t number = reprocessor_->run().number;
  steps(50);
  ASSERT_TRUE(files_.write_file("reprocess", "bonafide-reprocess 1\nnumber 5\ncrc32c 00000000\n").ok());
  EXPECT_EQ(read_run(files_, "reprocess").error().cause, Cause::damaged);
  open();
  EXPECT_EQ(reprocessor_->run().state, RunState::none);
  clock_.advance(Duration::minutes(1));
  ASSERT_TRUE(reprocessor_->start(plan()).ok());
  EXPECT_GT(reprocessor_->run().number, number);
}

TEST(ReprocessRun, IsReadAsItWasWritten) {
  env::sim::SimFiles files(1);
  ReprocessRun run;
  run.number = 29'000'000;
  run.state = RunState::running;
  run.plan = {Time::from_seconds(5), Time::from_seconds(6), "score", "ten ant\n"};
  run.cursor = "archive:a/b c#7";
  run.of = 10, run.messages = 4, run.damaged = 1;
  run.started_at = Time::from_seconds(9);
  ASSERT_TRUE(write_run(files, "run", run).ok());
  const auto read = read_run(files, "run");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->number, run.number);
  EXPECT_EQ(read->state, run.state);
  EXPECT_EQ(read->plan.tenant, run.plan.tenant);
  EXPECT_EQ(read->plan.step, "score");
  EXPECT_EQ(read->plan.from, run.plan.from);
  EXPECT_EQ(read->plan.to, run.plan.to);
  EXPECT_EQ(read->cursor, run.cursor);
  EXPECT_EQ(read->of + read->messages + read->damaged, 15U);
  EXPECT_EQ(read->started_at, run.started_at);
  EXPECT_EQ(read_run(files, "none").error().cause, Cause::not_found);
}

}  // namespace
}  // namespace bonafide::control
