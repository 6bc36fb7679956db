#include "flow/buckets.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "env/random.hpp"

namespace bonafide::flow {
namespace {

std::vector<Bucket> contents(const Buckets& buckets) { return {buckets.begin(), buckets.end()}; }

TEST(Buckets, DoWhatAVectorDoesAtEverySize) {
  env::SeededRandom random(11);
  for (int round = 0; round < 200; ++round) {
    Buckets buckets;
    std::vector<Bucket> wanted;
    for (int step = 0; step < 60; ++step) {
      if (!wanted.empty() && random.below(4) == 0) {
        buckets.erase(0);
        wanted.erase(wanted.begin());
      } else {
        const size_t place = random.below(wanted.size() + 1);
        const Bucket bucket = {step, round};
        buckets.insert(place, bucket);
        wanted.insert(wanted.begin() + static_cast<ptrdiff_t>(place), bucket);
      }
      ASSERT_EQ(contents(buckets), wanted);
      const Buckets copy = buckets;
      ASSERT_EQ(copy, buckets);
      Buckets from = copy;
      const Buckets moved = std::move(from);
      ASSERT_EQ(moved, buckets);
      Buckets assigned = {{1, 1}, {2, 2}};
      assigned = moved;
      ASSERT_EQ(contents(assigned), wanted);
    }
  }
}

TEST(Buckets, OneStandsInside) {
  const Buckets one = {{7, 1}}, two = {{7, 1}, {8, 1}};
  EXPECT_EQ(one.outside_bytes(), 0U);
  EXPECT_EQ(two.outside_bytes(), 2 * sizeof(Bucket));
}

}  // namespace
}  // namespace bonafide::flow
