#include "sim/meddler.hpp"

#include <algorithm>
#include <set>

#include "flow/contract/log_contract.hpp"
#include "flow/contract/state_contract.hpp"
#include "streams/journal/test_harness.hpp"
#include "streams/memory/test_pipeline.hpp"

namespace bonafide::flow::contract {
namespace {

using sim::Fault;
using sim::Meddler;
using sim::Mutation;

/// With nothing armed a meddled log is a log; its lost answers are the meddler's.
class MeddledMemory final : public LogHarness {
 public:
  explicit MeddledMemory(const LogSetup& setup)
      : inner_(
            {.shards = setup.shards, .max_waiting_bytes = setup.max_waiting_bytes, .sync_at_once = false}) {}
  Log& log() override { return *log_; }
  void settle() override {
    if (!held_) inner_.sync();
  }
  void crash() override { inner_.crash(); }
  bool hold_syncs(bool hold) override {
    held_ = hold;
    return true;
  }
  void expel(const Join& join) override { inner_.expel(join.group); }
  void lose_next_answer(bool lands) override {
    meddler_.arm(lands ? Fault::commit_unanswered : Fault::commit_lost);
  }

 private:
  env::sim::ManualClock clock_;
  streams::MemoryLog inner_;
  Meddler meddler_{clock_, Mutation::none};
  std::unique_ptr<Log> log_ = meddler_.around(inner_);
  bool held_ = false;
};

class MeddledJournal final : public JournalHarness {
 public:
  explicit MeddledJournal(const LogSetup& setup) : JournalHarness(setup, 4 << 20) { open(); }
  ~MeddledJournal() override { log_.reset(); }  // before the meddler
  void lose_next_answer(bool lands) override {
    meddler_.arm(lands ? Fault::commit_unanswered : Fault::commit_lost);
  }

 private:
  std::unique_ptr<Log> around(Log& journal) override { return meddler_.around(journal); }
  Meddler meddler_{world_.clock, Mutation::none};
};

INSTANTIATE_TEST_SUITE_P(
    Meddled, LogContract,
    testing::Values(
        LogCase{"memory", [](const LogSetup& setup) { return std::make_unique<MeddledMemory>(setup); }},
        LogCase{"journal", [](const LogSetup& setup) { return std::make_unique<MeddledJournal>(setup); }}),
    log_case_name);

/// A stall is the meddler's: every answer comes after its deadline.
class MeddledHistory final : public StateHarness {
 public:
  State& state() override { return *state_; }
  void settle() override { meddler_.give_answers(); }
  void crash() override { inner_.lose(); }
  bool stall(bool stalled) override {
    meddler_.disarm();
    if (stalled) meddler_.arm(Fault::slow_answers, 1000);
    return true;
  }
  Time steady() override { return clock_.steady(); }
  void advance(Duration by) override { clock_.advance(by); }

 private:
  env::sim::ManualClock clock_;
  MemoryState inner_;
  Meddler meddler_{clock_, Mutation::none};
  std::unique_ptr<State> state_ = meddler_.around(inner_);
};

INSTANTIATE_TEST_SUITE_P(Meddled, StateContract,
                         testing::Values(StateCase{"memory",
                                                   [] { return std::make_unique<MeddledHistory>(); }}),
                         state_case_name);

}  // namespace
}  // namespace bonafide::flow::contract

namespace bonafide::sim {
namespace {

using flow::Delivery;
using flow::Fate;
using flow::Lane;
using flow::Position;
using flow::Visibility;
using Strings = std::vector<std::string>;

enum class Kind { memory, journal };

/// in -> [check, count] -> out -> store, with a meddler around its log and its history.
class Line {
 public:
  explicit Line(Kind kind, Mutation mutation = Mutation::none, uint32_t shards = 1)
      : kind_(kind), memory_({.shards = shards, .sync_at_once = false}), meddler(world_.clock, mutation) {
    world_.settings.shards = shards;
    meddler.fired = [this](Fault fault) { fired.push_back(fault); };
    open();
    state = meddler.around(inner_state);
  }
  env::sim::ManualClock& clock() { return world_.clock; }
  flow::Log& inner() {
    return kind_ == Kind::memory ? static_cast<flow::Log&>(memory_)
                                 : static_cast<flow::Log&>(*world_.journal);
  }
  void sync() {
    if (kind_ == Kind::memory) return memory_.sync();
    const Status settled = world_.settle();
    ASSERT_TRUE(settled.ok()) << settled.error().message;
  }
  /// Workers are to be gone.
  void power_cut() {
    inner_state.lose();
    if (kind_ == Kind::memory) return memory_.crash();
    world_.journal.reset();
    world_.files.crash();
    open();
  }

  std::unique_ptr<flow::Worker> processor() {
    flow::ProcessorPlan plan;
    plan.name = "count";
    plan.group = "bonafide.count";
    auto& chain = plan.chains.emplace_back();
    chain.from = "in";
    chain.steps.push_back({"check", std::make_unique<flow::test::Check>()});
    chain.steps.push_back({"count", std::make_unique<flow::test::Count>()});
    plan.to = "out";
    plan.parked = "parked";
    plan.state = state.get();
    plan.fold = std::make_unique<flow::test::CountFold>();
    return std::make_unique<flow::ProcessorWorker>(std::move(plan), parts(), options());
  }
  std::unique_ptr<flow::Worker> sink() {
    return std::make_unique<flow::SinkWorker>(flow::SinkPlan{"store", "bonafide.store", "out", "parked",
                                                             std::make_unique<flow::test::StoreSink>(store)},
                                              parts(), options());
  }
  /// `count` more events, of some keys.
  void put(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string id = std::to_string(ids.size()), key = "key" + std::to_string(ids.size() % 5);
      ids.insert(id);
      auto entry = streams::journal::World::entry("in", key, id);
      entry.record.timestamp = clock().now();
      log->inlet().append({std::move(entry)}, [this, id](const Result<flow::Inlet::Landed>& landed) {
        if (landed.ok()) acked.insert(id);
      });
    }
  }
  void step(flow::Worker& worker) {
    const auto stepped = worker.step();
    ASSERT_TRUE(stepped.ok()) << stepped.error().message;
  }
  /// Steps them until nothing happens any more.
  void run(std::initializer_list<flow::Worker*> workers) {
    for (int i = 0; i < 120; ++i) {
      for (auto* worker : workers) step(*worker);
      sync();
      clock().advance(Duration::millis(50));
      meddler.give_answers();
    }
  }
  Strings values(const std::string& topic) {
    Strings out;
    const auto shards = inner().shards(topic).value();
    for (const auto& shard : shards) {
      const auto reader = inner().reader(shard.id, {}).value();
      for (auto some = reader->read(1000, 1 << 24).value(); !some.empty();
           some = reader->read(1000, 1 << 24).value()) {
        for (const auto& delivery : some) out.emplace_back(delivery.record.value.view());
      }
    }
    return out;
  }
  static std::multiset<std::string> ids_of(const auto& values) {
    std::multiset<std::string> out;
    for (const auto& value : values) out.insert(value.substr(0, value.find('=')));
    return out;
  }
  /// What was put: once each.
  [[nodiscard]] std::multiset<std::string> expected() const { return {ids.begin(), ids.end()}; }
  void expect_exactly_once() {
    EXPECT_EQ(ids_of(values("out")), expected());
    EXPECT_EQ(ids_of(store.durable), expected());
    EXPECT_EQ(acked, ids);
    int64_t counted = 0;
    for (const auto& [key, history] : inner_state.histories()) counted += history.find("n")->total();
    EXPECT_EQ(counted, static_cast<int64_t>(ids.size())) << "the history counts each once";
  }
  size_t unknown_answers() {
    return static_cast<size_t>(
        std::ranges::count_if(values("out"), [](const auto& value) { return value.ends_with("=?"); }));
  }
  std::unique_ptr<flow::Session> join(flow::Log& from) {
    auto session = from.join({"bonafide.count", {"in"}, Visibility::written, nullptr});
    EXPECT_TRUE(session.ok());
    return std::move(session).value();
  }
  static std::vector<Delivery> read_all(flow::Session& session) {
    std::vector<Delivery> all;
    for (auto some = session.read(Lane::live, 100, 1 << 20).value(); !some.empty();
         some = session.read(Lane::live, 100, 1 << 20).value()) {
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }
  static std::unique_ptr<flow::Commit> commit(flow::Session& session, const std::vector<Delivery>& of) {
    auto transaction = session.begin();
    for (const auto& delivery : of) {
      transaction->append({"out", Lane::live, delivery.record});
      transaction->consumed(delivery.shard, delivery.position);
    }
    return transaction->commit();
  }

 private:
  void open() {
    if (kind_ == Kind::journal) world_.must_open();
    log = meddler.around(inner());
  }
  flow::WorkerParts parts() { return {*log, world_.clock, logger_, metrics_, wake_}; }
  [[nodiscard]] flow::WorkerOptions options() const {
    flow::WorkerOptions options;
    options.max_records = most;
    options.first_retry = Duration::millis(10);
    options.last_retry = Duration::millis(100);
    return options;
  }

  Kind kind_;
  streams::journal::World world_;
  streams::MemoryLog memory_;
  env::NoLogger logger_;
  env::Metrics metrics_;
  env::NoWake wake_;

 public:
  Meddler meddler;
  std::unique_ptr<flow::Log> log;
  flow::MemoryState inner_state;
  std::unique_ptr<flow::State> state;
  flow::test::Store store;
  std::set<std::string> ids, acked;
  std::vector<Fault> fired;
  size_t most = 3;  ///< records in a batch
};

class Meddled : public testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Logs, Meddled, testing::Values(Kind::memory, Kind::journal),
                         [](const auto& kind) { return kind.param == Kind::memory ? "memory" : "journal"; });

TEST_P(Meddled, WhateverHappensEachEventComesOutOnce) {
  for (const uint32_t shards : {1U, 3U}) {
    for (const Fault fault : {Fault::commit_lost, Fault::commit_unanswered, Fault::fenced, Fault::rebalance,
                              Fault::slow_answers, Fault::no_answers, Fault::refused_apply}) {
      // By whom it is met is a matter of who works then.
      for (const bool met_by_sink : {false, true}) {
        SCOPED_TRACE(std::string(to_string(fault)) + " over " + std::to_string(shards) + " shards");
        Line line(GetParam(), Mutation::none, shards);
        const auto one = line.processor(), two = line.processor(), sink = line.sink();
        const bool in_log =
            fault != Fault::slow_answers && fault != Fault::no_answers && fault != Fault::refused_apply;
        if (met_by_sink && !in_log) continue;
        line.put(20);
        line.run({one.get(), two.get(), sink.get()});
        for (int i = 0; i < 3; ++i) {
          line.put(20);
          if (met_by_sink) line.run({one.get(), two.get()});
          line.meddler.arm(fault, 2);
          if (met_by_sink) line.run({sink.get()});
          line.run({one.get(), two.get(), sink.get()});
        }
        line.expect_exactly_once();
        EXPECT_EQ(line.fired, std::vector<Fault>(in_log ? 3U : 6U, fault));
        const bool unknown = fault == Fault::slow_answers || fault == Fault::no_answers;
        EXPECT_EQ(line.unknown_answers() > 0, unknown);
        EXPECT_TRUE(line.values("parked").empty());
      }
    }
  }
}

TEST_P(Meddled, ALostCommitDidNotHappenAndNothingAfterItDoes) {
  Line line(GetParam());
  line.put(2);
  line.sync();
  auto session = line.join(*line.log);
  const auto read = Line::read_all(*session);
  line.meddler.arm(Fault::commit_lost);
  const auto first = Line::commit(*session, {read[0]}), second = Line::commit(*session, {read[1]});
  EXPECT_EQ(first->poll(), Fate::unknown);
  EXPECT_EQ(second->poll(), Fate::not_done);
  line.sync();
  EXPECT_TRUE(line.values("out").empty());
  session = line.join(*line.log);
  EXPECT_EQ(Line::read_all(*session).size(), 2U);
}

TEST_P(Meddled, AnUnansweredCommitHappened) {
  Line line(GetParam());
  line.put(2);
  line.sync();
  auto session = line.join(*line.log);
  line.meddler.arm(Fault::commit_unanswered);
  EXPECT_EQ(Line::commit(*session, Line::read_all(*session))->poll(), Fate::unknown);
  line.sync();
  EXPECT_EQ(line.values("out").size(), 2U);
  session = line.join(*line.log);
  EXPECT_TRUE(Line::read_all(*session).empty());
}

// The log itself says so: nothing is made up.
TEST_P(Meddled, AFencedCommitIsFencedByTheLog) {
  for (const uint32_t shards : {1U, 2U, 5U}) {
    SCOPED_TRACE(shards);
    for (const size_t of : {size_t{1}, size_t{30}}) {
      Line line(GetParam(), Mutation::none, shards);
      line.put(30);
      line.sync();
      auto session = line.join(*line.log);
      auto read = Line::read_all(*session);
      ASSERT_EQ(read.size(), 30U);
      read.resize(of);  // of one shard alone, which is not the first that a newcomer gets
      line.meddler.arm(Fault::fenced);
      const auto commit = Line::commit(*session, read);
      EXPECT_EQ(commit->poll(), Fate::fenced);
      EXPECT_EQ(line.fired, std::vector<Fault>{Fault::fenced});
      line.sync();
      EXPECT_TRUE(line.values("out").empty());
      // Whoever took them is gone by the next join.
      session.reset();
      session = line.join(*line.log);
      EXPECT_EQ(session->gained().size(), 2U * shards) << "in both lanes";
      read = Line::read_all(*session);
      EXPECT_EQ(read.size(), 30U);
      EXPECT_EQ(Line::commit(*session, read)->poll(), Fate::done);
    }
  }
}

TEST_P(Meddled, AnIntruderLeavesAtTheNextReadAndMayOutliveItsLog) {
  Line line(GetParam());
  line.put(3);
  line.sync();
  auto session = line.join(*line.log);
  line.meddler.arm(Fault::fenced);
  EXPECT_EQ(Line::commit(*session, Line::read_all(*session))->poll(), Fate::fenced);
  (void)session->lost();
  EXPECT_EQ(Line::read_all(*session).size(), 3U) << "the shard has come back";
  line.meddler.arm(Fault::fenced);
  EXPECT_EQ(Line::commit(*line.join(*line.log), {})->poll(), Fate::done) << "nothing that could be fenced";
  EXPECT_EQ(line.fired.size(), 1U);
  session = line.join(*line.log);
  EXPECT_EQ(Line::commit(*session, Line::read_all(*session))->poll(), Fate::fenced);
  session.reset();
  line.power_cut();
}

TEST_P(Meddled, ARebalanceTakesShardsAndGivesThemBack) {
  Line line(GetParam());
  line.put(2);
  line.sync();
  auto session = line.join(*line.log);
  EXPECT_EQ(session->gained().size(), 2U);
  EXPECT_EQ(Line::read_all(*session).size(), 2U);
  line.meddler.arm(Fault::rebalance);
  (void)session->read(Lane::live, 100, 1 << 20);
  EXPECT_EQ(line.fired, std::vector<Fault>{Fault::rebalance});
  EXPECT_EQ(session->lost().size(), 2U);
  EXPECT_EQ(session->gained().size(), 2U);
}

TEST_P(Meddled, DisarmedNothingHappens) {
  Line line(GetParam());
  for (const Fault fault : {Fault::commit_lost, Fault::fenced, Fault::no_answers, Fault::kill}) {
    line.meddler.arm(fault);
  }
  line.meddler.disarm();
  line.meddler.arm(Fault::power_cut);  // not made here
  const auto processor = line.processor(), sink = line.sink();
  line.put(9);
  line.run({processor.get(), sink.get()});
  line.expect_exactly_once();
  EXPECT_TRUE(line.fired.empty());
}

TEST_P(Meddled, WithoutFencingEventsComeOutTwice) {
  for (const uint32_t shards : {1U, 3U}) {
    Line line(GetParam(), Mutation::fencing_off, shards);
    const auto processor = line.processor(), sink = line.sink();
    line.put(12);
    line.run({processor.get(), sink.get()});
    line.expect_exactly_once();
    line.meddler.arm(Fault::fenced);
    line.put(12);
    line.run({processor.get(), sink.get()});
    EXPECT_EQ(line.fired.size(), 1U);
    const auto out = Line::ids_of(line.values("out"));
    EXPECT_EQ(std::set<std::string>(out.begin(), out.end()), line.ids) << "nothing is lost";
    EXPECT_GT(out.size(), line.ids.size()) << "some came twice";
    EXPECT_EQ(Line::ids_of(line.store.durable), out);
  }
}

TEST_P(Meddled, WithoutFencingACommitNamesWhereItsRecordsLanded) {
  Line line(GetParam(), Mutation::fencing_off);
  line.put(3);
  line.sync();
  auto session = line.join(*line.log);
  line.meddler.arm(Fault::fenced);
  const auto commit = Line::commit(*session, Line::read_all(*session));
  EXPECT_EQ(commit->poll(), std::nullopt) << "not known before the sync";
  line.sync();
  EXPECT_EQ(commit->poll(), Fate::done);
  ASSERT_EQ(commit->landed().size(), 3U);
  const auto written = line.inner().written({"out", Lane::live, 0}).value();
  EXPECT_EQ(commit->landed().back(), std::make_pair(flow::ShardId{"out", Lane::live, 0}, written));
  EXPECT_EQ(commit->poll(), Fate::done);
}

TEST_P(Meddled, ASessionThatIsKeptLosesEvents) {
  for (const Fault fault : {Fault::commit_lost, Fault::fenced}) {
    SCOPED_TRACE(to_string(fault));
    Line line(GetParam(), Mutation::kept_session, 3);
    line.most = 30;  // a batch over all shards, of which one is taken
    const auto processor = line.processor(), sink = line.sink();
    line.put(30);
    line.run({processor.get(), sink.get()});
    line.expect_exactly_once();
    for (int i = 0; i < 8; ++i) {
      line.meddler.arm(fault);
      line.put(30);
      line.run({processor.get()});
    }
    line.run({processor.get(), sink.get()});
    EXPECT_EQ(line.fired.size(), 8U);
    const auto out = Line::ids_of(line.values("out"));
    EXPECT_LT(out.size(), line.ids.size()) << "some never came";
    EXPECT_EQ(std::set<std::string>(out.begin(), out.end()).size(), out.size());
    const auto next = line.processor();
    line.run({next.get()});
    EXPECT_LT(line.values("out").size(), line.ids.size()) << "and never will";
  }
}

TEST_P(Meddled, ASessionThatIsKeptGoesOnWithPlacesThatAreMadeUp) {
  Line line(GetParam(), Mutation::kept_session);
  const auto processor = line.processor(), sink = line.sink();
  auto bad = streams::journal::World::entry("out", "key", "bad");
  line.put(3);
  line.run({processor.get(), sink.get()});
  line.inner().inlet().append({bad}, [](const auto&) {});
  line.sync();
  line.meddler.arm(Fault::commit_lost);
  line.run({sink.get()});  // what it parks is lost
  line.put(3);
  line.run({processor.get(), sink.get()});
  EXPECT_EQ(line.fired.size(), 1U);
  EXPECT_TRUE(line.values("parked").empty());
  EXPECT_EQ(Line::ids_of(line.store.durable), line.expected());
}

TEST_P(Meddled, WhatIsAckedEarlyIsLostInAPowerCut) {
  Line honest(GetParam());
  honest.put(5);
  EXPECT_TRUE(honest.acked.empty());
  honest.sync();
  EXPECT_EQ(honest.acked, honest.ids);

  Line line(GetParam(), Mutation::early_ack);
  line.put(5);
  EXPECT_EQ(line.acked, line.ids) << "before any sync";
  line.sync();
  EXPECT_EQ(line.values("in").size(), 5U);
  line.put(5);
  EXPECT_EQ(line.acked, line.ids);
  line.power_cut();
  line.sync();
  EXPECT_LT(line.values("in").size(), 10U);
}

TEST_P(Meddled, AnEarlyAckNamesAPlaceAndPassesRefusalsOn) {
  Line line(GetParam(), Mutation::early_ack);
  std::vector<Result<flow::Inlet::Landed>> told;
  const auto append = [&](std::vector<flow::Entry> entries) {
    line.log->inlet().append(std::move(entries),
                             [&](Result<flow::Inlet::Landed> landed) { told.push_back(std::move(landed)); });
  };
  EXPECT_TRUE(line.log->inlet().admit(100).now);
  append({streams::journal::World::entry("in", "a", "1"), streams::journal::World::entry("in", "a", "2")});
  ASSERT_EQ(told.size(), 1U);
  ASSERT_EQ(told[0]->size(), 2U);
  EXPECT_EQ(told[0]->back(), std::make_pair(flow::ShardId{"in", Lane::live, 0},
                                            line.inner().written({"in", Lane::live, 0}).value()));
  append({streams::journal::World::entry("in", "a",
                                         std::string(line.inner().traits().max_record_bytes + 1, 'x'))});
  line.sync();
  ASSERT_EQ(told.size(), 2U) << "and the log's own answer is dropped";
  EXPECT_FALSE(told[1].ok());
}

TEST_P(Meddled, AProcessorThatResumesTooFarLosesTheFirstEvent) {
  Line line(GetParam(), Mutation::resume_too_far);
  auto processor = line.processor();
  line.put(3);
  line.run({processor.get()});
  EXPECT_EQ(Line::ids_of(line.values("out")), line.expected()) << "from the beginning nothing is swallowed";
  line.put(3);
  line.run({processor.get()});
  EXPECT_EQ(Line::ids_of(line.values("out")), line.expected()) << "nor in between";
  processor = line.processor();
  line.put(3);
  line.run({processor.get()});
  auto left = line.expected();
  left.erase("6");
  EXPECT_EQ(Line::ids_of(line.values("out")), left);
  processor = line.processor();
  line.put(1);  // alone: it is swallowed, and there is nothing behind it
  line.run({processor.get()});
  EXPECT_EQ(Line::ids_of(line.values("out")), left);
}

TEST_P(Meddled, ASinkThatResumesTooFarLosesTheFirstEvent) {
  for (const Fault fault : {Fault::kill, Fault::rebalance}) {  // a new one; or the same one, which loses it
    SCOPED_TRACE(to_string(fault));
    Line line(GetParam(), Mutation::resume_too_far);
    const auto processor = line.processor();
    auto sink = line.sink();
    line.put(6);
    line.run({processor.get(), sink.get()});
    EXPECT_EQ(Line::ids_of(line.store.durable), line.expected());
    if (fault == Fault::kill) sink = line.sink();
    line.meddler.arm(fault);
    line.run({sink.get()});
    line.put(3);
    line.run({processor.get(), sink.get()});
    EXPECT_EQ(Line::ids_of(line.values("out")), line.expected());
    auto left = line.expected();
    left.erase("6");
    EXPECT_EQ(Line::ids_of(line.store.durable), left);
  }
}

TEST(MeddledState, AnswersThatAreLateAreUnknownAndComeOnce) {
  env::sim::ManualClock clock;
  flow::MemoryState inner;
  Meddler meddler(clock, Mutation::none);
  std::vector<Fault> fired;
  meddler.fired = [&](Fault fault) { fired.push_back(fault); };
  auto state = meddler.around(inner);
  std::vector<flow::Answers> got;
  const std::vector<std::string> keys = {"a", "b"};
  const auto ask = [&] {
    state->ask(keys, clock.steady() + Duration::millis(10),
               [&](flow::Answers answers) { got.push_back(std::move(answers)); });
  };
  meddler.arm(Fault::slow_answers);
  ask();
  clock.advance(Duration::millis(10));
  meddler.give_answers();
  EXPECT_TRUE(got.empty()) << "its deadline has not passed";
  clock.advance(Duration::millis(1));
  meddler.give_answers();
  meddler.give_answers();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0], flow::Answers(2));
  meddler.arm(Fault::no_answers, 2);
  ask();
  ask();
  ask();
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ(got[2], flow::Answers(2));
  EXPECT_NE(got[3][0], nullptr);
  meddler.arm(Fault::slow_answers);
  ask();
  state.reset();
  clock.advance(Duration::seconds(1));
  meddler.give_answers();
  EXPECT_EQ(got.size(), 4U) << "whose state is gone gets no answer";
  EXPECT_EQ(fired, (std::vector<Fault>{Fault::slow_answers, Fault::no_answers, Fault::no_answers,
                                       Fault::slow_answers}));
}

TEST(MeddledState, RefusesToApplyForAWhile) {
  env::sim::ManualClock clock;
  flow::MemoryState inner;
  Meddler meddler(clock, Mutation::none);
  const auto state = meddler.around(inner);
  const flow::Stretch stretch{{"out", Lane::live, 0}, {}, Position::of(1)};
  meddler.arm(Fault::refused_apply, 2);
  for (int i = 0; i < 2; ++i) {
    const auto refused = state->apply(stretch, {});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().cause, Cause::exhausted);
  }
  EXPECT_EQ(state->apply(stretch, {}).value(), flow::Applied::now);
}

}  // namespace
}  // namespace bonafide::sim
