#include <gmock/gmock.h>

#include "streams/journal/test_world.hpp"

namespace bonafide::streams::journal {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class JournalRetention : public testing::Test {
 protected:
  JournalRetention() {
    world_.settings.max_age = Duration::hours(1);
    world_.must_open();
  }
  size_t segment_files() {
    size_t count = 0;
    const auto names = world_.files.list("data/journal");
    for (const auto& name : *names) count += name.ends_with(".segment") ? 1 : 0;
    return count;
  }
  void fill(int records) {
    for (int i = 0; i < records; ++i) world_.put("t", std::to_string(next_++) + std::string(400, 'x'));
  }
  /// Reads so many records and commits them.
  void consume(flow::Session& session, size_t records) {
    const auto read = session.read(flow::Lane::live, records, 1 << 20);
    ASSERT_TRUE(read.ok());
    ASSERT_EQ(read->size(), records);
    auto transaction = session.begin();
    transaction->consumed(read->back().shard, read->back().position);
    ASSERT_EQ(transaction->commit()->poll(), flow::Fate::done);
  }
  void pass(Duration time) {
    world_.clock.advance(time);
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(world_.settle().ok());
      world_.clock.advance(Duration::seconds(2));
    }
  }
  std::unique_ptr<flow::Session> join(const std::string& group) {
    return world_.journal->join({group, {"t"}, flow::Visibility::synced, nullptr}).value();
  }

  World world_{1, 4096};
  int next_ = 0;
};

TEST_F(JournalRetention, OldSegmentsGoOnceEveryGroupIsPastThem) {
  auto fast = join("fast"), slow = join("slow");
  fill(40);
  const size_t all = segment_files();
  ASSERT_GT(all, 4U);
  consume(*fast, 40);
  consume(*slow, 20);
  pass(Duration::minutes(1));
  EXPECT_EQ(segment_files(), all) << "not old enough";
  pass(Duration::hours(2));
  const size_t half = segment_files();
  EXPECT_LT(half, all);
  EXPECT_GT(half, 2U) << "the slow group still needs the rest";
  slow.reset();  // registered all the same
  pass(Duration::hours(2));
  EXPECT_EQ(segment_files(), half);
  slow = join("slow");
  const auto rest = slow->read(flow::Lane::live, 100, 1 << 20);
  ASSERT_TRUE(rest.ok()) << rest.error().message;
  ASSERT_THAT(*rest, SizeIs(20));
  EXPECT_TRUE(rest->front().record.value.view().starts_with("20x"));
  ASSERT_TRUE(world_.journal->forget_group("slow").ok());
  pass(Duration::hours(2));
  EXPECT_EQ(segment_files(), 1U);
  EXPECT_THAT(world_.journal->verify()->damages, IsEmpty());
}

TEST_F(JournalRetention, AHoldKeepsWhatLiesBehindIt) {
  auto session = join("g");
  fill(40);
  const auto first = (*world_.journal->reader({"t", flow::Lane::live, 0}, {}))->read(20, 1 << 20);
  consume(*session, 40);
  const flow::ShardId live{"t", flow::Lane::live, 0};
  world_.journal->hold("state", {"t", {{live, first->back().position}}});
  pass(Duration::hours(2));
  auto reader = world_.journal->reader({"t", flow::Lane::live, 0}, first->back().position);
  EXPECT_THAT(*(*reader)->read(100, 1 << 20), SizeIs(20)) << "everything behind the hold";
  world_.journal->release("state");
  pass(Duration::hours(2));
  EXPECT_EQ(segment_files(), 1U);
}

TEST_F(JournalRetention, AHoldAsksForNothingOfAShardItIsThroughWith) {
  auto session = join("g");
  fill(1);
  const flow::ShardId live{"t", flow::Lane::live, 0}, backfill{"t", flow::Lane::backfill, 0};
  const auto through = world_.journal->written(live).value();
  for (int i = 0; i < 40; ++i) world_.put("other", std::string(500, 'x'));
  consume(*session, 1);
  const auto nothing = flow::Position{};
  world_.journal->hold("state", {"t", {{live, through}, {backfill, nothing}}});
  pass(Duration::hours(2));
  EXPECT_EQ(segment_files(), 1U) << "both shards are done with";

  fill(1);
  for (int i = 0; i < 40; ++i) world_.put("other", std::string(500, 'x'));
  consume(*session, 1);
  pass(Duration::hours(2));
  const size_t kept = segment_files();
  EXPECT_GT(kept, 1U) << "the one record behind it";
  world_.journal->hold("state", {"t", {}});
  pass(Duration::hours(2));
  EXPECT_EQ(segment_files(), kept) << "a shard it does not name is needed whole";
  world_.journal->hold("state", {"t", {{live, world_.journal->written(live).value()}}});
  pass(Duration::hours(2));
  EXPECT_EQ(segment_files(), 1U);
}

TEST_F(JournalRetention, AReaderGoesOnInARemovedSegment) {
  fill(40);
  ASSERT_TRUE(world_.journal->close().ok());
  world_.settings.memory_bytes = 0;
  world_.must_open();
  auto reader = world_.journal->reader({"t", flow::Lane::live, 0}, {}).value();
  ASSERT_THAT(*reader->read(1, 1 << 20), SizeIs(1));
  pass(Duration::hours(2));
  ASSERT_EQ(segment_files(), 1U);
  const auto more = reader->read(3, 1 << 20);
  ASSERT_TRUE(more.ok()) << more.error().message;
  ASSERT_THAT(*more, SizeIs(3));
  EXPECT_TRUE(more->front().record.value.view().starts_with("1x"));
}

TEST_F(JournalRetention, RemovedSegmentsAreNotMissedAfterARestart) {
  fill(40);
  pass(Duration::hours(2));
  ASSERT_EQ(segment_files(), 1U);
  world_.put("t", "last");
  world_.journal.reset();
  world_.files.crash();
  world_.must_open();
  EXPECT_THAT(world_.journal->opened().damages, IsEmpty());
  EXPECT_THAT(world_.journal->verify()->damages, IsEmpty());
  EXPECT_THAT(world_.values("t"), Contains("last"));
}

TEST_F(JournalRetention, ACrashAtAnyMomentOfRemovalLosesNothingAndMissesNothing) {
  for (uint64_t calls = 0; calls < 40; ++calls) {
    World world(calls + 1, 4096);
    world.settings.max_age = Duration::hours(1);
    world.must_open();
    for (int i = 0; i < 12; ++i) world.put("t", std::to_string(i) + std::string(600, 'x'));
    ASSERT_TRUE(world.settle().ok());
    world.clock.advance(Duration::hours(2));
    world.files.power_off_after(calls);
    for (int i = 0; i < 4 && world.settle().ok(); ++i) world.clock.advance(Duration::seconds(2));
    world.journal.reset();
    world.files.crash();
    world.must_open();
    for (const auto& damage : world.journal->opened().damages)
      ADD_FAILURE() << damage.text() << " after " << calls;
    const auto verified = world.journal->verify();
    for (const auto& damage : verified->damages) ADD_FAILURE() << damage.text() << " after " << calls;
    world.put("t", "later");
    EXPECT_THAT(world.values("t"), Contains("later"));
  }
}

TEST_F(JournalRetention, AtTheSizeLimitOldSegmentsGoBeforeTheirTimeElseTheDoorIsClosed) {
  world_.settings.max_bytes = uint64_t{8} * 4096;
  world_.must_open();
  auto session = join("g");
  fill(30);
  consume(*session, 20);
  pass(Duration::seconds(5));
  EXPECT_TRUE(world_.journal->inlet().admit(100).now);
  const size_t kept = segment_files();
  EXPECT_LT(kept, 8U) << "consumed ones went, though young";
  fill(60);
  pass(Duration::seconds(5));
  const auto admission = world_.journal->inlet().admit(100);
  ASSERT_FALSE(admission.now);
  EXPECT_THAT(admission.reason, HasSubstr("readers still need"));
  EXPECT_GT(admission.retry_after.us, 0);
  consume(*session, 70);  // steps go on
  pass(Duration::seconds(5));
  EXPECT_TRUE(world_.journal->inlet().admit(100).now);
}

TEST_F(JournalRetention, AFullDiskClosesTheDoorAndStepsGoOn) {
  auto session = join("g");
  fill(2);
  world_.settings.min_free_bytes = uint64_t{1} << 20;
  session.reset();
  ASSERT_TRUE(world_.journal->close().ok());
  world_.must_open();
  session = join("g");
  world_.files.set_capacity(uint64_t{900} << 10);
  pass(Duration::seconds(2));
  const auto admission = world_.journal->inlet().admit(100);
  ASSERT_FALSE(admission.now);
  EXPECT_EQ(admission.cause, Cause::unavailable);
  EXPECT_GE(admission.retry_after, Duration::seconds(1));
  EXPECT_THAT(admission.reason, HasSubstr("disk has only"));
  std::optional<Error> refused;
  world_.journal->inlet().append({World::entry("t", "k", "late")}, [&](const auto& landed) {
    if (!landed.ok()) refused = landed.error();
  });
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->cause, Cause::unavailable);
  consume(*session, 2);
  ASSERT_TRUE(world_.settle().ok());
  world_.files.set_capacity(uint64_t{1} << 40);
  pass(Duration::seconds(2));
  EXPECT_TRUE(world_.journal->inlet().admit(100).now);
}

TEST_F(JournalRetention, AGroupThatIsTooFarBehindClosesTheDoor) {
  world_.settings.group_max_behind_records["slow"] = 10;
  world_.must_open();
  auto session = join("slow");
  fill(11);
  const auto admission = world_.journal->inlet().admit(100);
  ASSERT_FALSE(admission.now);
  EXPECT_EQ(admission.cause, Cause::exhausted);
  EXPECT_THAT(admission.reason, HasSubstr("slow is 11 messages behind"));
  consume(*session, 5);
  EXPECT_TRUE(world_.journal->inlet().admit(100).now);
}

TEST_F(JournalRetention, UnsyncedBytesAreBounded) {
  world_.settings.max_unsynced_bytes = 10'000;
  world_.must_open();
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    world_.journal->inlet().append({World::entry("t", "k", std::string(1000, 'x'))}, [&](const auto& landed) {
      if (!landed.ok()) {
        EXPECT_EQ(landed.error().cause, Cause::exhausted);
        ++refused;
      }
    });
  }
  EXPECT_GT(refused, 8);
  ASSERT_TRUE(world_.settle().ok());
  EXPECT_TRUE(world_.journal->inlet().admit(1000).now);
}

TEST_F(JournalRetention, WhatTheDoorLetInIsTakenThoughOthersCameBetween) {
  world_.settings.max_unsynced_bytes = 10'000;
  world_.settings.group_max_behind_records["slow"] = 12;
  world_.must_open();
  auto session = join("slow");
  int refused = 0;
  const auto append = [&] {
    const int before = refused;
    world_.journal->inlet().append({World::entry("t", "k", std::string(900, 'x'))},
                                   [&](const auto& landed) { refused += landed.ok() ? 0 : 1; });
    return refused == before;
  };
  int let_in = 0;
  while (world_.journal->inlet().admit(1000).now && let_in < 100) let_in += append() ? 1 : 100;
  ASSERT_LT(let_in, 100);
  EXPECT_TRUE(append()) << "let in before the last one came";
  int more = 0;
  while (append() && more < 100) ++more;
  EXPECT_LT(more, 4) << "the room above is bounded too";
  ASSERT_TRUE(world_.settle().ok());
}

}  // namespace
}  // namespace bonafide::streams::journal
