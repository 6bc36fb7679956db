#include "control/retention/horizons.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "env/sim/files.hpp"

namespace bonafide::control {
namespace {

const Time now = *parse_rfc3339("2026-11-24T10:30:00Z");
Time at(const char* text) { return *parse_rfc3339(text); }

RetentionView view() { return {now, {}}; }

TEST(Decide, KeepsEachStoreForItsOwnTime) {
  const auto next = decide({}, view());
  EXPECT_EQ(next.rows, at("2026-08-26T10:00:00Z")) << "90 days, in whole hours";
  EXPECT_EQ(next.archive, at("2025-10-20T00:00:00Z")) << "400 days, in whole days";
  EXPECT_EQ(next.raw, now) << "nothing is kept";
  EXPECT_EQ(next.parked, next.rows);
  EXPECT_EQ(next.door, next.archive) << "as long as anything is kept";
}

TEST(Decide, ForEverIsForEverAlsoForTheDoorsList) {
  RetentionSettings settings;
  settings.archive = std::nullopt;
  const auto next = decide(settings, view());
  EXPECT_EQ(next.archive, Time{});
  EXPECT_EQ(next.door, Time{});
  EXPECT_GT(next.rows, Time{});
}

TEST(Decide, NeverPassesAReader) {
  RetentionSettings settings;
  settings.rows = settings.archive = settings.raw = settings.parked = Duration::seconds(1);
  auto seen = view();
  seen.under_way = at("2026-11-20T08:15:00Z");
  seen.archive_days = {
      {at("2026-11-19T00:00:00Z").day(), 100}, {seen.under_way.day(), 100}, {now.day(), 100}};
  settings.archive_bytes = 1;
  const auto next = decide(settings, seen);
  EXPECT_EQ(next.rows, seen.under_way);
  EXPECT_EQ(next.raw, seen.under_way);
  EXPECT_EQ(next.archive, at("2026-11-20T00:00:00Z"));
  EXPECT_EQ(next.door, next.archive);
}

TEST(Decide, ShortTimesAreNotRounded) {
  RetentionSettings settings;
  settings.rows = Duration::seconds(3);
  EXPECT_EQ(decide(settings, view()).rows, now - Duration::seconds(3));
}

TEST(Decide, TheArchiveIsCutToItsSizeInWholeDaysButNotToday) {
  RetentionSettings settings;
  settings.archive_bytes = 250;
  auto seen = view();
  const int64_t today = now.day();
  seen.archive_days = {{today - 9, 100}, {today - 4, 100}, {today - 2, 100}, {today, 100}};
  EXPECT_EQ(decide(settings, seen).archive, Time{} + Duration::days(today - 3));
  settings.archive_bytes = 400;
  EXPECT_EQ(decide(settings, seen).archive, decide({}, view()).archive) << "it fits: age alone";
  settings.archive_bytes = 1;
  EXPECT_EQ(decide(settings, seen).archive, Time{} + Duration::days(today - 1)) << "today is being written";
}

TEST(Decide, AStoreThatIsTooLargeIsCutToItsSizeButNotPastAReader) {
  auto seen = view();
  seen.rows_fit = at("2026-11-20T08:15:01Z");
  seen.raw_fit = at("2026-11-24T10:30:05Z");
  RetentionSettings settings;
  settings.raw = std::nullopt;
  auto next = decide(settings, seen);
  EXPECT_EQ(next.rows, seen.rows_fit) << "to the instant: it is a size, not an age";
  EXPECT_EQ(next.raw, now) << "not past the clock";
  EXPECT_EQ(next.archive, decide({}, view()).archive);
  EXPECT_LE(next.door, next.rows);
  seen.under_way = at("2026-11-19T00:00:00Z");
  next = decide(settings, seen);
  EXPECT_EQ(next.rows, seen.under_way);
  EXPECT_EQ(next.raw, seen.under_way);
}

// Whatever is set, seen and done before: no horizon goes back, none moves past a reader or the clock, and the
// door's list reaches back as far as every store.
TEST(Decide, HoldsItsPromisesForAnyView) {
  std::mt19937_64 chance(7);
  const auto any = [&](int64_t below) {
    return static_cast<int64_t>(chance() % static_cast<uint64_t>(below));
  };
  const auto keep = [&]() -> std::optional<Duration> {
    if (any(5) == 0) return std::nullopt;
    return Duration::seconds(any(3) == 0 ? any(86'400) : any(500 * 86'400));
  };
  for (int round = 0; round < 2000; ++round) {
    Horizons horizons;
    RetentionView seen = view();
    for (int pass = 0; pass < 6; ++pass) {
      RetentionSettings settings;
      settings.rows = keep(), settings.archive = keep(), settings.raw = keep(), settings.parked = keep();
      settings.archive_bytes = any(3) == 0 ? static_cast<uint64_t>(any(1000)) : 0;
      seen.now = seen.now + Duration::seconds(any(40 * 86'400) - 86'400);  // clocks are set back, too
      seen.under_way = any(2) == 0 ? Time{INT64_MAX} : seen.now - Duration::seconds(any(30 * 86'400));
      seen.archive_days.clear();
      for (int64_t day = seen.now.day() - 450; day <= seen.now.day(); day += 1 + any(60))
        seen.archive_days.emplace_back(day, static_cast<uint64_t>(any(200)));
      seen.rows_fit = any(2) == 0 ? Time{} : seen.now - Duration::seconds(any(60 * 86'400) - 86'400);
      seen.raw_fit = any(2) == 0 ? Time{} : seen.now - Duration::seconds(any(60 * 86'400) - 86'400);
      seen.horizons = horizons;
      const auto next = decide(settings, seen);
      for (const auto one : {&Horizons::rows, &Horizons::archive, &Horizons::raw, &Horizons::door}) {
        ASSERT_GE(next.*one, horizons.*one);
        if (next.*one != horizons.*one) {
          ASSERT_LE(next.*one, seen.under_way);
          ASSERT_LE(next.*one, seen.now);
        }
      }
      ASSERT_LE(next.door, std::min({next.rows, next.archive, next.raw}));
      ASSERT_EQ(next.archive.us % Duration::days(1).us, 0);
      horizons = next;
    }
  }
}

TEST(HorizonsFile, ComesBackAndADamagedOneIsNamed) {
  env::sim::SimFiles disk;
  EXPECT_EQ(read_horizons(disk, "retention").error().cause, Cause::not_found);
  Horizons horizons;
  horizons.rows = now - Duration::millis(1500);
  horizons.archive = at("2025-10-20T00:00:00Z");
  ASSERT_TRUE(write_horizons(disk, "retention", horizons).ok());
  EXPECT_EQ(*read_horizons(disk, "retention"), horizons);
  const size_t size = disk.read_file("retention")->size();
  for (size_t byte = 0; byte < size; ++byte) {
    ASSERT_TRUE(disk.flip_bit("retention", byte, static_cast<unsigned>(byte % 8)).ok());
    const auto read = read_horizons(disk, "retention");
    ASSERT_FALSE(read.ok()) << byte;
    EXPECT_EQ(read.error().cause, Cause::damaged);
    EXPECT_NE(read.error().message.find("retention"), std::string::npos);
    ASSERT_TRUE(disk.flip_bit("retention", byte, static_cast<unsigned>(byte % 8)).ok());
  }
}

}  // namespace
}  // namespace bonafide::control
