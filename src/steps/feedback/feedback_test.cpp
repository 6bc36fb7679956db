#include "steps/feedback/feedback.hpp"

#include "trust/test_steps.hpp"

namespace bonafide::steps {
namespace {

using mail::Judgement;

class FeedbackTest : public testing::Test {
 protected:
  mail::Feedback on(const mail::Scored& row, Judgement judgement) {
    return {row.received.id,
            row.received.tenant,
            row.received.order_key,
            judgement,
            Time::from_seconds(1'800'000'000 + ++said_),
            {story_.framed(row)}};
  }
  Result<std::optional<mail::Scored>> judge(const mail::Feedback& feedback) {
    return story_.run(step_, story_.delivery(feedback));
  }
  trust::test::StepStory story_;
  FeedbackStep step_{story_.codec()};
  int said_ = 0;
};

TEST_F(FeedbackTest, MakesTheNextRevisionWithTheScoreAsItWas) {
  const auto row = story_.came(story_.acme, 60);
  const auto bad = judge(on(row, Judgement::bad));
  ASSERT_TRUE(bad.ok() && bad->has_value());
  EXPECT_EQ((*bad)->revision, 1);
  EXPECT_EQ((*bad)->made_by, mail::MadeBy::feedback);
  EXPECT_EQ((*bad)->judgement, Judgement::bad);
  EXPECT_EQ((*bad)->judged_at, Time::from_seconds(1'800'000'001));
  EXPECT_EQ((*bad)->score.trust, row.score.trust);
  EXPECT_EQ((*bad)->received.hops.back().hop, "feedback");
  const auto good = judge(on(**bad, Judgement::good));
  ASSERT_TRUE(good.ok() && good->has_value());
  EXPECT_EQ((*good)->revision, 2);
  EXPECT_EQ((*good)->judgement_before, Judgement::bad);
  EXPECT_EQ((*good)->received.hops.size(), (*bad)->received.hops.size()) << "they do not pile up";
}

TEST_F(FeedbackTest, TheSameAgainChangesNothing) {
  const auto row = story_.came(story_.acme, 60);
  const auto feedback = on(row, Judgement::good);
  ASSERT_TRUE(judge(feedback)->has_value());
  const auto before = story_.histories;
  EXPECT_FALSE(judge(feedback)->has_value()) << "the same record";
  EXPECT_FALSE(judge(on(row, Judgement::good))->has_value()) << "said once more, of the row as it was";
  EXPECT_EQ(story_.histories, before);
}

TEST_F(FeedbackTest, WhatCannotBeJudgedIsAnError) {
  const auto row = story_.came(story_.acme, 60);
  auto failed = row;
  failed.failure = "could not be scored";
  EXPECT_EQ(judge(on(failed, Judgement::good)).error().cause, Cause::invalid);
  auto heartbeat = row;
  heartbeat.received.kind = mail::Kind::heartbeat;
  EXPECT_EQ(judge(on(heartbeat, Judgement::good)).error().cause, Cause::invalid);
  EXPECT_EQ(judge(on(row, Judgement::none)).error().cause, Cause::invalid);
  auto other = on(row, Judgement::good);
  other.tenant = "other";
  EXPECT_EQ(judge(other).error().cause, Cause::invalid) << "nobody judges another tenant's mail";
  auto damaged = on(row, Judgement::good);
  damaged.row.data.resize(damaged.row.data.size() / 2);
  EXPECT_FALSE(judge(damaged).ok());
  flow::Delivery nonsense;
  nonsense.record.value = SharedBytes(std::string("nonsense"));
  EXPECT_FALSE(story_.run(step_, nonsense).ok());
  story_.unknown = true;
  EXPECT_EQ(judge(on(row, Judgement::good)).error().cause, Cause::unavailable)
      << "who does not know what stands must not guess";
}

}  // namespace
}  // namespace bonafide::steps
