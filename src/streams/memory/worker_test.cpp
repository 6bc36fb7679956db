#include <algorithm>

#include "flow/contract/sink_contract.hpp"
#include "streams/memory/test_pipeline.hpp"

namespace bonafide::flow::test {
namespace {

TEST(ProcessorWorker, OutputsCarryKeyLaneAndTimeAndSeeEarlierRecordsOfTheirBatch) {
  Pipeline p;
  auto worker = p.processor();
  for (const char* id : {"a1", "a2", "a3"}) p.put("a", id);
  p.put("a", "b1", Lane::backfill);
  const Time put_at = p.clock.now();
  p.run({worker.get()});
  const auto out = p.everything("out");
  ASSERT_EQ(out.size(), 4U);
  EXPECT_EQ(p.values("out"), (Strings{"a1=0", "a2=1", "a3=2", "b1=3"}));
  EXPECT_EQ(out[0].record.key.view(), "a");
  EXPECT_EQ(out[0].record.timestamp, put_at);
  EXPECT_EQ(out[3].shard.lane, Lane::backfill);
  EXPECT_EQ(p.state.histories().at("a").find("n")->total(), 4);
}

TEST(ProcessorWorker, AFurtherTopicGoesThroughStepsOfItsOwnAndSeesTheSameHistory) {
  Pipeline p;
  p.also = "more";
  auto worker = p.processor();
  p.put("a", "a1");
  p.run({worker.get()});
  p.put("a", "m1", Lane::live, "more");
  p.put("a", "a2");
  p.put("a", "m2p", Lane::live, "more");  // no poison here: the check is not in this chain
  p.put("a", "m3", Lane::backfill, "more");
  p.run({worker.get()});
  auto values = p.values("out");
  ASSERT_EQ(values.size(), 5U);
  EXPECT_EQ(values[0], "a1=0");
  Strings counts;
  for (const auto& value : values) counts.push_back(value.substr(value.find('=')));
  std::ranges::sort(counts);
  EXPECT_EQ(counts, (Strings{"=0", "=1", "=2", "=3", "=4"})) << "each sees all before it, once";
  EXPECT_TRUE(p.parked().empty());
  EXPECT_EQ(p.metrics.counter("bonafide_events_received_total", "", {{"step", "count_more"}}).value(), 3U);
  EXPECT_EQ(p.metrics.counter("bonafide_events_received_total", "", {{"step", "count"}}).value(), 2U);
  // A state that is lost is rebuilt from the one output, whatever it came from.
  p.state.lose();
  auto next = p.processor();
  p.put("a", "m4", Lane::live, "more");
  p.run({next.get()});
  EXPECT_EQ(p.state.histories().at("a").find("n")->total(), 6);
}

TEST(ProcessorWorker, LiveRecordsGoFirstAndBackfillIsNotStarved) {
  WorkerOptions options;
  options.max_records = 8;
  Pipeline p({}, options);
  for (int i = 0; i < 40; ++i) p.put("old", "o" + std::to_string(i), Lane::backfill);
  for (int i = 0; i < 40; ++i) p.put("new", "n" + std::to_string(i));
  auto worker = p.processor();
  const auto live_done = [&] {
    size_t count = 0;
    for (const auto& delivery : p.everything("out")) count += delivery.shard.lane == Lane::live ? 1 : 0;
    return count;
  };
  for (int i = 0; i < 100 && live_done() < 40; ++i) ASSERT_TRUE(worker->step().ok());
  const size_t backfilled = p.everything("out").size() - live_done();
  EXPECT_GE(backfilled, 5U) << "a part of every batch";
  EXPECT_LE(backfilled, 10U) << "and no more";
  p.run({worker.get()});
  EXPECT_EQ(p.everything("out").size(), 80U);
}

TEST(ProcessorWorker, PoisonIsParkedWithItsPayloadAndTheRestGoesOn) {
  Pipeline p;
  auto worker = p.processor();
  for (const char* id : {"a1", "a2p", "a3"}) p.put("a", id);
  p.run({worker.get()});
  EXPECT_EQ(p.values("out"), (Strings{"a1=0", "a2p=1", "a3=2"}))
      << "the fallback takes the place of the record";
  const auto parked = p.parked();
  ASSERT_EQ(parked.size(), 1U);
  EXPECT_EQ(parked[0].step, "check");
  EXPECT_EQ(parked[0].value.view(), "a2p");
  EXPECT_EQ(parked[0].key.view(), "a");
  EXPECT_EQ(parked[0].shard.text(), "in/live/0");
  EXPECT_EQ(parked[0].position, Position::of(2));
  EXPECT_NE(parked[0].cause.find("a2p is poison"), std::string::npos);
  EXPECT_EQ(p.metrics.counter("bonafide_events_parked_total", "", {{"step", "check"}}).value(), 1U);
  EXPECT_EQ(p.metrics.counter("bonafide_events_received_total", "", {{"step", "count"}}).value(), 3U);
}

TEST(ProcessorWorker, ALostStateIsRebuiltBeforeTheFirstQuestion) {
  Pipeline p;
  for (int i = 0; i < 2000; ++i) p.put("a", "x" + std::to_string(i));
  auto worker = p.processor();
  p.run({worker.get()});
  const auto before = p.state.histories();
  worker.reset();
  p.state.lose();
  worker = p.processor();
  p.put("a", "last");
  p.run({worker.get()});
  EXPECT_EQ(p.values("out").back(), "last=2000");
  EXPECT_EQ(before.at("a").find("n")->total(), 2000);
}

TEST(ProcessorWorker, WhatAStateRefusesForAWhileIsCountedOnceItTakesIt) {
  Pipeline p;
  RefusingState state(p.state);
  auto worker = p.processor(&state);
  for (const char* id : {"a1", "a2", "a3"}) p.put("a", id);
  state.refusals = 3;
  p.run({worker.get()});
  EXPECT_EQ(state.refusals, 0);
  EXPECT_EQ(p.state.histories().at("a").find("n")->total(), 3);
  p.put("a", "a4");
  p.run({worker.get()});
  EXPECT_EQ(p.values("out").back(), "a4=3");
}

TEST(ProcessorWorker, AnAnswerThatComesTooLateIsUnknown) {
  Pipeline p;
  SlowState slow(p.state, p.clock);
  auto worker = p.processor(&slow);
  p.put("a", "a1");
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(worker->step().ok());
  EXPECT_EQ(worker->health().doing(), Doing::asking);
  EXPECT_TRUE(p.values("out").empty());
  p.clock.advance(Duration::millis(300));
  EXPECT_EQ(worker->health().stuck_for(p.clock.steady()), Duration::millis(300));
  slow.answer();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(worker->step().ok());
  EXPECT_EQ(p.values("out"), Strings{"a1=?"});
  p.put("a", "a2");
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(worker->step().ok());
  slow.answer();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(worker->step().ok());
  EXPECT_EQ(p.values("out"), (Strings{"a1=?", "a2=1"}));
  p.put("a", "a3");
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(worker->step().ok());
  p.clock.advance(Duration::seconds(10));  // a state that never calls back is given up on
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(worker->step().ok());
  EXPECT_EQ(p.values("out").back(), "a3=?");
}

TEST(ProcessorWorker, StopsAtACommitOrWhenAllIsRead) {
  WorkerOptions options;
  options.max_records = 10;
  Pipeline p({}, options);
  for (int i = 0; i < 95; ++i) p.put("a", "x" + std::to_string(i));
  auto worker = p.processor();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(worker->step().ok());
  worker->stop(Stop::at_commit);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(worker->step().ok());
  EXPECT_TRUE(worker->stopped());
  const size_t done = p.values("out").size();
  EXPECT_GT(done, 0U);
  EXPECT_LT(done, 95U);
  worker = p.processor();
  worker->stop(Stop::when_read);
  for (int i = 0; i < 100 && !worker->stopped(); ++i) ASSERT_TRUE(worker->step().ok());
  EXPECT_TRUE(worker->stopped());
  EXPECT_EQ(p.values("out").size(), 95U);
  EXPECT_EQ(p.values("out").back(), "x94=94");
}

TEST(ProcessorWorker, HistoryNeedsNoEqualNumbersOfShards) {
  Pipeline p;
  auto worker = p.processor();
  const Strings keys = {"a", "b", "c", "d", "e", "f"};
  std::map<std::string, int> count;
  Strings expected;
  const auto put_some = [&] {
    for (int i = 0; i < 30; ++i) {
      const auto& key = keys[static_cast<size_t>(i) % keys.size()];
      p.put(key, key);
      expected.push_back(key + "=" + std::to_string(count[key]++));
    }
  };
  const auto check = [&](const char* when) {
    auto values = p.values("out");
    std::ranges::sort(values);
    std::ranges::sort(expected);
    EXPECT_EQ(values, expected) << when;
  };
  put_some();
  p.run({worker.get()});
  check("one shard on both sides");
  ASSERT_TRUE(p.log.split({"in", Lane::live, 0}));
  put_some();
  p.run({worker.get()});
  check("two shards read, one written");
  ASSERT_TRUE(p.log.split({"out", Lane::live, 0}));
  ASSERT_TRUE(p.log.split({"out", Lane::live, 1}));
  put_some();
  p.run({worker.get()});
  check("three written");
  worker.reset();
  p.state.lose();
  worker = p.processor();
  put_some();
  p.run({worker.get()});
  check("a lost state is rebuilt from all of them");
}

// Two workers write into the same shards and share the state: each record counts once, whoever brings it.
TEST(ProcessorWorker, WorkersMayWriteIntoTheSameShard) {
  Pipeline p({.shards = 2});
  auto one = p.processor();
  auto two = p.processor();
  std::map<std::string, int> count;
  ASSERT_TRUE(one->step().ok());
  ASSERT_TRUE(two->step().ok());
  p.put("a", "first");  // makes the topic "out" with its two shards
  p.run({one.get(), two.get()});
  ASSERT_TRUE(p.log.merge({"out", Lane::live, 0}, {"out", Lane::live, 1}));
  for (int round = 0; round < 40; ++round) {
    for (const char* key : {"b", "c", "d", "e"}) {
      p.put(key, key);
      ++count[key];
    }
    if (round % 3 == 0) p.run({one.get()});
    if (round % 3 == 1) p.run({two.get(), one.get()});
    if (round == 20) one = p.processor();  // one leaves, its successor takes its place
  }
  p.run({one.get(), two.get()});
  EXPECT_EQ(p.values("out").size(), 161U);
  const auto histories = p.state.histories();
  for (const auto& [key, n] : count) EXPECT_EQ(histories.at(key).find("n")->total(), n) << key;
}

TEST(SinkWorker, SeesOnlyWhatIsSynced) {
  Pipeline p({.sync_at_once = false});
  auto worker = p.processor();
  auto sink = p.sink();
  p.put("a", "a1");
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(worker->step().ok());
    ASSERT_TRUE(sink->step().ok());
  }
  EXPECT_EQ(p.log.backlog("bonafide.count")->front().records, 0U) << "the processor has done it";
  EXPECT_TRUE(p.store.durable.empty()) << "the sink must not have seen it";
  p.run({sink.get()});
  EXPECT_EQ(p.store.durable, std::multiset<std::string>{"a1=0"});
}

TEST(SinkWorker, RestsBetweenBatchesAndTakesAtOnceWhatComesAfterAPause) {
  WorkerOptions options;
  options.pace = Duration::millis(10);
  Pipeline p({}, options);
  auto worker = p.processor();
  auto sink = p.sink();
  const auto turn = [&] {
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(worker->step().ok());
      ASSERT_TRUE(sink->step().ok());
    }
  };
  turn();  // joins
  p.clock.advance(Duration::seconds(1));
  p.put("a", "a1");
  turn();
  EXPECT_EQ(p.store.durable.size(), 1U) << "after a pause it does not wait";
  p.put("a", "a2");
  p.clock.advance(Duration::millis(9));
  turn();
  EXPECT_EQ(p.store.durable.size(), 1U) << "it rests";
  EXPECT_EQ(sink->due(), p.clock.steady() + Duration::millis(1)) << "and wakes by itself";
  p.clock.advance(Duration::millis(1));
  turn();
  EXPECT_EQ(p.store.durable.size(), 2U);
  p.put("a", "a3");
  worker->stop(Stop::when_read);
  turn();
  sink->stop(Stop::when_read);
  turn();
  EXPECT_TRUE(sink->stopped()) << "whoever stops does not rest";
  EXPECT_EQ(p.store.durable.size(), 3U);
}

TEST(SinkWorker, ParksWhatCannotBeStoredOnceAndStoresTheRest) {
  Pipeline p;
  auto worker = p.processor();
  auto sink = p.sink();
  for (const char* id : {"a1", "bad2", "a3", "badly4", "a5", "bad6"}) p.put("a", id);
  p.run({worker.get(), sink.get()});
  EXPECT_EQ(p.store.durable, (std::multiset<std::string>{"a1=0", "a3=2", "a5=4"}));
  ASSERT_EQ(p.parked().size(), 3U);
  EXPECT_EQ(p.parked()[0].step, "store");
  EXPECT_EQ(p.log.backlog("bonafide.store")->front().records, 0U) << "progress goes past parked records";
  // The store loses its data: everything comes again, nothing is parked a second time.
  p.store = {};
  sink = p.sink();
  p.run({sink.get()});
  EXPECT_EQ(p.store.durable.size(), 3U);
  EXPECT_EQ(p.parked().size(), 3U);
}

TEST(SinkWorker, WaitsForAStoreThatIsDownAndSaysSo) {
  Pipeline p;
  auto worker = p.processor();
  auto sink = p.sink();
  p.store.down = true;
  p.put("a", "a1");
  p.run({worker.get(), sink.get()});
  EXPECT_TRUE(p.store.durable.empty());
  EXPECT_EQ(sink->health().doing(), Doing::applying);
  EXPECT_GT(sink->health().stuck_for(p.clock.steady()), Duration::seconds(1));
  EXPECT_EQ(worker->health().doing(), Doing::idle);
  p.store.down = false;
  for (int i = 0; i < 200 && p.store.durable.empty(); ++i) p.run({sink.get()});
  EXPECT_EQ(p.store.durable.size(), 1U);
  EXPECT_EQ(sink->health().doing(), Doing::idle);
}

TEST(SinkWorker, StoppingMakesEverythingDurable) {
  Pipeline p;
  env::SeededRandom never(1);
  auto worker = p.processor();
  auto sink = p.sink(&never);
  for (int i = 0; i < 30; ++i) p.put("a", "a" + std::to_string(i));
  p.run({worker.get()});
  sink->stop(Stop::when_read);
  for (int i = 0; i < 100 && !sink->stopped(); ++i) ASSERT_TRUE(sink->step().ok());
  EXPECT_TRUE(sink->stopped());
  EXPECT_EQ(p.store.durable.size(), 30U);
  EXPECT_EQ(p.log.backlog("bonafide.store")->front().records, 0U);
}

class StoreSinkHarness final : public contract::SinkHarness {
 public:
  Sink& sink() override { return *sink_; }
  void crash() override {
    store_.crash();
    sink_ = std::make_unique<StoreSink>(store_, &random_);
  }
  Record record(const std::string& id) override {
    Record out;
    out.value = SharedBytes(id);
    return out;
  }
  std::multiset<std::string> effects() override { return store_.durable; }
  std::optional<Record> poison() override { return record("bad"); }

 private:
  Store store_;
  env::SeededRandom random_{4};
  std::unique_ptr<StoreSink> sink_ = std::make_unique<StoreSink>(store_, &random_);
};

using contract::sink_case_name;
using contract::SinkContract;
INSTANTIATE_TEST_SUITE_P(TestStore, SinkContract,
                         testing::Values(contract::SinkCase{
                             "store", [] { return std::make_unique<StoreSinkHarness>(); }}),
                         sink_case_name);

}  // namespace
}  // namespace bonafide::flow::test
