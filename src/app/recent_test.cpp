#include "app/recent.hpp"

#include <gtest/gtest.h>

namespace bonafide::app {
namespace {

Time second(int64_t number) { return Time::from_seconds(1000 + number); }
Recent::Totals totals(uint64_t count, uint64_t fast = 0, uint64_t slow = 0) {
  Recent::Totals made{{count}, {Buckets{}}};
  made.lags[0][3] = fast;  // up to 0.8 ms
  made.lags[0][10] = slow;
  return made;
}

TEST(Recent, NothingIsKnownBeforeTheSecondSample) {
  Recent recent;
  EXPECT_EQ(recent.last(Recent::window).over, Duration{});
  recent.sample(second(0), totals(5));
  EXPECT_EQ(recent.last(Recent::window).over, Duration{});
  EXPECT_EQ(recent.last(Recent::window).count(0), 0U);
  EXPECT_EQ(recent.last(Recent::window).per_second(0), 0);
  EXPECT_EQ(recent.last(Recent::window).quantile(0, 0.5), Duration{});
}

TEST(Recent, CountsFromTheFirstSampleOn) {
  Recent recent;
  recent.sample(second(0), totals(100));
  recent.sample(second(10), totals(200));
  EXPECT_DOUBLE_EQ(recent.last(Recent::window).per_second(0), 10);
  EXPECT_EQ(recent.last(Recent::window).over, Duration::seconds(10));
}

TEST(Recent, LooksBackAsFarAsItIsAsked) {
  Recent recent;
  uint64_t total = 0;
  for (int i = 0; i <= 600; ++i) recent.sample(second(i), totals(total += i <= 595 ? 3 : 10));
  EXPECT_DOUBLE_EQ(recent.last(Duration::seconds(5)).per_second(0), 10);
  EXPECT_EQ(recent.last(Duration::seconds(5)).over, Duration::seconds(5));
  EXPECT_EQ(recent.last(Recent::window).over, Duration::minutes(1));
  EXPECT_EQ(recent.last(Recent::window).count(0), 55 * 3 + 5 * 10U);
  EXPECT_EQ(recent.last(Duration::hours(1)).over, Duration::minutes(1)) << "no more is kept";
}

TEST(Recent, AfterAPauseTheWindowIsAsLongAsThePause) {
  Recent recent;
  recent.sample(second(0), totals(0));
  recent.sample(second(1), totals(10));
  recent.sample(second(1001), totals(510));
  EXPECT_EQ(recent.last(Recent::window).over, Duration::seconds(1000));
  EXPECT_DOUBLE_EQ(recent.last(Recent::window).per_second(0), 0.5);
}

TEST(Recent, LagsAreThoseOfTheTimeAlone) {
  Recent recent;
  recent.sample(second(0), totals(0, 0, 1000));
  recent.sample(second(1), totals(0, 90, 1000));
  recent.sample(second(2), totals(0, 90, 1010));
  const auto both = recent.last(Duration::seconds(2));
  EXPECT_LE(both.quantile(0, 0.5), Duration::micros(800));
  EXPECT_GT(both.quantile(0, 0.99), Duration::millis(50));
  EXPECT_GT(recent.last(Duration::seconds(1)).quantile(0, 0.01), Duration::millis(50));
}

TEST(Recent, QuantilesAreThoseOfTheHistogram) {
  env::Histogram histogram;
  Buckets buckets{};
  for (int64_t i = 1; i < 500; ++i) histogram.observe(Duration::micros(i * i));
  for (size_t i = 0; i < buckets.size(); ++i) buckets[i] = histogram.bucket(i);
  for (const double q : {0.0, 0.1, 0.5, 0.9, 0.99, 1.0})
    EXPECT_EQ(quantile(buckets, q), histogram.quantile(q));
}

}  // namespace
}  // namespace bonafide::app
