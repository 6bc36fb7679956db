#include <deque>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "env/random.hpp"
#include "env/sim/clock.hpp"
#include "flow/contract/sink_contract.hpp"
#include "flow/memory_state.hpp"
#include "flow/parked.hpp"
#include "flow/processor_worker.hpp"
#include "flow/sink_worker.hpp"
#include "streams/memory/memory_log.hpp"

namespace bonafide::flow {
namespace {

class Text final : public Payload {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  void encode(std::string& out) const override { out += text_; }

 private:
  std::string text_;
};

std::string value_of(const Record& record) {
  std::string out(record.value.view());
  if (out.empty() && record.payload) record.payload->encode(out);
  return out;
}

/// "id" -> "id"; fails on ids that end in 'p' (poison).
class Check final : public Processor {
 public:
  Status process(const Delivery& delivery, const Answers&, const Context&, Output& output) override {
    const std::string id = value_of(delivery.record);
    if (id.ends_with('p')) throw std::invalid_argument(id + " is poison");
    output.emit(std::make_shared<Text>(id));
    return Ok{};
  }
  void fallback(const Delivery& delivery, const Error&, const Context&, Output& output) override {
    output.emit(std::make_shared<Text>(value_of(delivery.record)));
  }
};

/// "id" -> "id=how often the key was seen before", "id=?" if that is not known.
class Count final : public Processor {
 public:
  void ask(const Delivery& delivery, Questions& questions) override {
    questions.ask(std::string(delivery.record.key.view()));
  }
  Status process(const Delivery& delivery, const Answers& answers, const Context&, Output& output) override {
    std::string count = "?";
    if (answers[0]) {
      const auto* field = answers[0]->find("n");
      count = std::to_string(field == nullptr ? 0 : field->total());
    }
    output.emit(std::make_shared<Text>(value_of(delivery.record) + "=" + count));
    output.observe({std::string(delivery.record.key.view()), {{"n", 0, 1}}});
    return Ok{};
  }
};

class CountFold final : public Fold {
 public:
  Result<std::vector<Delta>> deltas(const Record& record) override {
    return std::vector<Delta>{{std::string(record.key.view()), {{"n", 0, 1}}}};
  }
};

/// A store that keeps what it is given in memory for a while: what is not settled is lost in a crash.
struct Store {
  std::multiset<std::string> durable, pending;
  std::map<ShardId, Position> durable_upto, upto;
  bool down = false;
  void flush() {
    durable.merge(pending);
    durable_upto = upto;
  }
  void crash() {
    pending.clear();
    upto = durable_upto;
  }
};

class StoreSink final : public Sink {
 public:
  explicit StoreSink(Store& store, env::Random* lazy = nullptr) : store_(store), lazy_(lazy) {}
  Result<Applied> apply(std::span<const Delivery> deliveries, const Stretch& stretch,
                        size_t* poison) override {
    if (store_.down) return {Cause::unavailable, "the store is down"};
    if (stretch.upto <= store_.upto[stretch.shard]) return Applied::already;
    for (size_t i = 0; i < deliveries.size(); ++i) {
      const std::string value = value_of(deliveries[i].record);
      if (value.find("bad") == std::string::npos) continue;
      if (value.find("badly") != std::string::npos) throw std::runtime_error("unnamed");
      *poison = i;
      return {Cause::invalid, "cannot store " + value};
    }
    for (const auto& delivery : deliveries) store_.pending.insert(value_of(delivery.record));
    store_.upto[stretch.shard] = stretch.upto;
    return Applied::now;
  }
  Result<Position> applied(const ShardId& shard) override { return store_.durable_upto[shard]; }
  Status settle(Time, bool drain) override {
    if (drain || lazy_ == nullptr || lazy_->below(4) == 0) store_.flush();
    return Ok{};
  }

 private:
  Store& store_;
  env::Random* lazy_;
};

/// A state whose answers come when the test says so, or after the deadline as unknown.
class SlowState final : public State {
 public:
  SlowState(State& inner, env::Clock& clock) : inner_(inner), clock_(clock) {}
  void ask(std::span<const std::string> keys, Time deadline, std::function<void(Answers)> then) override {
    waiting_.push_back({{keys.begin(), keys.end()}, deadline, std::move(then)});
  }
  void answer() {
    for (auto& [keys, deadline, then] : std::exchange(waiting_, {})) {
      if (clock_.steady() > deadline) {
        then(Answers(keys.size()));
      } else {
        inner_.ask(keys, deadline, then);
      }
    }
  }
  Result<Applied> apply(const Stretch& stretch, std::span<const Delta> deltas) override {
    return inner_.apply(stretch, deltas);
  }
  Result<Position> applied(const ShardId& shard) override { return inner_.applied(shard); }
  Result<Position> durable(const ShardId& shard) override { return inner_.durable(shard); }

 private:
  struct Waiting {
    std::vector<std::string> keys;
    Time deadline;
    std::function<void(Answers)> then;
  };
  State& inner_;
  env::Clock& clock_;
  std::vector<Waiting> waiting_;
};

/// in -> [check, count] -> out -> store, over a log in memory.
class Pipeline {
 public:
  explicit Pipeline(streams::MemoryOptions options = {}, WorkerOptions worker_options = {})
      : log(options), worker_options_(worker_options) {}

  WorkerParts parts() { return {log, clock, logger, metrics, wake}; }
  std::unique_ptr<ProcessorWorker> processor(State* use_state = nullptr) {
    ProcessorPlan plan;
    plan.name = "count";
    plan.group = "bonafide.count";
    plan.from = "in";
    plan.to = "out";
    plan.parked = "parked";
    plan.steps.push_back({"check", std::make_unique<Check>()});
    plan.steps.push_back({"count", std::make_unique<Count>()});
    plan.state = use_state == nullptr ? &state : use_state;
    plan.fold = std::make_unique<CountFold>();
    return std::make_unique<ProcessorWorker>(std::move(plan), parts(), worker_options_);
  }
  std::unique_ptr<SinkWorker> sink(env::Random* lazy = nullptr) {
    return std::make_unique<SinkWorker>(
        SinkPlan{"store", "bonafide.store", "out", "parked", std::make_unique<StoreSink>(store, lazy)},
        parts(), worker_options_);
  }
  void put(const std::string& key, const std::string& value, Lane lane = Lane::live) {
    Record record;
    record.key = SharedBytes(key);
    record.value = SharedBytes(value);
    record.timestamp = clock.now();
    log.inlet().append({{"in", lane, record}}, [&, value](Result<Inlet::Landed> landed) {
      if (landed.ok()) acked.insert(value);
    });
  }
  std::vector<Delivery> everything(const std::string& topic) {
    std::vector<Delivery> out;
    const auto shards = log.shards(topic);
    for (const auto& shard : *shards) {
      auto reader = log.reader(shard.id, {});
      for (;;) {
        auto some = (*reader)->read(1000, 1 << 24);
        if (some->empty()) break;
        out.insert(out.end(), some->begin(), some->end());
      }
    }
    return out;
  }
  std::vector<std::string> values(const std::string& topic) {
    std::vector<std::string> out;
    for (const auto& delivery : everything(topic)) out.emplace_back(delivery.record.value.view());
    return out;
  }
  std::vector<ParkedRecord> parked() {
    std::vector<ParkedRecord> out;
    for (const auto& delivery : everything("parked")) {
      out.push_back(ParkedRecord::decode(delivery.record.value.view()).value());
    }
    return out;
  }
  /// Steps until nothing is left to do, time passing meanwhile.
  void run(std::initializer_list<Worker*> workers) {
    for (int idle = 0; idle < 50;) {
      bool worked = false;
      for (auto* worker : workers) {
        const auto progress = worker->step();
        ASSERT_TRUE(progress.ok()) << progress.error().message;
        worked |= *progress == Progress::worked;
      }
      idle = worked ? 0 : idle + 1;
      clock.advance(Duration::millis(50));
      log.sync();
    }
  }

  streams::MemoryLog log;
  env::sim::ManualClock clock;
  env::NoLogger logger;
  env::Metrics metrics;
  env::NoWake wake;
  MemoryState state;
  Store store;
  std::set<std::string> acked;

 private:
  WorkerOptions worker_options_;
};

using Strings = std::vector<std::string>;

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

TEST(ProcessorWorker, RefusesHistoryOverUnequalShards) {
  Pipeline p;
  auto worker = p.processor();
  ASSERT_TRUE(p.log.split({"in", Lane::live, 0}));
  const auto stepped = worker->step();
  ASSERT_FALSE(stepped.ok());
  EXPECT_EQ(stepped.error().cause, Cause::invalid);
  EXPECT_NE(stepped.error().message.find("same number"), std::string::npos);
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

// The properties of the whole, under a scheduler that steps whoever it likes, crashes, loses answers and
// evicts workers: every acked event once in `out` and once in the store, in order, with exactly the counts
// that came before it; poison parked once; the state equal to the fold of the outputs.
void run_history(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  env::SeededRandom random(seed);
  WorkerOptions options;
  options.max_records = 1 + random.below(12);
  options.first_retry = Duration::millis(1);
  options.last_retry = Duration::millis(8);
  Pipeline p({.shards = 1 + static_cast<uint32_t>(random.below(3)), .sync_at_once = false}, options);
  const bool slow_state = random.below(3) == 0;
  const bool lost_answers = random.below(2) == 0;
  p.log.set_commit_trouble([&]() -> streams::MemoryLog::CommitTrouble {
    const auto dice = lost_answers ? random.below(20) : 19;
    const int polls = static_cast<int>(random.below(4));
    if (dice == 0) return {Fate::unknown, true, polls};
    if (dice == 1) return {Fate::unknown, false, polls};
    if (dice == 2) return {Fate::not_done, false, polls};
    return {Fate::done, true, polls};
  });
  SlowState slow(p.state, p.clock);
  State* state = slow_state ? static_cast<State*>(&slow) : &p.state;
  std::vector<std::unique_ptr<Worker>> workers(3);
  const auto start = [&] {
    workers[0] = p.processor(state);
    workers[1] = p.processor(state);
    workers[2] = p.sink(&random);
  };
  start();
  std::map<std::string, Strings> put;
  int next = 0;
  const auto one_step = [&](bool trouble) {
    auto& worker = workers[random.below(workers.size())];
    if (worker) {
      const auto stepped = worker->step();
      ASSERT_TRUE(stepped.ok()) << stepped.error().message;
    }
    if (random.below(4) == 0) p.log.sync();
    if (random.below(3) == 0) p.clock.advance(Duration::millis(static_cast<int64_t>(random.below(20))));
    if (random.below(3) == 0) slow.answer();
    if (!trouble) return;
    const auto dice = random.below(200);
    if (dice < 60) {
      const std::string key = "k" + std::to_string(random.below(4));
      const std::string id = std::to_string(next++) + (dice == 1   ? "p"
                                                       : dice == 2 ? "bad"
                                                       : dice == 3 ? "badly"
                                                                   : "");
      put[key].push_back(id);
      p.put(key, id);
    } else if (dice == 60) {  // power cut
      for (auto& w : workers) w.reset();
      slow.answer();
      p.log.crash();
      p.state.lose();
      p.store.crash();
      start();
    } else if (dice == 61) {  // one worker dies and is started again
      const size_t which = random.below(workers.size());
      workers[which].reset();
      if (which == 2) {
        p.store.crash();
        workers[2] = p.sink(&random);
      } else {
        workers[which] = p.processor(state);
      }
    } else if (dice == 62) {
      p.log.expel(random.below(2) == 0 ? "bonafide.count" : "bonafide.store");
    } else if (dice == 63) {
      p.store.down = !p.store.down;
    } else if (dice == 64 && !slow_state) {
      p.state.lose();
      workers[0] = p.processor(state);
      workers[1] = p.processor(state);
    }
  };
  for (int i = 0; i < 1500; ++i) one_step(true);
  p.store.down = false;
  for (int i = 0; i < 2500; ++i) one_step(false);
  workers[0]->stop(Stop::when_read);
  workers[1]->stop(Stop::when_read);
  for (int i = 0; i < 4000; ++i) one_step(false);
  p.log.sync();
  workers[2]->stop(Stop::when_read);
  for (int i = 0; i < 2000; ++i) one_step(false);
  for (auto& worker : workers)
    EXPECT_TRUE(worker->stopped()) << worker->name() << " " << to_string(worker->health().doing());

  std::map<std::string, Strings> out;
  std::map<std::string, int64_t> seen;
  std::multiset<std::string> storable;
  size_t bad = 0, poison = 0;
  for (const auto& delivery : p.everything("out")) {
    const std::string key(delivery.record.key.view()), value(delivery.record.value.view());
    const auto parts = split(value, '=');
    ASSERT_EQ(parts.size(), 2U);
    if (parts[1] != "?" || !slow_state) {
      EXPECT_EQ(parts[1], std::to_string(seen[key])) << value << " of " << key;
    }
    ++seen[key];
    out[key].emplace_back(parts[0]);
    poison += parts[0].ends_with('p') ? 1 : 0;
    if (parts[0].find("bad") != std::string::npos) {
      ++bad;
    } else {
      storable.insert(value);
    }
  }
  size_t events = 0;
  for (const auto& [key, ids] : put) {
    Strings expected;
    for (const auto& id : ids) {
      if (p.acked.contains(id)) expected.push_back(id);
    }
    Strings got;  // an event that was not acked may be there or not
    for (const auto& id : out[key]) {
      if (p.acked.contains(id)) got.push_back(id);
    }
    EXPECT_EQ(got, expected) << key;
    events += expected.size();
  }
  EXPECT_GT(events, 100U);
  EXPECT_EQ(p.store.durable, storable);
  std::multiset<std::string> parked_steps;
  std::set<std::pair<ShardId, Position>> parked_places;
  for (const auto& parked : p.parked()) {
    parked_steps.insert(parked.step);
    EXPECT_TRUE(parked_places.emplace(parked.shard, parked.position).second)
        << "parked twice: " << parked.value.view();
  }
  EXPECT_EQ(parked_steps.count("check"), poison);
  EXPECT_EQ(parked_steps.count("store"), bad);
  for (const auto& [key, count] : seen) EXPECT_EQ(p.state.histories()[key].find("n")->total(), count) << key;
}

TEST(Pipeline, LosesNothingDoublesNothingAndKeepsOrderWhateverHappens) {
  for (uint64_t seed = 1; seed <= 40 && !testing::Test::HasFailure(); ++seed) run_history(seed);
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

}  // namespace
}  // namespace bonafide::flow

namespace bonafide::flow::contract {
INSTANTIATE_TEST_SUITE_P(TestStore, SinkContract,
                         testing::Values(SinkCase{"store",
                                                  [] { return std::make_unique<StoreSinkHarness>(); }}),
                         sink_case_name);
}
