#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "env/random.hpp"
#include "flow/processor.hpp"

/// The suite every flow::Sink passes. To hold a sink to it:
///
///     #include "flow/contract/sink_contract.hpp"
///     INSTANTIATE_TEST_SUITE_P(Rows, SinkContract, testing::Values(SinkCase{"sqlite", make_harness}),
///     sink_case_name);
///
/// in namespace bonafide::flow::contract of a *_test.cpp.
namespace bonafide::flow::contract {

class SinkHarness {
 public:
  virtual ~SinkHarness() = default;
  virtual Sink& sink() = 0;
  /// Power cut and restart: what was not durable may be gone; sink() is a new object or as good as one.
  virtual void crash() = 0;
  /// A record whose effect can be found again under the name `id` (letters and digits).
  virtual Record record(const std::string& id) = 0;
  /// The names of all effects that are there, as often as they are there.
  virtual std::multiset<std::string> effects() = 0;
  /// A record that the sink can never apply; nothing if there is none.
  virtual std::optional<Record> poison() { return std::nullopt; }
  /// A moment of the steady clock, later with each call.
  virtual Time later() { return steady_ = steady_ + Duration::seconds(30); }

 private:
  Time steady_;
};

struct SinkCase {
  std::string name;
  std::function<std::unique_ptr<SinkHarness>()> make;
};
inline std::string sink_case_name(const testing::TestParamInfo<SinkCase>& info) { return info.param.name; }
inline void PrintTo(const SinkCase& sink_case, std::ostream* out) { *out << sink_case.name; }

class SinkContract : public testing::TestWithParam<SinkCase> {
 protected:
  void SetUp() override { harness_ = GetParam().make(); }
  SinkHarness& harness() { return *harness_; }
  Sink& sink() { return harness_->sink(); }

  static ShardId shard(uint32_t number = 0) { return {"in", Lane::live, number}; }
  static std::string id(uint64_t position, uint32_t number = 0) {
    return "s" + std::to_string(number) + "p" + std::to_string(position);
  }
  /// The records of (after, upto] of a shard; positions are not dense: record i is at 10 * i.
  std::vector<Delivery> deliveries(uint64_t after, uint64_t upto, uint32_t number = 0) {
    std::vector<Delivery> out;
    for (uint64_t i = after + 1; i <= upto; ++i) {
      out.push_back({shard(number), Position::of(10 * i), harness().record(id(i, number))});
    }
    return out;
  }
  static Stretch stretch(uint64_t after, uint64_t upto, uint32_t number = 0) {
    return {shard(number), Position::of(10 * after), Position::of(10 * upto)};
  }
  Applied apply(uint64_t after, uint64_t upto, uint32_t number = 0) {
    size_t poison = 0;
    const auto applied = sink().apply(deliveries(after, upto, number), stretch(after, upto, number), &poison);
    EXPECT_TRUE(applied.ok()) << applied.error().message;
    return applied.value_or(Applied::already);
  }
  void drain() { EXPECT_TRUE(sink().settle(harness().later(), true).ok()); }
  uint64_t applied(uint32_t number = 0) { return sink().applied(shard(number)).value().major() / 10; }
  std::multiset<std::string> ids(uint64_t upto, uint32_t number = 0) {
    std::multiset<std::string> out;
    for (uint64_t i = 1; i <= upto; ++i) out.insert(id(i, number));
    return out;
  }

 private:
  std::unique_ptr<SinkHarness> harness_;
};

TEST_P(SinkContract, NothingIsAppliedAtFirst) {
  EXPECT_EQ(sink().applied(shard()).value(), Position{});
  EXPECT_TRUE(harness().effects().empty());
  drain();
}

TEST_P(SinkContract, WhatIsDrainedIsThereAndSurvives) {
  EXPECT_EQ(apply(0, 3), Applied::now);
  EXPECT_EQ(apply(3, 7), Applied::now);
  drain();
  EXPECT_EQ(applied(), 7U);
  harness().crash();
  EXPECT_EQ(applied(), 7U);
  EXPECT_EQ(harness().effects(), ids(7));
}

TEST_P(SinkContract, AStretchThatComesAgainIsAppliedOnce) {
  EXPECT_EQ(apply(0, 4), Applied::now);
  drain();
  EXPECT_EQ(apply(0, 4), Applied::already);
  EXPECT_EQ(apply(1, 3), Applied::already);
  drain();
  EXPECT_EQ(harness().effects(), ids(4));
}

TEST_P(SinkContract, ShardsHaveTheirOwnProgress) {
  apply(0, 2, 0);
  apply(0, 5, 1);
  drain();
  EXPECT_EQ(applied(0), 2U);
  EXPECT_EQ(applied(1), 5U);
  EXPECT_EQ(applied(2), 0U);
  auto all = ids(2, 0);
  all.merge(ids(5, 1));
  EXPECT_EQ(harness().effects(), all);
}

TEST_P(SinkContract, ACrashLosesNoMoreThanAppliedSays) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SetUp();
    env::SeededRandom random(seed);
    std::map<uint32_t, uint64_t> at;
    for (int step = 0; step < 60; ++step) {
      const auto number = static_cast<uint32_t>(random.below(2));
      const uint64_t upto = at[number] + 1 + random.below(5);
      EXPECT_EQ(apply(at[number], upto, number), Applied::now);
      at[number] = upto;
      EXPECT_LE(applied(number), upto);
      if (random.below(5) == 0) {
        EXPECT_TRUE(sink().settle(harness().later(), false).ok());
      }
      if (random.below(9) == 0) {
        std::map<uint32_t, uint64_t> promised;
        for (const auto& [n, upto_now] : at) promised[n] = applied(n);
        harness().crash();
        for (auto& [n, upto_now] : at) {
          EXPECT_GE(applied(n), promised[n]);
          upto_now = applied(n);  // what a worker does: go on from there
        }
      }
    }
    drain();
    auto all = ids(at[0], 0);
    all.merge(ids(at[1], 1));
    EXPECT_EQ(harness().effects(), all) << "seed " << seed;
  }
}

TEST_P(SinkContract, ThePoisonIsNamedAndTheOthersComeAgain) {
  const auto bad = harness().poison();
  if (!bad) GTEST_SKIP() << "nothing poisons this sink";
  auto batch = deliveries(0, 5);
  batch[3].record = *bad;
  size_t poison = 99;
  const auto refused = sink().apply(batch, stretch(0, 5), &poison);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().cause, Cause::invalid);
  EXPECT_EQ(poison, 3U);
  batch.erase(batch.begin() + 3);
  const auto again = sink().apply(batch, stretch(0, 5), &poison);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(*again, Applied::now) << "a refused stretch has left nothing behind";
  drain();
  EXPECT_EQ(applied(), 5U);
  EXPECT_EQ(harness().effects(), (std::multiset<std::string>{id(1), id(2), id(3), id(5)}));
}

TEST_P(SinkContract, AStretchMayHoldNoRecords) {
  size_t poison = 0;
  apply(0, 2);
  ASSERT_TRUE(sink().apply({}, stretch(2, 4), &poison).ok());
  drain();
  EXPECT_EQ(applied(), 4U);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SinkContract);

}  // namespace bonafide::flow::contract
