#include "env/metrics.hpp"

#include <gtest/gtest.h>

namespace bonafide::env {
namespace {

TEST(Histogram, AClockThatIsSetBackDoesNotMakeTheSumFall) {
  Histogram histogram;
  histogram.observe(Duration::seconds(2));
  histogram.observe(Duration::seconds(-3600));
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(histogram.sum(), Duration::seconds(2));
  EXPECT_EQ(histogram.bucket(0), 1U);
}

}  // namespace
}  // namespace bonafide::env
