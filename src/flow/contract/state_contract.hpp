#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "env/random.hpp"
#include "flow/state.hpp"

/// The suite every flow::State passes. To hold a state to it:
///
///     #include "flow/contract/state_contract.hpp"
///     INSTANTIATE_TEST_SUITE_P(Memory, StateContract, testing::Values(StateCase{"memory", make_harness}),
///     state_case_name);
///
/// in namespace bonafide::flow::contract of a *_test.cpp.
namespace bonafide::flow::contract {

class StateHarness {
 public:
  virtual ~StateHarness() = default;
  virtual State& state() = 0;
  /// Lets the state do what it has to do by itself (write back, checkpoint, receive answers).
  virtual void settle() {}
  /// Power cut and restart: what was not durable may be gone; state() is a new object or as good as one.
  virtual void crash() = 0;
  /// Until stall(false), the store behind the state does not answer. False: it is inside the process and
  /// always does.
  virtual bool stall(bool) { return false; }
  /// The steady clock of the state, and letting time pass on it.
  virtual Time steady() { return {}; }
  virtual void advance(Duration) {}
};

struct StateCase {
  std::string name;
  std::function<std::unique_ptr<StateHarness>()> make;
};
inline std::string state_case_name(const testing::TestParamInfo<StateCase>& info) { return info.param.name; }
inline void PrintTo(const StateCase& state_case, std::ostream* out) { *out << state_case.name; }

class StateContract : public testing::TestWithParam<StateCase> {
 protected:
  void SetUp() override { harness_ = GetParam().make(); }
  StateHarness& harness() { return *harness_; }
  State& state() { return harness_->state(); }

  static ShardId shard(uint32_t number = 0) { return {"out", Lane::live, number}; }
  static Stretch stretch(uint64_t after, uint64_t upto, uint32_t number = 0) {
    return {shard(number), Position::of(after), Position::of(upto)};
  }
  static Delta delta(const std::string& key, const std::string& field, int32_t bucket = 1, int64_t n = 1) {
    return {key, {{field, bucket, n}}};
  }
  Answers ask(const std::vector<std::string>& keys) {
    std::optional<Answers> got;
    int calls = 0;
    state().ask(keys, harness().steady() + Duration::seconds(60), [&](Answers answers) {
      got = std::move(answers);
      ++calls;
    });
    for (int i = 0; i < 100 && !got; ++i) harness().settle();
    EXPECT_EQ(calls, 1) << "an answer comes exactly once";
    EXPECT_EQ(got.value_or(Answers()).size(), keys.size());
    return got.value_or(Answers(keys.size()));
  }
  History one(const std::string& key) {
    const auto answer = ask({key})[0];
    EXPECT_NE(answer, nullptr) << key;
    return answer ? *answer : History();
  }
  void apply(const Stretch& what, const std::vector<Delta>& deltas, Applied expected = Applied::now) {
    const auto applied = state().apply(what, deltas);
    ASSERT_TRUE(applied.ok()) << applied.error().message;
    EXPECT_EQ(*applied, expected);
  }
  static History of(const std::vector<Increment>& increments) {
    History history;
    for (const auto& increment : increments) history.add(increment);
    return history;
  }

 private:
  std::unique_ptr<StateHarness> harness_;
};

TEST_P(StateContract, NothingIsKnownAtFirst) {
  EXPECT_EQ(state().applied(shard()).value(), Position{});
  EXPECT_EQ(state().durable(shard()).value(), Position{});
  EXPECT_EQ(one("never seen"), History())
      << "unseen is an empty history; null means the store did not answer";
  EXPECT_TRUE(ask({}).empty());
}

TEST_P(StateContract, AnswersComeInTheOrderOfTheKeys) {
  const std::string binary("k\0\xFF", 3), large(3000, 'k');
  apply(stretch(0, 1), {delta("a", "x1"), delta(binary, "x2"), delta(large, "x3"), delta("", "x4")});
  const auto answers = ask({large, "a", "unseen", binary, "a", ""});
  ASSERT_EQ(answers.size(), 6U);
  EXPECT_EQ(*answers[0], of({{"x3", 1, 1}}));
  EXPECT_EQ(*answers[1], of({{"x1", 1, 1}}));
  EXPECT_EQ(*answers[2], History());
  EXPECT_EQ(*answers[3], of({{"x2", 1, 1}}));
  EXPECT_EQ(*answers[4], *answers[1]);
  EXPECT_EQ(*answers[5], of({{"x4", 1, 1}}));
}

TEST_P(StateContract, DeltasAddUp) {
  apply(stretch(0, 3), {delta("k", "a", 5, 2), delta("k", "a", 7), {"k", {{"a", 5, 1}, {"b", 1, -4}}}});
  apply(stretch(3, 4), {delta("k", "a", 5, 10)});
  EXPECT_EQ(one("k"), of({{"a", 5, 13}, {"a", 7, 1}, {"b", 1, -4}}));
}

TEST_P(StateContract, WhatWasAppliedIsNotAppliedAgain) {
  apply(stretch(0, 5), {delta("k", "a")});
  apply(stretch(0, 5), {delta("k", "a")}, Applied::already);
  apply(stretch(2, 4), {delta("k", "a")}, Applied::already);
  EXPECT_EQ(one("k"), of({{"a", 1, 1}}));
  EXPECT_EQ(state().applied(shard()).value(), Position::of(5));
}

TEST_P(StateContract, AGapOrAnOverlapIsAConflictAndChangesNothing) {
  apply(stretch(0, 5), {delta("k", "a")});
  for (const auto& wrong : {stretch(6, 8), stretch(4, 8), stretch(0, 8)}) {
    const auto applied = state().apply(wrong, std::vector{delta("k", "a")});
    ASSERT_FALSE(applied.ok());
    EXPECT_EQ(applied.error().cause, Cause::conflict);
  }
  EXPECT_EQ(one("k"), of({{"a", 1, 1}}));
  EXPECT_EQ(state().applied(shard()).value(), Position::of(5));
  apply(stretch(5, 8), {delta("k", "a")});
}

TEST_P(StateContract, ShardsAreAppliedApart) {
  apply(stretch(0, 5, 0), {delta("k", "a")});
  apply(stretch(0, 3, 1), {delta("k", "a")});
  apply({{"out", Lane::backfill, 0}, {}, Position::of(1, 7)}, {delta("k", "a")});
  EXPECT_EQ(state().applied(shard(0)).value(), Position::of(5));
  EXPECT_EQ(state().applied(shard(1)).value(), Position::of(3));
  EXPECT_EQ(state().applied({"out", Lane::backfill, 0}).value(), Position::of(1, 7));
  EXPECT_EQ(one("k"), of({{"a", 1, 3}}));
}

TEST_P(StateContract, AStretchWithoutDeltasIsProgressToo) {
  apply(stretch(0, 9), {});
  EXPECT_EQ(state().applied(shard()).value(), Position::of(9));
  apply(stretch(9, 10), {delta("k", "a")});
}

TEST_P(StateContract, AnswersAreSnapshots) {
  apply(stretch(0, 1), {delta("k", "a")});
  const auto before = ask({"k"});
  apply(stretch(1, 2), {delta("k", "a"), delta("k", "b")});
  EXPECT_EQ(*before[0], of({{"a", 1, 1}}));
  EXPECT_EQ(one("k"), of({{"a", 1, 2}, {"b", 1, 1}}));
}

TEST_P(StateContract, HistoriesKeepTheirBoundsInTheSameWayEverywhere) {
  env::SeededRandom random(3);
  History expected;
  uint64_t at = 0;
  for (int i = 0; i < 60; ++i) {
    std::vector<Delta> deltas;
    for (int d = 0; d < 40; ++d) {
      deltas.push_back(
          delta("k", "g" + std::to_string(random.below(150)), static_cast<int32_t>(random.below(60))));
      for (const auto& increment : deltas.back().increments) expected.add(increment);
    }
    apply(stretch(at, at + 1), deltas);
    ++at;
    if (i % 20 == 7) harness().settle();
  }
  EXPECT_EQ(one("k"), expected);
}

TEST_P(StateContract, ManyKeysInOneQuestion) {
  std::vector<Delta> deltas;
  std::vector<std::string> keys;
  for (int i = 0; i < 2000; ++i) {
    keys.push_back("key" + std::to_string(i));
    deltas.push_back(delta(keys.back(), "a", 1, i + 1));
  }
  apply(stretch(0, 1), deltas);
  const auto answers = ask(keys);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(answers[static_cast<size_t>(i)]->find("a")->total(), i + 1);
}

// The fold: whatever a crash takes, applying again from applied() on gives what one run without crashes
// gives.
TEST_P(StateContract, ReapplyingAfterACrashGivesTheSameState) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SetUp();
    env::SeededRandom random(seed);
    std::vector<std::vector<Delta>> outputs(120);  // of positions 1, 2, ...
    std::map<std::string, History> expected;
    for (auto& deltas : outputs) {
      for (uint64_t i = random.below(4); i > 0; --i) {
        deltas.push_back(delta("key" + std::to_string(random.below(9)),
                               "g" + std::to_string(random.below(90)),
                               static_cast<int32_t>(random.below(40))));
      }
      for (const auto& d : deltas) {
        for (const auto& increment : d.increments) expected[d.key].add(increment);
      }
    }
    while (state().applied(shard()).value().major() < outputs.size()) {
      const uint64_t at = state().applied(shard()).value().major();
      const uint64_t upto = std::min<uint64_t>(outputs.size(), at + 1 + random.below(7));
      std::vector<Delta> deltas;
      for (uint64_t i = at; i < upto; ++i) deltas.insert(deltas.end(), outputs[i].begin(), outputs[i].end());
      apply(stretch(at, upto), deltas);
      EXPECT_EQ(state().applied(shard()).value(), Position::of(upto));
      const auto dice = random.below(30);
      if (dice < 3) harness().settle();
      if (dice == 29) {
        const Position durable = state().durable(shard()).value();
        EXPECT_LE(durable, Position::of(upto));
        harness().crash();
        EXPECT_GE(state().applied(shard()).value(), durable) << "durable means it survives";
        EXPECT_LE(state().applied(shard()).value(), Position::of(upto));
      }
    }
    for (const auto& [key, history] : expected) EXPECT_EQ(one(key), history) << key << ", seed " << seed;
  }
}

TEST_P(StateContract, WhoDoesNotAnswerInTimeIsUnknown) {
  apply(stretch(0, 1), {delta("k", "a")});
  if (!harness().stall(true)) GTEST_SKIP() << "this state always answers";
  int calls = 0;
  Answers got;
  const std::vector<std::string> keys = {"k", "other"};
  state().ask(keys, harness().steady() + Duration::millis(20), [&](Answers answers) {
    ++calls;
    got = std::move(answers);
  });
  harness().settle();
  harness().advance(Duration::millis(25));
  for (int i = 0; i < 100 && calls == 0; ++i) harness().settle();
  EXPECT_EQ(calls, 1);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0], nullptr);
  harness().stall(false);
  for (int i = 0; i < 10; ++i) harness().settle();
  EXPECT_EQ(calls, 1) << "a late answer is dropped";
  EXPECT_EQ(one("k"), of({{"a", 1, 1}}));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StateContract);

}  // namespace bonafide::flow::contract
