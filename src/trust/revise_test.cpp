#include "trust/revise.hpp"

#include <gtest/gtest.h>

#include "trust/learn.hpp"
#include "trust/test_story.hpp"

namespace bonafide::trust {
namespace {

using mail::Judgement;
using mail::MadeBy;
using test::elsewhere;
using test::message;
using test::Sender;
using test::Story;

class ReviseTest : public ::testing::Test {
 protected:
  ReviseTest() {
    test::populate(story);
    story.past(acme, 20);
  }
  // The revision that a judgement makes, as the step makes it.
  mail::Scored judge(Story& in, const mail::Scored& row, Judgement judgement) {
    const auto& history = in.histories[record_key(row.received.tenant, row.received.id)];
    auto next = judged(row, MessageRecord::of(history), judgement, at_ = at_ + Duration::seconds(1));
    in.learn(next);
    return next;
  }
  mail::Scored scored(const Sender& sender, int64_t day) {
    auto received = message(sender, day);
    received.id = EventId::make(received.received_at, std::string(10, static_cast<char>(++ids_)));
    return story.score(std::move(received));
  }
  // Everything but the records of single messages.
  static std::map<std::string, flow::History> learned(const Story& in) {
    std::map<std::string, flow::History> out;
    for (const auto& [key, history] : in.histories) {
      const bool own = key.find(std::string(1, '\0') + static_cast<char>(Kind::message)) != std::string::npos;
      if (!own && !history.empty()) out.emplace(key, history);
    }
    return out;
  }

  Story story;
  Sender acme;
  Time at_ = Time::from_seconds(1'800'000'000);
  int ids_ = 0;
};

TEST_F(ReviseTest, GoodTeachesFullyWhatWasHeldAsUnvouched) {
  const auto row = scored(elsewhere(acme), 60);
  ASSERT_EQ(row.score.lesson, "unvouched");
  Story vouched = story;
  auto as_if = row;
  as_if.score.lesson = "full";
  vouched.learn(as_if);
  story.learn(row);
  ASSERT_NE(learned(story), learned(vouched));
  const auto next = judge(story, row, Judgement::good);
  EXPECT_EQ(learned(story), learned(vouched));
  EXPECT_EQ(next.revision, 1);
  EXPECT_EQ(next.made_by, MadeBy::feedback);
  EXPECT_EQ(next.judgement, Judgement::good);
  EXPECT_EQ(next.score.trust, row.score.trust) << "the score is kept";
  // It is that way from now on.
  EXPECT_EQ(story.score(message(elsewhere(acme), 61)).score.lesson, "full");
}

TEST_F(ReviseTest, BadTakesBackWhatWasTaught) {
  const auto row = scored(acme, 60);
  ASSERT_EQ(row.score.lesson, "full");
  Story held = story;
  auto as_if = row;
  as_if.score.lesson = "unvouched";
  held.learn(as_if);
  story.learn(row);
  judge(story, row, Judgement::bad);
  EXPECT_EQ(learned(story), learned(held));
}

TEST_F(ReviseTest, TheOppositeLeavesWhatItAloneWouldHaveLeft) {
  for (const Sender& sender : {acme, elsewhere(acme)}) {
    const auto row = scored(sender, 60);
    story.learn(row);
    Story alone = story;
    judge(alone, row, Judgement::good);
    const auto bad = judge(story, row, Judgement::bad);
    const auto good = judge(story, bad, Judgement::good);
    EXPECT_EQ(good.revision, 2);
    EXPECT_EQ(learned(story), learned(alone)) << row.score.lesson;
    // And back again.
    Story only_bad = alone;
    judge(only_bad, good, Judgement::bad);
    judge(story, good, Judgement::bad);
    EXPECT_EQ(learned(story), learned(only_bad));
  }
}

TEST_F(ReviseTest, ARecordKnowsTheJudgementThatStandsAndTheNextRevision) {
  const auto row = scored(acme, 60);
  const auto record = [&] {
    return MessageRecord::of(story.histories[record_key(row.received.tenant, row.received.id)]);
  };
  EXPECT_EQ(record().judgement, Judgement::none);
  EXPECT_EQ(record().revisions, 0);
  const auto bad = judge(story, row, Judgement::bad);
  EXPECT_EQ(record().judgement, Judgement::bad);
  EXPECT_EQ(record().judged_at, bad.judged_at);
  // Somebody who still sees the first row judges: the number is the next one all the same.
  const auto good = judge(story, row, Judgement::good);
  EXPECT_EQ(good.revision, 2);
  EXPECT_EQ(good.judgement_before, Judgement::bad);
  EXPECT_EQ(record().judgement, Judgement::good);
  EXPECT_EQ(record().judged_at, good.judged_at);
  EXPECT_EQ(record().revisions, 2);
}

TEST_F(ReviseTest, AReprocessTeachesNothingAndKeepsTheJudgement) {
  const auto row = scored(elsewhere(acme), 60);
  story.learn(row);
  judge(story, row, Judgement::good);
  const auto before = learned(story);
  const auto key = record_key(row.received.tenant, row.received.id);
  for (const auto from : {mail::Again::score, mail::Again::enrich}) {
    const int32_t run = from == mail::Again::score ? 7 : 8;
    EXPECT_FALSE(MessageRecord::of(story.histories[key]).has_run(run));
    std::optional<mail::Enrichment> enrichment;
    if (from == mail::Again::enrich) enrichment = enrich(row.received, story.reference);
    const auto next = renewed(row, MessageRecord::of(story.histories[key]), run, std::move(enrichment));
    story.learn(next);
    EXPECT_EQ(learned(story), before);
    EXPECT_EQ(next.judgement, Judgement::good);
    EXPECT_TRUE(MessageRecord::of(story.histories[key]).has_run(run));
  }
  EXPECT_EQ(MessageRecord::of(story.histories[key]).revisions, 3);
}

TEST_F(ReviseTest, FeedbackAfterAReprocessTakesBackWhatWasTaughtThen) {
  const auto row = scored(acme, 60);
  story.learn(row);
  Story straight = story;
  judge(straight, row, Judgement::bad);
  // Today's reference data and code see somebody else in it.
  const auto key = record_key(row.received.tenant, row.received.id);
  auto again = renewed(row, MessageRecord::of(story.histories[key]), 7, mail::Enrichment());
  again.score.evidence.clear();
  again.score.lesson = "none";
  story.learn(again);
  judge(story, again, Judgement::bad);
  EXPECT_EQ(learned(story), learned(straight));
}

TEST_F(ReviseTest, ARepeatTeachesNothingWhateverItIsCalled) {
  auto first = message(acme, 60, "same");
  story.take(first);
  auto received = message(acme, 61, "same");
  received.id = EventId::make(received.received_at, "abcdefghij");
  const auto repeat = story.score(received);
  ASSERT_EQ(repeat.score.lesson, "none");
  const auto before = learned(story);
  judge(story, repeat, Judgement::good);
  EXPECT_EQ(learned(story), before);
}

TEST_F(ReviseTest, OutboundMailTeachesItsRelationsUnlessItIsBad) {
  auto received = message(acme, 60);
  received.direction = mail::Direction::outbound;
  received.id = EventId::make(received.received_at, "abcdefghij");
  const auto before = learned(story);
  const auto row = story.take(std::move(received));
  const auto after = learned(story);
  ASSERT_NE(after, before);
  const auto bad = judge(story, row, Judgement::bad);
  EXPECT_EQ(learned(story), before);
  judge(story, bad, Judgement::good);
  EXPECT_EQ(learned(story), after);
}

TEST_F(ReviseTest, ARetriedMessageTeachesOnceItIsJudged) {
  auto row = scored(acme, 60);
  row.revision = 1;
  row.made_by = MadeBy::retry;
  row.taught = "none";
  const auto before = learned(story);
  story.learn(row);
  EXPECT_EQ(learned(story), before) << "parked messages teach nothing";
  Story full = story;
  auto as_if = row;
  as_if.revision = 0, as_if.taught.clear();
  full.learn(as_if);
  const auto next = judge(story, row, Judgement::good);
  EXPECT_EQ(next.revision, 2);
  EXPECT_EQ(learned(story), learned(full));
}

TEST_F(ReviseTest, AnswersWithoutItsOwnAreThoseBeforeItCame) {
  const auto row = scored(acme, 60);
  const auto keys = questions({row.received, row.enrichment});
  const auto before = story.answers(keys);
  story.learn(row);
  const auto without = without_own(row, keys, story.answers(keys));
  ASSERT_EQ(without.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(*without[i], *before[i]) << keys[i];
}

}  // namespace
}  // namespace bonafide::trust
