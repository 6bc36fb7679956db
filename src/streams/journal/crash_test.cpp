#include <map>
#include <set>

#include <gmock/gmock.h>

#include "streams/journal/test_world.hpp"

// The power goes, or the process dies, at any write, sync or rename. Afterwards: nothing acknowledged is
// lost, what is there is a prefix of what was appended, never half a frame, and outputs agree with progress.
namespace bonafide::streams::journal {
namespace {

class Crasher {
 public:
  explicit Crasher(uint64_t seed) : world_(seed, 4096 + seed % 5 * 2048), dice_(seed * 7 + 1) {
    world_.settings.memory_bytes = seed % 3 == 0 ? 2000 : 1 << 20;  // also from the disk
    world_.settings.shards = 1;
    world_.must_open();
  }

  uint64_t changes() const { return world_.files.changes(); }

  /// Works until the power goes after `calls` changes of the disk, or `rounds` are over; then crashes and
  /// checks.
  void live_and_crash(uint64_t calls, int rounds) {
    world_.files.power_off_after(calls);
    work(rounds);
    session_.reset();
    world_.journal.reset();
    const bool only_killed = dice_.below(4) == 0;
    only_killed ? world_.files.kill() : world_.files.crash();
    world_.must_open();
    check();
  }

 private:
  void work(int rounds) {
    // A crash may also come while nothing is under way, or while the journal is being opened.
    if (dice_.below(3) == 0) {
      session_.reset();
      if (!world_.open().ok()) return;
    }
    auto session = world_.journal->join({"copy", {"in"}, flow::Visibility::written, nullptr});
    if (!session.ok()) return;
    session_ = std::move(*session);
    for (int round = 0; round < rounds; ++round) {
      switch (dice_.below(6)) {
        case 0:
        case 1:
        case 2:
          append();
          break;
        case 3:
          copy();
          break;
        case 4:
          if (!world_.journal->flusher().step().ok()) return;
          break;
        case 5:
          world_.clock.advance(Duration::millis(static_cast<int64_t>(dice_.below(30))));
          break;
      }
    }
  }

  /// One append of several entries, to two topics.
  void append() {
    const size_t count = 1 + dice_.below(3);
    std::vector<flow::Entry> entries;
    std::vector<std::string> values;
    for (size_t i = 0; i < count; ++i) {
      const std::string value =
          std::to_string(++serial_) + ":" + std::string(dice_.below(dice_.below(5) == 0 ? 3000 : 300), 'v');
      entries.push_back(World::entry(i % 2 == 0 ? "in" : "side", "key", value));
      values.push_back(value);
    }
    appended_.push_back(values);
    world_.journal->inlet().append(std::move(entries),
                                   [this, values](const Result<flow::Inlet::Landed>& landed) {
                                     if (landed.ok()) acked_.insert(values.begin(), values.end());
                                   });
  }

  /// What arrived in "in" goes to "out", with the progress.
  void copy() {
    auto read = session_->read(flow::Lane::live, 1 + dice_.below(5), 1 << 20);
    if (!read.ok() || read->empty()) return;
    auto transaction = session_->begin();
    for (const auto& delivery : *read) {
      transaction->append(World::entry("out", "key", std::string(delivery.record.value.view())));
      transaction->consumed(delivery.shard, delivery.position);
    }
    ASSERT_EQ(transaction->commit()->poll(), flow::Fate::done);
  }

  void check() {
    for (const auto& damage : world_.journal->opened().damages) ADD_FAILURE() << damage.text();
    const auto verified = world_.journal->verify();
    for (const auto& damage : verified->damages) ADD_FAILURE() << "verify: " << damage.text();
    const auto in = world_.values("in"), side = world_.values("side"), out = world_.values("out");
    std::multiset<std::string> there(in.begin(), in.end());
    there.insert(side.begin(), side.end());
    for (const auto& value : acked_) EXPECT_EQ(there.count(value), 1U) << "acknowledged and lost: " << value;

    std::vector<std::string> expected_in, expected_side;
    for (const auto& group : appended_) {
      const size_t found = there.count(group.front());
      for (size_t i = 0; i < group.size(); ++i) {
        EXPECT_EQ(there.count(group[i]), found) << "half an append";
        if (found > 0) (i % 2 == 0 ? expected_in : expected_side).push_back(group[i]);
      }
    }
    EXPECT_EQ(in, expected_in);
    EXPECT_EQ(side, expected_side);
    appended_.erase(std::remove_if(appended_.begin(), appended_.end(),
                                   [&](const auto& group) { return there.count(group.front()) == 0; }),
                    appended_.end());

    // Outputs and progress: exactly the consumed part of "in" is in "out".
    auto session = world_.journal->join({"copy", {"in"}, flow::Visibility::written, nullptr});
    ASSERT_TRUE(session.ok());
    std::vector<std::string> whole = out;
    for (;;) {
      const auto rest = (*session)->read(flow::Lane::live, 100, 1 << 20);
      ASSERT_TRUE(rest.ok()) << rest.error().message;
      if (rest->empty()) break;
      for (const auto& delivery : *rest) whole.emplace_back(delivery.record.value.view());
    }
    EXPECT_EQ(whole, in) << "outputs and progress disagree";
  }

  World world_;
  env::SeededRandom dice_;
  std::unique_ptr<flow::Session> session_;
  uint64_t serial_ = 0;
  std::vector<std::vector<std::string>> appended_;
  std::set<std::string> acked_;
};

TEST(JournalCrash, AtEveryChangeOfTheDisk) {
  uint64_t total = 0;
  {
    Crasher whole(5);
    const uint64_t before = whole.changes();
    whole.live_and_crash(UINT64_MAX, 120);
    total = whole.changes() - before;
  }
  ASSERT_GT(total, 30U);
  for (uint64_t calls = 0; calls < total && !testing::Test::HasFailure(); ++calls) {
    SCOPED_TRACE("power off after " + std::to_string(calls));
    Crasher crasher(5);
    crasher.live_and_crash(calls, 120);
  }
}

TEST(JournalCrash, AgainAndAgainUnderManySeeds) {
  for (uint64_t seed = 1; seed <= 150 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Crasher crasher(seed);
    env::SeededRandom dice(seed + 99);
    for (int generation = 0; generation < 5 && !testing::Test::HasFailure(); ++generation) {
      SCOPED_TRACE("generation " + std::to_string(generation));
      crasher.live_and_crash(dice.below(80), 80);
    }
  }
}

TEST(JournalCrash, AFailedSyncStopsTheJournalAndIsNotTriedAgain) {
  World world;
  world.must_open();
  world.put("t", "before");
  std::optional<Result<flow::Inlet::Landed>> answer;
  world.journal->inlet().append({World::entry("t", "k", "lost")},
                                [&](auto landed) { answer = std::move(landed); });
  world.files.inject({.call = env::sim::Call::sync, .path_part = ".segment"});
  EXPECT_FALSE(world.settle().ok());
  ASSERT_TRUE(answer.has_value());
  EXPECT_FALSE(answer->ok()) << "who waits for the sync is told that it failed";
  EXPECT_FALSE(world.journal->flusher().step().ok()) << "the disk works again, but what it lost it has lost";
  EXPECT_FALSE(world.journal->inlet().admit(1).now);
  answer.reset();
  world.journal->inlet().append({World::entry("t", "k", "late")},
                                [&](auto landed) { answer = std::move(landed); });
  ASSERT_TRUE(answer.has_value());
  EXPECT_FALSE(answer->ok());
  world.journal.reset();
  world.files.crash();
  world.must_open();
  EXPECT_THAT(world.journal->opened().damages, testing::IsEmpty());
  EXPECT_THAT(world.values("t"), testing::ElementsAre("before"));
}

// What a failed sync should have saved can still be read, and no later sync saves it: the next process would
// build on frames that the next power cut takes.
TEST(JournalCrash, WhatAFailedSyncLeftInTheCacheIsWrittenAgain) {
  for (const bool sealed : {false, true}) {
    SCOPED_TRACE(sealed ? "as the segment ends" : "in the middle of it");
    World world(1, 4096);
    world.must_open();
    world.put("t", "before");
    if (sealed) {
      for (int i = 0; i < 5; ++i) world.append({World::entry("t", "k", std::string(700, 'x'))});
    } else {
      world.append({World::entry("t", "k", "never synced")});
    }
    world.files.inject({.call = env::sim::Call::sync, .path_part = ".segment"});
    EXPECT_FALSE(world.settle().ok());
    world.journal.reset();
    world.files.kill();
    world.must_open();
    const auto found = world.values("t");
    world.put("t", "after");
    world.journal.reset();
    world.files.crash();
    world.must_open();
    for (const auto& damage : world.journal->opened().damages) ADD_FAILURE() << damage.text();
    auto expected = found;
    expected.emplace_back("after");
    EXPECT_EQ(world.values("t"), expected) << "what the process before last found is still there";
  }
}

TEST(JournalCrash, AFailedWriteStopsTheJournal) {
  World world;
  world.must_open();
  world.put("t", "before");
  world.files.inject({.call = env::sim::Call::write, .path_part = ".segment"});
  world.append({World::entry("t", "k", "lost")});
  EXPECT_FALSE(world.settle().ok());
}

}  // namespace
}  // namespace bonafide::streams::journal
