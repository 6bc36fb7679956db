#include "flow/batch.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "env/random.hpp"
#include "flow/memory_state.hpp"

namespace bonafide::flow {
namespace {

class Text final : public Payload {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  void encode(std::string& out) const override { out += text_; }

 private:
  std::string text_;
};

std::string text_of(const Record& record) {
  std::string out(record.value.view());
  if (record.payload) record.payload->encode(out);
  return out;
}

/// A step whose doings are drawn from its input: asks, observes, emits, fails and throws, always the same for
/// the same record and answers.
class RandomStep final : public Processor {
 public:
  struct Habits {
    uint64_t salt = 0;
    uint64_t asks = 2, observes = 2, fails_one_in = 8, keys = 4;
  };
  explicit RandomStep(Habits habits) : habits_(habits) {}

  void ask(const Delivery& delivery, Questions& questions) override {
    env::SeededRandom random(seed(delivery));
    for (uint64_t i = habits_.asks == 0 ? 0 : random.below(habits_.asks + 1); i > 0; --i)
      questions.ask(key(random));
  }
  Status process(const Delivery& delivery, const Answers& answers, const Context&, Output& output) override {
    env::SeededRandom random(seed(delivery) ^ 1);
    std::string text = text_of(delivery.record);
    for (const auto& answer : answers) text += answer ? "," + std::to_string(count(*answer)) : ",?";
    const auto dice = habits_.fails_one_in == 0 ? 1 : random.below(habits_.fails_one_in);
    if (dice == 0) {
      output.emit(std::make_shared<Text>("must not count"));
      if (random.below(2) == 0) throw std::runtime_error("thrown");
      return {Cause::invalid, "failed"};
    }
    for (uint64_t i = random.below(8) == 0 ? random.below(3) : 1; i > 0; --i) {
      output.emit(std::make_shared<Text>(text + "/" + std::to_string(i)));
    }
    for (uint64_t i = habits_.observes == 0 ? 0 : random.below(habits_.observes + 1); i > 0; --i) {
      output.observe({key(random), {{"n", 0, 1}}});
    }
    return Ok{};
  }
  void fallback(const Delivery& delivery, const Error& error, const Context&, Output& output) override {
    output.emit(std::make_shared<Text>(text_of(delivery.record) + "!" + error.message));
  }

 private:
  [[nodiscard]] uint64_t seed(const Delivery& delivery) const {
    return hash64(text_of(delivery.record), habits_.salt) | 2;
  }
  std::string key(env::Random& random) const { return "k" + std::to_string(random.below(habits_.keys)); }
  static int64_t count(const History& history) {
    const auto* field = history.find("n");
    return field == nullptr ? 0 : field->total();
  }
  Habits habits_;
};

Delivery delivery(size_t i, const std::string& value) {
  Delivery out;
  out.shard = {"in", Lane::live, 0};
  out.position = Position::of(i + 1);
  out.record.key = SharedBytes(std::string("key"));
  out.record.value = SharedBytes(value);
  return out;
}

constexpr Batch::Limits limits = {1 << 20};

void finish(Batch& batch, State& state, int* round_trips = nullptr) {
  while (const auto* keys = batch.run()) {
    if (round_trips != nullptr) ++*round_trips;
    state.ask(*keys, {}, [&](Answers answers) { batch.answer(std::move(answers)); });
  }
}

/// What came of each record, in words.
std::vector<std::string> words(Batch& batch) {
  std::vector<std::string> out;
  const std::string encoded = batch.take_encoded();
  for (const auto& outcome : batch.outcomes()) {
    std::string text;
    for (const auto& output : outcome.outputs) text += "[" + encoded.substr(output.at, output.size) + "]";
    for (const auto& delta : outcome.deltas) text += " +" + delta.key;
    if (outcome.failure)
      text += " parked by " + std::to_string(outcome.failure->step) + ": " + outcome.failure->error.message;
    out.push_back(text);
  }
  return out;
}

// The promise of Batch: as if one record after the other had gone through the whole chain.
TEST(Batch, EqualsTakingOneRecordAfterTheOther) {
  int restarted_or_not = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    env::SeededRandom random(seed);
    std::vector<NamedProcessor> chain;
    for (uint64_t i = 1 + random.below(3); i > 0; --i) {
      const RandomStep::Habits habits = {random.next(), random.below(3), random.below(3), 4 + random.below(9),
                                         2 + random.below(6)};
      chain.push_back({"step" + std::to_string(i), std::make_unique<RandomStep>(habits)});
    }
    std::vector<Delivery> all;
    for (size_t i = 0; i < 40; ++i) all.push_back(delivery(i, std::to_string(random.below(1000))));

    MemoryState expected_state;
    std::vector<std::string> expected;
    for (size_t i = 0; i < all.size(); ++i) {
      Batch one(chain, {all[i]}, {}, limits, {});
      finish(one, expected_state);
      expected.push_back(words(one)[0]);
      ASSERT_TRUE(
          expected_state.apply({{"out"}, Position::of(i), Position::of(i + 1)}, one.outcomes()[0].deltas)
              .ok());
    }

    // In batches of random size; some are still on their way into the state when the next begins.
    MemoryState state;
    std::vector<std::string> got;
    std::deque<std::vector<Delta>> under_way;
    uint64_t applied = 0;
    for (size_t from = 0; from < all.size();) {
      const size_t upto = std::min(all.size(), from + 1 + random.below(20));
      std::vector<const std::vector<Delta>*> before;
      for (const auto& deltas : under_way) before.push_back(&deltas);
      Batch batch(chain, {all.begin() + static_cast<long>(from), all.begin() + static_cast<long>(upto)}, {},
                  limits, before);
      int round_trips = 0;
      finish(batch, state, &round_trips);
      restarted_or_not += round_trips > static_cast<int>(chain.size()) ? 1 : 0;
      for (auto& text : words(batch)) got.push_back(text);
      for (auto& outcome : batch.outcomes()) under_way.push_back(outcome.deltas);
      while (under_way.size() > random.below(30)) {
        ASSERT_TRUE(
            state.apply({{"out"}, Position::of(applied), Position::of(applied + 1)}, under_way.front()).ok());
        ++applied;
        under_way.pop_front();
      }
      from = upto;
    }
    ASSERT_EQ(got, expected) << "seed " << seed;
  }
  EXPECT_GT(restarted_or_not, 10) << "the chains never contradicted themselves: the test is too tame";
}

TEST(Batch, WhatIsNotAnsweredStaysUnknown) {
  std::vector<NamedProcessor> chain;
  chain.push_back({"score", std::make_unique<RandomStep>(RandomStep::Habits{7, 2, 2, 0, 1})});
  std::vector<Delivery> all;
  for (size_t i = 0; i < 20; ++i) all.push_back(delivery(i, std::to_string(i)));
  Batch batch(chain, all, {}, limits, {});
  while (batch.run() != nullptr) batch.answer({});
  std::string text;
  for (const auto& word : words(batch)) text += word;
  EXPECT_NE(text.find(",?"), std::string::npos);
  EXPECT_EQ(text.find(",1"), std::string::npos) << "observations do not make an unknown history known";
}

class Grow final : public Processor {
 public:
  Status process(const Delivery& delivery, const Answers&, const Context&, Output& output) override {
    output.emit(std::make_shared<Text>(std::string(std::stoul(text_of(delivery.record)), 'x')));
    return Ok{};
  }
  void fallback(const Delivery&, const Error&, const Context&, Output& output) override {
    output.emit(std::make_shared<Text>("cut"));
  }
};

TEST(Batch, AnOutputThatIsTooLargeParksItsRecord) {
  std::vector<NamedProcessor> chain;
  chain.push_back({"grow", std::make_unique<Grow>()});
  Batch batch(chain, {delivery(0, "10"), delivery(1, "98"), delivery(2, "97")}, {}, {100}, {});
  EXPECT_EQ(batch.run(), nullptr);
  EXPECT_FALSE(batch.outcomes()[0].failure);
  ASSERT_TRUE(batch.outcomes()[1].failure) << "98 bytes and a key of 3 are more than 100";
  EXPECT_EQ(batch.outcomes()[1].failure->error.cause, Cause::invalid);
  EXPECT_FALSE(batch.outcomes()[2].failure);
  EXPECT_EQ(words(batch)[1].substr(0, 5), "[cut]");
  EXPECT_EQ(batch.counts()[0].parked, 1U);
  EXPECT_EQ(batch.counts()[0].received, 3U);
}

class Keeper final : public Processor {
 public:
  void ask(const Delivery&, Questions& questions) override { questions.ask("k"); }
  Status process(const Delivery&, const Answers& answers, const Context&, Output& output) override {
    kept.push_back(answers[0]);
    output.emit(std::make_shared<Text>("x"));
    output.observe({"k", {{"n", 0, 1}}});
    return Ok{};
  }
  Answers kept;
};

TEST(Batch, AsksAllQuestionsOfAStepAtOnceAndNeverChangesAnAnswer) {
  auto keeper = std::make_unique<Keeper>();
  auto& kept = keeper->kept;
  std::vector<NamedProcessor> chain;
  chain.push_back({"keep", std::move(keeper)});
  std::vector<Delivery> all;
  for (size_t i = 0; i < 100; ++i) all.push_back(delivery(i, std::to_string(i)));
  MemoryState state;
  Batch batch(chain, all, {}, limits, {});
  int round_trips = 0;
  finish(batch, state, &round_trips);
  EXPECT_EQ(round_trips, 1);
  ASSERT_EQ(kept.size(), 100U);
  EXPECT_TRUE(kept[0]->empty());
  for (size_t i = 1; i < 100; ++i) EXPECT_EQ(kept[i]->find("n")->total(), static_cast<int64_t>(i));
}

}  // namespace
}  // namespace bonafide::flow
