#include <set>

#include <gmock/gmock.h>

#include "streams/journal/test_world.hpp"

namespace bonafide::streams::journal {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* folder = "data/journal/";

/// A small closed journal of several segments: topics, a group with progress, records in memory nowhere.
std::unique_ptr<World> small_journal(int count = 24, size_t size = 200) {
  auto world = std::make_unique<World>(3, 4096);
  world->must_open();
  auto session = world->journal->join({"group", {"in"}, flow::Visibility::written, nullptr});
  for (int i = 0; i < count; ++i) {
    world->put("in", "in" + std::to_string(i) + std::string(size + static_cast<size_t>(i), 'i'));
    const auto read = (*session)->read(flow::Lane::live, 10, 1 << 20);
    auto transaction = (*session)->begin();
    for (const auto& delivery : *read) {
      transaction->append(World::entry("out", "k", "out" + std::string(delivery.record.value.view())));
      transaction->consumed(delivery.shard, delivery.position);
    }
    transaction->commit();
  }
  session->reset();
  EXPECT_TRUE(world->settle().ok());
  EXPECT_TRUE(world->journal->close().ok());
  world->journal.reset();
  return world;
}

std::map<std::string, std::string> bytes_of(World& world) { return world.files.durable(); }

/// Puts a file back as it was.
void restore(World& world, const std::string& path, const std::string& bytes) {
  const auto file = world.files.open(path, env::Open::read_write);
  ASSERT_TRUE((*file)->truncate(bytes.size()).ok());
  ASSERT_TRUE((*file)->write_at(0, bytes).ok());
  ASSERT_TRUE((*file)->sync_all().ok());
}

/// The journal as one more process sees it, without changing it.
struct Look {
  Opened opened;
  Verified verified;
  std::vector<std::string> in, out;
};
Look look(World& world) {
  Look look;
  world.settings.read_only = true;
  const Status opened = world.open();
  EXPECT_TRUE(opened.ok()) << opened.error().message;
  if (!opened.ok()) return look;
  look.opened = world.journal->opened();
  look.verified = *world.journal->verify();
  look.in = world.values("in");
  look.out = world.values("out");
  world.journal.reset();
  return look;
}

TEST(JournalDamage, EveryFlippedByteIsNamedAndNothingFalseIsServed) {
  const auto world = small_journal(8, 30);
  const auto files = bytes_of(*world);
  const Look whole = look(*world);
  ASSERT_THAT(whole.verified.damages, IsEmpty());
  ASSERT_THAT(whole.opened.damages, IsEmpty());
  ASSERT_THAT(whole.in, SizeIs(8));
  ASSERT_GE(files.size(), 3U) << "a sealed segment, one being written, the catalogue";
  const std::set<std::string> true_in(whole.in.begin(), whole.in.end());
  const std::set<std::string> true_out(whole.out.begin(), whole.out.end());
  size_t flipped = 0;
  for (const auto& [path, bytes] : files) {
    // Zeros behind the last frame of the newest segment are not live; neither is the segment prepared next.
    if (path.ends_with("next.prepared")) continue;
    size_t live = bytes.size();
    while (live > 0 && bytes[live - 1] == 0) --live;
    if (live < bytes.size()) live += 8 - live % 8;
    live = std::min(live, bytes.size());
    for (size_t at = 0; at < live; ++at) {
      ASSERT_TRUE(world->files.flip_bit(path, at, static_cast<unsigned>(at % 8)).ok());
      const Look damaged = look(*world);
      EXPECT_GT(damaged.verified.damage_count, 0U) << path << ", byte " << at << " of " << bytes.size();
      const bool named = std::ranges::any_of(damaged.verified.damages, [&](const Damage& damage) {
        return damage.file == path && damage.byte <= at &&
               (damage.bytes == 0 || at < damage.byte + damage.bytes);
      });
      EXPECT_TRUE(named) << path << ", byte " << at << ": " << damaged.verified.damages.front().text();
      for (const auto& value : damaged.in) {
        EXPECT_TRUE(true_in.contains(value) || value.starts_with('!')) << "served: " << value;
      }
      for (const auto& value : damaged.out) EXPECT_TRUE(true_out.contains(value) || value.starts_with('!'));
      ASSERT_TRUE(world->files.flip_bit(path, at, static_cast<unsigned>(at % 8)).ok());
      ++flipped;
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(flipped, 3000U);
  EXPECT_THAT(look(*world).verified.damages, IsEmpty()) << "all put back";
}

TEST(JournalDamage, ADamagedRecordIsNamedAndItsNeighboursAreServed) {
  const auto world = small_journal();
  const Look whole = look(*world);
  const auto files = bytes_of(*world);
  // The value of "in7" begins with these bytes; only its own frame has them without "out" in front.
  for (const auto& [path, bytes] : files) {
    for (size_t at = bytes.find("in7i"); at != std::string::npos; at = bytes.find("in7i", at + 1)) {
      if (at >= 3 && bytes.substr(at - 3, 3) == "out") continue;
      ASSERT_TRUE(world->files.flip_bit(path, at + 5, 0).ok());
    }
  }
  const Look damaged = look(*world);
  ASSERT_EQ(damaged.verified.damage_count, 1U);
  const Damage& damage = damaged.verified.damages.front();
  EXPECT_EQ(damage.shard, (flow::ShardId{"in", flow::Lane::live, 0}));
  EXPECT_EQ(damage.first_offset, 7U);
  EXPECT_EQ(damage.next_offset, 8U);
  EXPECT_TRUE(damage.position.has_value());
  EXPECT_EQ(damaged.out, whole.out);
  auto expected = whole.in;
  expected[7] = damaged.in[7];
  EXPECT_EQ(damaged.in, expected) << "all others";
  EXPECT_THAT(damaged.in[7], HasSubstr("in/live/0, offset 7"));
}

TEST(JournalDamage, AWipedStretchIsNamedWithTheRecordsItHeld) {
  const auto world = small_journal();
  const auto files = bytes_of(*world);
  const auto segment = std::next(files.begin(), 1);
  std::string wiped = segment->second;
  wiped.replace(600, 1200, std::string(1200, '\xAA'));
  restore(*world, segment->first, wiped);
  const Look damaged = look(*world);
  uint64_t lost = 0;
  for (const auto& damage : damaged.verified.damages) {
    EXPECT_EQ(damage.file, segment->first);
    if (damage.shard && damage.shard->topic == "in") lost += damage.next_offset - damage.first_offset;
  }
  size_t served = 0, errors = 0;
  for (const auto& value : damaged.in) (value.starts_with('!') ? errors : served) += 1;
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(served + lost, 24U);
  EXPECT_GT(errors, 0U);
}

TEST(JournalDamage, ATornTailIsCutAtEveryByte) {
  World world;
  world.must_open();
  world.put("t", "synced");
  const auto before = bytes_of(world);
  world.put("t", std::string(100, 'x'));
  const auto after = bytes_of(world);
  world.journal.reset();
  const std::string path = std::string(folder) + "0000000000000000.segment";
  size_t live = after.at(path).size();
  while (live > 0 && after.at(path)[live - 1] == 0) --live;
  size_t began = 0;
  while (before.at(path)[began] == after.at(path)[began]) ++began;
  for (size_t cut = began; cut < live; ++cut) {
    std::string torn = after.at(path).substr(0, cut) + std::string(after.at(path).size() - cut, '\0');
    restore(world, path, torn);
    if (*world.files.exists(std::string(folder) + "catalogue")) {
      ASSERT_TRUE(world.files.remove(std::string(folder) + "catalogue").ok());
    }
    ASSERT_TRUE(world.open().ok());
    const auto values = world.values("t");
    ASSERT_THAT(world.journal->opened().damages, IsEmpty()) << "cut at " << cut;
    ASSERT_FALSE(values.empty());
    ASSERT_EQ(values[0], "synced");
    ASSERT_LE(values.size(), 2U);
    world.put("t", "later");
    ASSERT_EQ(world.values("t").back(), "later");
    ASSERT_THAT(world.journal->verify()->damages, IsEmpty()) << "cut at " << cut;
    world.journal.reset();
  }
}

TEST(JournalDamage, TheLastSyncedFrameHasAWitness) {
  World world;
  world.must_open();
  world.put("t", "first");
  world.put("t", "the last one");  // settles until idle, which writes the mark
  const auto files = bytes_of(world);
  world.journal.reset();
  const std::string path = std::string(folder) + "0000000000000000.segment";
  const size_t at = files.at(path).find("the last one");
  ASSERT_NE(at, std::string::npos);
  ASSERT_TRUE(world.files.flip_bit(path, at, 3).ok());
  world.must_open();
  ASSERT_THAT(world.journal->opened().damages, SizeIs(1)) << "damage, not a torn tail";
  EXPECT_EQ(world.journal->opened().torn_bytes, 0U);
  EXPECT_THAT(world.values("t"), ElementsAre("first", HasSubstr("checksum")));
}

TEST(JournalDamage, ARestartNeedsNeitherCatalogueNorFooters) {
  for (const bool without_catalogue : {false, true}) {
    for (const bool without_footers : {false, true}) {
      const auto world = small_journal();
      const Look whole = look(*world);
      if (without_catalogue) {
        ASSERT_TRUE(world->files.remove(std::string(folder) + "catalogue").ok());
      }
      if (without_footers) {
        for (const auto& [path, bytes] : bytes_of(*world)) {
          if (!path.ends_with(".segment")) continue;
          ASSERT_TRUE(world->files.flip_bit(path, bytes.size() - 6, 1).ok());
        }
      }
      const Look again = look(*world);
      EXPECT_EQ(again.in, whole.in);
      EXPECT_EQ(again.out, whole.out);
      world->settings.read_only = false;
      world->must_open();
      auto session = world->journal->join({"group", {"in"}, flow::Visibility::written, nullptr});
      EXPECT_THAT(*(*session)->read(flow::Lane::live, 10, 1 << 20), IsEmpty())
          << "the group's progress is known";
      world->put("in", "more");
      EXPECT_THAT(world->values("in"), Contains("more"));
    }
  }
}

TEST(JournalDamage, OffsetsOfLostRecordsAreNotGivenToNewOnes) {
  // A record's frame is lost, the commit that consumed it is not: the group must still see what comes next.
  World world;
  world.must_open();
  auto session = world.journal->join({"g", {"t"}, flow::Visibility::written, nullptr}).value();
  world.put("t", "lost soon");
  const auto read = session->read(flow::Lane::live, 10, 1 << 20);
  auto transaction = session->begin();
  transaction->consumed(read->front().shard, read->front().position);
  ASSERT_EQ(transaction->commit()->poll(), flow::Fate::done);
  ASSERT_TRUE(world.settle().ok());
  session.reset();
  world.journal.reset();
  const std::string path = std::string(folder) + "0000000000000000.segment";
  const size_t at = bytes_of(world).at(path).find("lost soon");
  ASSERT_TRUE(world.files.flip_bit(path, at - 20, 0).ok());  // in its directory
  world.must_open();
  ASSERT_THAT(world.journal->opened().damages, SizeIs(1));
  session = world.journal->join({"g", {"t"}, flow::Visibility::written, nullptr}).value();
  world.put("t", "new");
  const auto more = session->read(flow::Lane::live, 10, 1 << 20);
  ASSERT_TRUE(more.ok()) << more.error().message;
  ASSERT_THAT(*more, SizeIs(1));
  EXPECT_EQ(more->front().record.value.view(), "new");
}

TEST(JournalDamage, AMissingSegmentIsNamed) {
  for (const size_t which : {0U, 2U}) {
    const auto world = small_journal();
    const auto files = bytes_of(*world);
    const auto segment = std::next(files.begin(), static_cast<long>(which));
    ASSERT_TRUE(world->files.remove(segment->first).ok());
    const Look damaged = look(*world);
    const bool named = std::ranges::any_of(
        damaged.verified.damages, [&](const Damage& damage) { return damage.file == segment->first; });
    EXPECT_TRUE(named) << segment->first;
  }
}

TEST(JournalDamage, ReadingOnlyChangesNothing) {
  const auto world = small_journal();
  const uint64_t before = world->files.changes();
  look(*world);
  EXPECT_EQ(world->files.changes(), before);
}

TEST(JournalDamage, AForeignSegmentIsRefusedByName) {
  const auto world = small_journal();
  World other(9, 4096);
  other.must_open();
  other.put("in", "foreign");
  ASSERT_TRUE(other.journal->close().ok());
  const auto theirs = bytes_of(other).at(std::string(folder) + "0000000000000000.segment");
  restore(*world, std::string(folder) + "0000000000000000.segment", theirs);
  const Look damaged = look(*world);
  EXPECT_GT(damaged.verified.damage_count, 0U);
  EXPECT_THAT(damaged.in, testing::Not(Contains("foreign")));
}

}  // namespace
}  // namespace bonafide::streams::journal
