#include "app/rates.hpp"

#include <gtest/gtest.h>

namespace bonafide::app {
namespace {

Time second(int64_t number) { return Time::from_seconds(1000 + number); }

TEST(Rates, NothingIsKnownBeforeTheSecondSample) {
  Rates rates;
  EXPECT_EQ(rates.per_second().over, Duration{});
  rates.sample(second(0), {5, 5, 5});
  EXPECT_EQ(rates.per_second().over, Duration{});
  EXPECT_EQ(rates.per_second().in, 0);
}

TEST(Rates, CountsFromTheFirstSampleOn) {
  Rates rates;
  rates.sample(second(0), {100, 100, 100});
  rates.sample(second(10), {200, 150, 100});
  EXPECT_DOUBLE_EQ(rates.per_second().in, 10);
  EXPECT_DOUBLE_EQ(rates.per_second().scored, 5);
  EXPECT_DOUBLE_EQ(rates.per_second().stored, 0);
  EXPECT_EQ(rates.per_second().over, Duration::seconds(10));
}

TEST(Rates, ForgetsWhatWasMoreThanAMinuteAgo) {
  Rates rates;
  uint64_t total = 0;
  for (int i = 0; i <= 600; ++i) rates.sample(second(i), {total += i < 540 ? 1000 : 3, 0, 0});
  EXPECT_DOUBLE_EQ(rates.per_second().in, 3);
  EXPECT_EQ(rates.per_second().over, Duration::minutes(1));
}

TEST(Rates, AfterAPauseTheWindowIsAsLongAsThePause) {
  Rates rates;
  rates.sample(second(0), {0, 0, 0});
  rates.sample(second(1), {10, 0, 0});
  rates.sample(second(1001), {510, 0, 0});
  EXPECT_EQ(rates.per_second().over, Duration::seconds(1000));
  EXPECT_DOUBLE_EQ(rates.per_second().in, 0.5);
}

}  // namespace
}  // namespace bonafide::app
