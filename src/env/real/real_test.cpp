#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "env/real/clock.hpp"
#include "env/real/files.hpp"
#include "env/real/folder_lock.hpp"
#include "env/real/loop_thread.hpp"
#include "env/real/random.hpp"
#include "env/real/signals.hpp"

namespace bonafide::env {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Real : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "bonafide_real_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] static unsigned mode_of(const std::string& path) {
    struct stat info {};
    ::stat(path.c_str(), &info);
    return info.st_mode & 0777;
  }
  std::string folder_;
  RealFiles files_;
  RealClock clock_;
};

TEST_F(Real, BytesComeBackAndReadsEndAtTheEndOfTheFile) {
  auto file = files_.open(folder_ + "/a", Open::create_new);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->write_at(3, "hello").ok());
  ASSERT_TRUE((*file)->sync_data().ok());
  EXPECT_EQ(*(*file)->size(), 8U);
  EXPECT_EQ(*(*file)->read_at(0, 100), std::string("\0\0\0hello", 8));
  EXPECT_EQ(*(*file)->read_at(8, 10), "");
  ASSERT_TRUE((*file)->truncate(4).ok());
  EXPECT_EQ(*files_.read_file(folder_ + "/a"), std::string("\0\0\0h", 4));
}

TEST_F(Real, ZerosReplaceWhatStoodThereAndNothingElse) {
  // Whole blocks may go past the system's cache, the ends do not: both kinds, on a disk and in memory.
  for (const std::string& folder : {folder_, std::string("/dev/shm")}) {
    const std::string path = folder + "/bonafide_zeros_" + std::to_string(::getpid());
    auto file = files_.open(path, Open::create_new);
    ASSERT_TRUE(file.ok()) << file.error().message;
    std::string expected(900'000, 'x');
    ASSERT_TRUE((*file)->write_at(0, expected).ok());
    for (const auto& [offset, count] : {std::pair<size_t, size_t>{0, 4096},
                                        {4095, 2},
                                        {10'000, 600'000},
                                        {700'001, 100},
                                        {899'000, 50'000}}) {
      ASSERT_TRUE((*file)->write_zeros(offset, count).ok());
      expected.resize(std::max(expected.size(), offset + count));
      expected.replace(offset, count, count, '\0');
    }
    ASSERT_TRUE((*file)->write_at(20'000, "frame").ok());
    expected.replace(20'000, 5, "frame");
    EXPECT_TRUE(*files_.read_file(path) == expected);
    ASSERT_TRUE(files_.remove(path).ok());
  }
}

TEST_F(Real, NewFilesAndFoldersArePrivate) {
  ASSERT_TRUE(files_.make_folders(folder_ + "/x/y/z").ok());
  ASSERT_TRUE(files_.make_folders(folder_ + "/x/y/z/").ok()) << "again is fine";
  ASSERT_TRUE(files_.write_file(folder_ + "/x/y/z/f", "1").ok());
  EXPECT_EQ(mode_of(folder_ + "/x"), 0700U);
  EXPECT_EQ(mode_of(folder_ + "/x/y/z"), 0700U);
  EXPECT_EQ(mode_of(folder_ + "/x/y/z/f"), 0600U);
}

TEST_F(Real, ErrorsTellWhatAndWhere) {
  const auto missing = files_.open(folder_ + "/none", Open::read);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().cause, Cause::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr(folder_ + "/none"));
  ASSERT_TRUE(files_.write_file(folder_ + "/f", "1").ok());
  EXPECT_EQ(files_.open(folder_ + "/f", Open::create_new).error().cause, Cause::conflict);
  EXPECT_EQ(files_.make_folders(folder_ + "/f").error().cause, Cause::conflict);
}

TEST_F(Real, ListsRenamesAndRemoves) {
  ASSERT_TRUE(files_.write_file(folder_ + "/b", "old").ok());
  ASSERT_TRUE(files_.write_file(folder_ + "/a", "new").ok());
  EXPECT_THAT(*files_.list(folder_), ElementsAre("a", "b"));
  ASSERT_TRUE(files_.rename(folder_ + "/a", folder_ + "/b").ok());
  EXPECT_EQ(*files_.read_file(folder_ + "/b"), "new");
  ASSERT_TRUE(files_.remove(folder_ + "/b").ok());
  ASSERT_TRUE(files_.sync_folder(folder_).ok());
  EXPECT_FALSE(*files_.exists(folder_ + "/b"));
  EXPECT_GT(files_.space(folder_)->total_bytes, 0U);
}

TEST_F(Real, AFolderHasOneHolderAndTheErrorNamesIt) {
  auto lock = FolderLock::take(folder_);
  ASSERT_TRUE(lock.ok());
  const auto second = FolderLock::take(folder_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().cause, Cause::conflict);
  EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(::getpid())));
  lock->reset();
  EXPECT_TRUE(FolderLock::take(folder_).ok());
}

TEST_F(Real, ALockDiesWithItsProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FolderLock::take(folder_);
    ::_exit(lock.ok() ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(FolderLock::take(folder_).ok());
}

TEST_F(Real, TheSteadyClockDoesNotGoBack) {
  const Time first = clock_.steady();
  EXPECT_LE(first, clock_.steady());
  EXPECT_GT(clock_.now(), Time::from_seconds(1'700'000'000));
}

TEST_F(Real, RandomNumbersDiffer) {
  RealRandom a, b;
  std::set<uint64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert({a.next(), b.next()});
  EXPECT_EQ(seen.size(), 400U);
}

TEST_F(Real, AThreadStepsWhileThereIsWorkThenSleepsUntilWoken) {
  std::atomic<int> work{3}, steps{0};
  LoopThread thread("test", clock_, [](const std::string&, const Error&) { FAIL(); });
  thread.add({"count",
              [&]() -> Result<bool> {
                ++steps;
                return work > 0 ? (--work, true) : false;
              },
              nullptr});
  thread.start();
  while (work > 0 || thread.busy()) std::this_thread::yield();
  work = 2;
  thread.wake().wake();
  while (work > 0) std::this_thread::yield();
  thread.stop();
  EXPECT_LE(steps, 8) << "it must not turn in circles while idle";
}

TEST_F(Real, ADueJobIsSteppedWithoutAWake) {
  std::atomic<int> steps{0};
  LoopThread thread("test", clock_, [](const std::string&, const Error&) { FAIL(); });
  thread.add({"tick", [&]() -> Result<bool> { return (++steps, false); },
              [&] { return clock_.steady() + Duration::millis(2); }});
  thread.start();
  while (steps < 3) std::this_thread::yield();
  thread.stop();
}

TEST_F(Real, AFailedStepIsFatalOnce) {
  std::atomic<int> told{0};
  LoopThread thread("test", clock_, [&](const std::string& job, const Error& error) {
    EXPECT_EQ(job, "disk");
    EXPECT_EQ(error.message, "gone");
    ++told;
  });
  thread.add({"disk", []() -> Result<bool> { return Error{Cause::internal, "gone"}; }, nullptr});
  thread.start();
  while (told == 0) std::this_thread::yield();
  thread.wake().wake();
  thread.stop();
  EXPECT_EQ(told, 1);
}

TEST_F(Real, ALongStepShows) {
  std::atomic<bool> go_on{false};
  LoopThread thread("test", clock_, [](const std::string&, const Error&) {});
  thread.add({"slow",
              [&]() -> Result<bool> {
                while (!go_on) std::this_thread::yield();
                return false;
              },
              nullptr});
  thread.start();
  std::optional<LoopThread::Busy> busy;
  while (!busy || busy->since < Duration::millis(1)) busy = thread.busy();
  EXPECT_EQ(busy->job, "slow");
  go_on = true;
  thread.stop();
  EXPECT_FALSE(thread.busy());
}

TEST_F(Real, ASignalBecomesAWake) {
  EventWake wake;
  const StopSignals signals(wake);
  EXPECT_FALSE(StopSignals::caught());
  ::raise(SIGTERM);
  wake.wait(std::nullopt);
  EXPECT_EQ(StopSignals::caught(), SIGTERM);
}

}  // namespace
}  // namespace bonafide::env
