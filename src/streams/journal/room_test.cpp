#include <gmock/gmock.h>

#include "streams/journal/test_world.hpp"

// A disk that is full, wherever that meets the journal: nothing acked is lost, nothing stops for good.
namespace bonafide::streams::journal {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t large = uint64_t{1} << 40;

class JournalRoom : public testing::Test {
 protected:
  /// Without zeros written ahead each frame needs room of its own.
  static void start(World& world, uint64_t segment_bytes = 4096) {
    world.settings.segment_bytes = segment_bytes;
    world.settings.min_free_share = 0;
    world.must_open();
  }
  static void pass_seconds(World& world, int seconds) {
    for (int i = 0; i < seconds; ++i) {
      ASSERT_TRUE(world.settle().ok());
      world.clock.advance(Duration::seconds(1));
    }
    ASSERT_TRUE(world.settle().ok());
  }
  static uint64_t used(World& world) {
    const auto space = world.files.space("data/journal").value();
    return space.total_bytes - space.free_bytes;
  }
};

// The end of the room is moved over frames, footers, new segments and the catalogue.
TEST_F(JournalRoom, WhereverItEndsTheSameWritesGoOnWhenThereIsRoom) {
  for (uint64_t room = 0; room < 40'000; room += 997) {
    SCOPED_TRACE(room);
    World world(3, 4096);
    start(world);
    world.put("t", "first");
    world.files.set_capacity(used(world) + room);
    std::vector<std::string> acked, given = {"first"};
    const auto admits = [&] { return world.journal->inlet().admit(100).now; };
    for (int i = 0; i < 200 && admits(); ++i) {
      const std::string value = std::to_string(i) + std::string(300, 'v');
      world.append({World::entry("t", "key", value)}, &acked);
      given.push_back(value);
      pass_seconds(world, i % 5 == 0 ? 1 : 0);
    }
    ASSERT_FALSE(admits()) << "the disk never became full";
    const auto admission = world.journal->inlet().admit(100);
    EXPECT_EQ(admission.cause, Cause::unavailable);
    EXPECT_THAT(admission.reason, HasSubstr("the disk is full"));
    pass_seconds(world, 5);
    world.files.set_capacity(large);
    pass_seconds(world, 2);
    EXPECT_TRUE(admits()) << "without a restart";
    EXPECT_EQ(acked.size() + 1, given.size()) << "whoever waited is told";
    EXPECT_EQ(world.values("t"), given) << "once, in order";
    world.put("t", "last");
    given.emplace_back("last");
    const auto verified = world.journal->verify();
    EXPECT_THAT(verified->damages, IsEmpty());
    ASSERT_TRUE(world.journal->close().ok());
    world.must_open();
    EXPECT_THAT(world.journal->opened().damages, IsEmpty());
    EXPECT_EQ(world.values("t"), given);
  }
}

TEST_F(JournalRoom, NothingAckedIsLostWhenThePowerGoesMeanwhile) {
  for (uint64_t room = 0; room < 20'000; room += 1499) {
    SCOPED_TRACE(room);
    World world(room + 1, 4096);
    start(world);
    std::vector<std::string> acked;
    world.append({World::entry("t", "key", "first")}, &acked);
    pass_seconds(world, 1);
    world.files.set_capacity(used(world) + room);
    for (int i = 0; i < 200 && world.journal->inlet().admit(100).now; ++i) {
      world.append({World::entry("t", "key", std::to_string(i) + std::string(300, 'v'))}, &acked);
      ASSERT_TRUE(world.settle().ok());
    }
    world.journal.reset();
    world.files.crash();
    world.files.set_capacity(large);
    world.must_open();
    EXPECT_THAT(world.journal->opened().damages, IsEmpty());
    const auto there = world.values("t");
    ASSERT_GE(there.size(), acked.size());
    for (size_t i = 0; i < acked.size(); ++i) EXPECT_EQ(there[i], acked[i]);
  }
}

TEST_F(JournalRoom, AStopOnAFullDiskSaysWhatIsLost) {
  World world(3, 4096);
  start(world);
  world.put("t", "first");
  world.files.set_capacity(used(world));
  std::vector<std::string> acked;
  world.append({World::entry("t", "key", std::string(300'000, 'v'))}, &acked);
  const Status closed = world.journal->close();
  ASSERT_FALSE(closed.ok());
  EXPECT_EQ(closed.error().cause, Cause::exhausted);
  EXPECT_THAT(closed.error().message, HasSubstr("the disk is full"));
  EXPECT_THAT(acked, IsEmpty());
}

// A second is long for a fast writer: what is to stay free for the steps stays free.
TEST_F(JournalRoom, TheDoorClosesBeforeAFastWriterHasTakenTheStepsRoom) {
  World world(3);
  world.settings.min_free_bytes = uint64_t{1} << 20;
  start(world, 64 << 10);
  world.files.set_capacity(used(world) + (uint64_t{2} << 20));
  pass_seconds(world, 2);
  int taken = 0;
  for (; taken < 10'000 && world.journal->inlet().admit(4000).now; ++taken) {
    world.append({World::entry("t", "key", std::string(4000, 'v'))});
    ASSERT_TRUE(world.journal->flusher().step().ok());
    world.clock.advance(Duration::millis(1));
  }
  EXPECT_GT(taken, 100);
  EXPECT_GT(world.files.space("data/journal")->free_bytes, uint64_t{3} << 18);
}

// What is written ahead is there when nothing else is.
TEST_F(JournalRoom, StepsWaitAndSinksGoOn) {
  World world(3);
  world.settings.min_free_bytes = uint64_t{1} << 20;
  start(world, 64 << 10);
  world.put("in", "1");
  auto step = world.journal->join({"step", {"in"}, flow::Visibility::written, nullptr}).value();
  auto sink = world.journal->join({"sink", {"in"}, flow::Visibility::synced, nullptr}).value();
  world.files.set_capacity(used(world) + (uint64_t{1} << 19));
  pass_seconds(world, 3);
  EXPECT_FALSE(world.journal->inlet().admit(10).now);
  EXPECT_EQ(step->read(flow::Lane::live, 0, 10)->size(), 0U) << "there is room for what was accepted";
  world.files.set_capacity(used(world) + (uint64_t{1} << 16));
  pass_seconds(world, 3);
  const auto waits = step->read(flow::Lane::live, 10, 1 << 20);
  ASSERT_FALSE(waits.ok());
  EXPECT_EQ(waits.error().cause, Cause::exhausted);
  const auto read = sink->read(flow::Lane::live, 10, 1 << 20).value();
  ASSERT_EQ(read.size(), 1U);
  auto transaction = sink->begin();
  transaction->consumed(read[0].shard, read[0].position);
  EXPECT_EQ(transaction->commit()->poll(), flow::Fate::done);
  pass_seconds(world, 1);
  EXPECT_GE(world.journal->synced({"in", flow::Lane::live, 0}).value(), read[0].position);
  world.files.set_capacity(large);
  pass_seconds(world, 2);
  EXPECT_EQ(step->read(flow::Lane::live, 10, 1 << 20)->size(), 1U);
  EXPECT_TRUE(world.journal->inlet().admit(10).now);
}

}  // namespace
}  // namespace bonafide::streams::journal
