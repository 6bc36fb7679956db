#include <gtest/gtest.h>

#include "env/random.hpp"
#include "flow/state.hpp"

namespace bonafide::flow {
namespace {

std::string encoded(const History& history) {
  std::string out;
  history.encode(out);
  return out;
}

TEST(History, CountsPerFieldAndBucket) {
  History history;
  history.add({"dexample.org", 20, 2});
  history.add({"dexample.org", 18, 1});
  history.add({"dexample.org", 20, 3});
  history.add({"h10", 20, 1});
  ASSERT_NE(history.find("dexample.org"), nullptr);
  EXPECT_EQ(history.find("dexample.org")->buckets, (Buckets{{18, 1}, {20, 5}}));
  EXPECT_EQ(history.find("dexample.org")->total(), 6);
  EXPECT_EQ(history.find("dexample"), nullptr);
  EXPECT_EQ(history.group('d').size(), 1U);
  EXPECT_EQ(history.group('x').size(), 0U);
}

TEST(History, AFieldWithoutAGroupIsIgnored) {
  History history;
  history.add({"", 1, 1});
  EXPECT_TRUE(history.empty());
}

TEST(History, TheOldestThenSmallestFieldOfAFullGroupIsFoldedIntoOther) {
  History history;
  for (int i = 0; i < 64; ++i)
    history.add({"d" + std::to_string(100 + i), i == 7 || i == 9 ? 1 : 5, i == 7 ? 2 : 1});
  history.add({"eunrelated", 0, 1});
  EXPECT_EQ(history.find("d"), nullptr) << "64 fields fit";
  history.add({"dnew", 6, 1});
  EXPECT_EQ(history.find("d109"), nullptr) << "as old as d107 but smaller";
  ASSERT_NE(history.find("d"), nullptr);
  EXPECT_EQ(history.find("d")->buckets, (Buckets{{1, 1}}));
  EXPECT_EQ(history.group('d').front().name, "d") << "other comes first";
  history.add({"dnewer", 6, 1});
  EXPECT_EQ(history.find("d")->buckets, (Buckets{{1, 3}}));
  history.add({"dlate", 2, 1});
  EXPECT_EQ(history.find("dlate"), nullptr) << "a late newcomer may itself be the oldest";
  EXPECT_EQ(history.find("d")->total(), 4);
  EXPECT_NE(history.find("eunrelated"), nullptr) << "other groups keep their fields";
}

TEST(History, PastTheBucketLimitTheOldestIsAddedToTheNext) {
  History history;
  for (int32_t day = 0; day < 33; ++day) history.add({"x", day, 1});
  const auto& buckets = history.find("x")->buckets;
  ASSERT_EQ(buckets.size(), History::max_buckets);
  EXPECT_EQ(buckets[0], (History::Bucket{1, 2}));
  history.add({"x", -5, 10});
  EXPECT_EQ(history.find("x")->buckets[0], (History::Bucket{1, 12}));
  EXPECT_EQ(history.find("x")->total(), 43);
}

TEST(History, NothingIsLostAndBoundsHoldWhateverComes) {
  env::SeededRandom random(11);
  History history;
  int64_t sum = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string field(1, static_cast<char>('a' + random.below(3)));
    const auto n = static_cast<int64_t>(random.below(5));
    history.add({field + std::to_string(random.below(200)), static_cast<int32_t>(random.below(100)) - 50, n});
    sum += n;
  }
  int64_t counted = 0;
  for (const auto& field : history.fields()) {
    counted += field.total();
    EXPECT_LE(field.buckets.size(), History::max_buckets);
  }
  EXPECT_EQ(counted, sum);
  for (const char group : {'a', 'b', 'c'}) EXPECT_LE(history.group(group).size(), History::max_fields + 1);
  EXPECT_EQ(History::decode(encoded(history)).value(), history);
}

TEST(History, EncodingIsExact) {
  History history;
  EXPECT_EQ(History::decode(encoded(history)).value(), history);
  history.add({std::string("a\0b", 3), INT32_MIN, INT64_MIN});
  history.add({std::string("a\0b", 3), INT32_MAX, INT64_MAX});
  history.add({"\xFF", 0, -1});
  EXPECT_EQ(History::decode(encoded(history)).value(), history);
}

TEST(History, DamagedBytesGiveAnErrorNeverMore) {
  History history;
  for (int i = 0; i < 10; ++i) history.add({"field" + std::to_string(i), i, i});
  const std::string good = encoded(history);
  for (size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_EQ(History::decode(good.substr(0, cut)).error().cause, Cause::damaged) << cut;
  }
  EXPECT_FALSE(History::decode(good + "x").ok());
  EXPECT_FALSE(History::decode("\x01\xff\xff\xff\xff\xff\xff\xff\xff\x01").ok());
  EXPECT_FALSE(History::decode("\x02").ok()) << "a newer version";
  env::SeededRandom random(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = good;
    bad[random.below(bad.size())] ^= static_cast<char>(1 + random.below(255));
    if (const auto read = History::decode(bad); read.ok()) {
      EXPECT_EQ(History::decode(encoded(*read)).value(), *read);
    }
  }
}

}  // namespace
}  // namespace bonafide::flow
