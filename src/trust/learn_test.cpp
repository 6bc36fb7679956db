#include "trust/learn.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "trust/keys.hpp"
#include "trust/reading.hpp"
#include "trust/revise.hpp"
#include "trust/test_story.hpp"

namespace bonafide::trust {
namespace {

using mail::Verdict;
using test::elsewhere;
using test::message;
using test::Sender;
using test::Story;

class LearnTest : public ::testing::Test {
 protected:
  LearnTest() { test::populate(story); }
  Story story;
  Sender acme;
};

TEST_F(LearnTest, AMessageTeachesOnce) {
  story.past(acme, 5);
  EXPECT_EQ(story.take(message(acme, 20, "same")).score.lesson, "full");
  // The same bytes again, to somebody else, a day later.
  auto again = message(acme, 21, "same");
  again.envelope.rcpt_to = {"bob@tenant.example"};
  const auto scored = story.score(again);
  EXPECT_EQ(scored.score.lesson, "none");
  EXPECT_TRUE(deltas(scored).empty());
}

TEST_F(LearnTest, RetriesReprocessedFailedAndHeartbeatEventsTeachNothing) {
  const auto key = record_key("default", {});
  auto scored = story.score(message(acme, 1));
  EXPECT_FALSE(deltas(scored).empty());
  scored.revision = 1;
  for (const auto made_by : {mail::MadeBy::retry, mail::MadeBy::reprocess}) {
    scored.made_by = made_by;
    const auto all = deltas(scored);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all.front().key, key) << "the message's own record, nobody's history";
  }
  scored.revision = 0;
  scored.made_by = mail::MadeBy::door;
  scored.failure = "could not be scored";
  EXPECT_TRUE(deltas(scored).empty());
  scored.failure.clear();
  scored.received.kind = mail::Kind::heartbeat;
  EXPECT_TRUE(deltas(scored).empty());
}

TEST_F(LearnTest, AnAttackerWhoRepeatsForADayGainsNothing) {
  story.past(acme, 20);
  const Sender attacker = elsewhere(acme);
  const double first = story.score(message(attacker, 60)).score.trust;
  for (int i = 0; i < 200; ++i) EXPECT_EQ(story.take(message(attacker, 60)).score.lesson, "unvouched");
  const auto last = story.score(message(attacker, 60));
  EXPECT_EQ(last.score.verdict, Verdict::untrusted);
  EXPECT_LE(last.score.trust, first);
  EXPECT_EQ(story.score(message(acme, 61)).score.verdict, Verdict::trusted);
}

TEST_F(LearnTest, AnUnsignedMoveHealsAfterFiveDaysOverAFortnight) {
  story.past(acme, 20);
  Sender moved = elsewhere(acme);
  moved.spf = "none";
  std::vector<std::string> lessons;
  for (int day = 60; day < 60 + 9 * 4; day += 4)
    lessons.push_back(story.take(message(moved, day)).score.lesson);
  EXPECT_EQ(lessons[0], "unvouched");
  EXPECT_EQ(lessons[4], "unvouched");
  EXPECT_EQ(lessons[5], "address");
  EXPECT_NE(story.score(message(moved, 100)).score.verdict, Verdict::untrusted);
}

TEST_F(LearnTest, AStrangerWhoseMailFailsItsChecksIsNotLearned) {
  Sender stranger = elsewhere(acme);
  stranger.domain = stranger.envelope_domain = "somewhere.example";
  EXPECT_EQ(story.take(message(stranger, 1)).score.lesson, "unvouched");
  stranger.spf = "none";
  EXPECT_EQ(story.take(message(stranger, 1)).score.lesson, "full");
}

TEST_F(LearnTest, TheLessonDoesNotDependOnTheModel) {
  story.past(acme, 20);
  const auto with_built_in = story.score(message(elsewhere(acme), 60, "key"));
  for (auto& regime : story.model.regimes) regime.bias += 100;
  const auto with_trusting = story.score(message(elsewhere(acme), 60, "key"));
  EXPECT_EQ(with_trusting.score.verdict, Verdict::trusted);
  EXPECT_EQ(with_trusting.score.lesson, with_built_in.score.lesson);
  EXPECT_EQ(deltas(with_trusting), deltas(with_built_in));
}

TEST_F(LearnTest, HistoryDoesNotDependOnTheOrderOfItsDeltas) {
  std::vector<flow::Delta> all;
  for (int i = 0; i < 40; ++i) {
    const auto scored = story.take(message(i % 5 == 0 ? elsewhere(acme) : acme, i));
    for (auto& delta : deltas(scored)) all.push_back(std::move(delta));
  }
  std::map<std::string, flow::History> there, back;
  for (const auto& delta : all) {
    for (const auto& increment : delta.increments) there[delta.key].add(increment);
  }
  std::reverse(all.begin(), all.end());
  for (const auto& delta : all) {
    for (const auto& increment : delta.increments) back[delta.key].add(increment);
  }
  // But for the last messages of each address (only the latest are kept), and there are few.
  EXPECT_EQ(there, back);
  Story forwards = story, backwards = story;
  forwards.histories = there;
  backwards.histories = back;
  const auto received = message(acme, 60);
  EXPECT_EQ(forwards.score(received).score.trust, backwards.score(received).score.trust);
}

TEST_F(LearnTest, DeltasFollowFromTheEventAlone) {
  story.past(acme, 3);
  const auto scored = story.score(message(acme, 30));
  const auto once = deltas(scored);
  story.past(acme, 10, 40);
  EXPECT_EQ(deltas(scored), once);
}

TEST_F(LearnTest, TheFirstSightOfAValueIsCountedInThePopulationOnce) {
  story.take(message(acme, 1));
  story.take(message(acme, 3));
  const auto key = history_key("default", Kind::population, "hacme.example");
  ASSERT_TRUE(story.histories.contains(key));
  EXPECT_EQ(story.histories[key].find(count_field)->total(), 1);
}

TEST_F(LearnTest, CountsDecayWithAHalfLifeOf180DaysOfEventTime) {
  EXPECT_EQ(decayed_milli(8, 0), 8000);
  EXPECT_EQ(decayed_milli(8, 180), 4000);
  EXPECT_EQ(decayed_milli(8, 360), 2000);
  EXPECT_EQ(decayed_milli(8, -5), 8000);
  EXPECT_EQ(decayed_milli(8, 100'000), 0);
  EXPECT_GE(decayed_milli(INT64_MAX, 0), 0);
  story.past(acme, 20);
  const auto soon = story.score(message(acme, 60)), late = story.score(message(acme, 60 + 720));
  const auto count = [](const mail::Scored& s) {
    return find(find(s.score.evidence, "address"), "messages")->count;
  };
  EXPECT_NEAR(static_cast<double>(count(late)) / static_cast<double>(count(soon)), 1.0 / 16, 0.01);
}

}  // namespace
}  // namespace bonafide::trust
