#include "env/sim/files.hpp"

#include <gtest/gtest.h>

#include "env/sim/clock.hpp"

namespace bonafide::env::sim {
namespace {

std::unique_ptr<File> create(SimFiles& files, const std::string& path) {
  auto file = files.open(path, Open::create_new);
  EXPECT_TRUE(file.ok());
  return std::move(file).value();
}

TEST(SimFiles, SyncedBytesAndNamesSurviveEveryCrash) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimFiles files(seed);
    ASSERT_TRUE(files.make_folders("data/log").ok());
    auto file = create(files, "data/log/1");
    ASSERT_TRUE(file->write_at(0, std::string(2000, 'a')).ok());
    ASSERT_TRUE(file->sync_data().ok());
    ASSERT_TRUE(files.sync_folder("data/log/").ok());
    ASSERT_TRUE(file->write_at(2000, std::string(2000, 'b')).ok());
    files.crash();
    EXPECT_EQ(file->size().error().cause, Cause::internal) << "a file from before the crash must not work";
    const auto bytes = files.read_file("data/log/1");
    ASSERT_TRUE(bytes.ok());
    EXPECT_EQ(bytes->substr(0, 2000), std::string(2000, 'a'));
  }
}

TEST(SimFiles, UnsyncedBytesAreKeptLostOrTorn) {
  bool kept = false, lost = false, torn = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimFiles files(seed);
    auto file = create(files, "f");
    ASSERT_TRUE(file->sync_all().ok());
    ASSERT_TRUE(files.sync_folder(".").ok());
    const std::string wrote(4096, 'x');
    ASSERT_TRUE(file->write_at(0, wrote).ok());
    EXPECT_EQ(file->read_at(0, 5000).value(), wrote);
    files.crash();
    const auto bytes = files.read_file("f").value();
    if (bytes == wrote) {
      kept = true;
    } else {
      (bytes.find('x') == std::string::npos ? lost : torn) = true;
    }
  }
  EXPECT_TRUE(kept && lost && torn);
}

TEST(SimFiles, NamesAreDurableAfterSyncFolder) {
  bool old_seen = false, new_seen = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimFiles files(seed);
    ASSERT_TRUE(files.write_file("state", "old").ok());
    auto aside = create(files, "aside");
    ASSERT_TRUE(aside->write_at(0, "new").ok());
    ASSERT_TRUE(aside->sync_all().ok());
    ASSERT_TRUE(files.rename("aside", "state").ok());
    files.crash();
    const auto bytes = files.read_file("state").value();
    (bytes == "old" ? old_seen : new_seen) = true;
    EXPECT_TRUE(bytes == "old" || bytes == "new") << bytes;
  }
  EXPECT_TRUE(old_seen && new_seen);
}

TEST(SimFiles, WriteFileIsWholeAtEveryPointOfPowerLoss) {
  for (uint64_t point = 0; point < 12; ++point) {
    SimFiles files(point);
    ASSERT_TRUE(files.write_file("f", std::string(3000, 'o')).ok());
    files.power_off_after(point);
    const bool done = files.write_file("f", std::string(3000, 'n')).ok();
    files.crash();
    const auto bytes = files.read_file("f").value();
    EXPECT_TRUE(bytes == std::string(3000, 'n') || (!done && bytes == std::string(3000, 'o')));
  }
}

TEST(SimFiles, AFailedSyncLosesItsBytesEvenIfTheNextSucceeds) {
  SimFiles files(3);
  auto file = create(files, "f");
  ASSERT_TRUE(files.sync_folder(".").ok());
  ASSERT_TRUE(file->write_at(0, "lost").ok());
  files.inject({Call::sync, "f", 0, 1, {Cause::damaged, "I/O error"}});
  EXPECT_EQ(file->sync_data().error().cause, Cause::damaged);
  EXPECT_TRUE(file->sync_data().ok());
  EXPECT_EQ(file->read_at(0, 10).value(), "lost");
  files.crash();
  EXPECT_EQ(files.read_file("f").value(), "");
}

TEST(SimFiles, FaultsHitTheCallTheyName) {
  SimFiles files;
  auto file = create(files, "1");
  files.inject({Call::read, "1", 1, 2, {Cause::damaged, "bad sector"}});
  EXPECT_TRUE(file->read_at(0, 1).ok());
  EXPECT_FALSE(file->read_at(0, 1).ok());
  EXPECT_FALSE(file->read_at(0, 1).ok());
  EXPECT_TRUE(file->read_at(0, 1).ok());
}

TEST(SimFiles, AFullDiskWritesWhatFits) {
  SimFiles files;
  files.set_capacity(10);
  auto file = create(files, "f");
  EXPECT_EQ(file->write_at(0, "0123456789abc").error().cause, Cause::exhausted);
  EXPECT_EQ(file->size().value(), 10U);
  EXPECT_EQ(files.space("f")->free_bytes, 0U);
  EXPECT_TRUE(file->write_at(2, "xx").ok()) << "overwriting needs no room";
}

TEST(SimFiles, BitFlipsStay) {
  SimFiles files;
  ASSERT_TRUE(files.write_file("f", "abc").ok());
  ASSERT_TRUE(files.flip_bit("f", 1, 0).ok());
  files.crash();
  EXPECT_EQ(files.read_file("f").value(), "acc");
  EXPECT_EQ(files.flip_bit("f", 3, 0).error().cause, Cause::invalid);
}

TEST(SimFiles, ListsEntriesInByteOrder) {
  SimFiles files;
  ASSERT_TRUE(files.make_folders("/d/sub/deep").ok());
  create(files, "/d/b");
  create(files, "/d/a");
  EXPECT_EQ(files.list("/d").value(), (std::vector<std::string>{"a", "b", "sub"}));
  EXPECT_EQ(files.open("/none/x", Open::create_new).error().cause, Cause::not_found);
  EXPECT_EQ(files.remove("/d/sub").error().cause, Cause::conflict);
  EXPECT_TRUE(files.remove("/d/sub/deep").ok());
  EXPECT_EQ(files.open("/d/a", Open::create_new).error().cause, Cause::conflict);
}

TEST(ManualClock, JumpsMoveOnlyTheWallClock) {
  ManualClock clock(Time::from_seconds(100));
  clock.advance(Duration::seconds(2));
  clock.jump_to(Time::from_seconds(50));
  EXPECT_EQ(clock.now(), Time::from_seconds(50));
  EXPECT_EQ(clock.steady(), Time::from_seconds(2));
}

}  // namespace
}  // namespace bonafide::env::sim
