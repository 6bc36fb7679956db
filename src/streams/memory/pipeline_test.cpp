#include "streams/memory/test_pipeline.hpp"

namespace bonafide::flow::test {
namespace {

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
  // Others join and leave the groups just before or after a worker reads.
  std::unique_ptr<Session> intruder;
  bool meddle = random.below(2) == 0;
  const auto meddling = [&] {
    if (!meddle || random.below(12) != 0) return;
    const bool sinks = random.below(2) == 0;
    intruder.reset();
    intruder = p.log
                   .join({sinks ? "bonafide.store" : "bonafide.count",
                          {sinks ? "out" : "in"},
                          Visibility::written,
                          nullptr})
                   .value();
    if (random.below(2) == 0) intruder.reset();
  };
  p.meddled.before_read = meddling;
  p.meddled.after_read = meddling;
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
  meddle = false;
  intruder.reset();
  workers[0]->stop(Stop::when_read);
  workers[1]->stop(Stop::when_read);
  for (int i = 0; i < 9000 && !(workers[0]->stopped() && workers[1]->stopped()); ++i) one_step(false);
  p.log.sync();
  workers[2]->stop(Stop::when_read);
  for (int i = 0; i < 6000 && !workers[2]->stopped(); ++i) one_step(false);
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

}  // namespace
}  // namespace bonafide::flow::test
