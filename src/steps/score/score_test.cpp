#include "steps/score/score.hpp"

#include "trust/revise.hpp"
#include "trust/test_steps.hpp"

namespace bonafide::steps {
namespace {

class ScoreTest : public testing::Test {
 protected:
  flow::Delivery enriched(int64_t day, uint16_t attempt) {
    auto received = trust::test::message(story_.acme, day);
    received.id = EventId::make(received.received_at, "abcdefghij");
    auto enrichment = trust::enrich(received, story_.reference);
    auto delivery = story_.delivery(mail::Enriched{std::move(received), std::move(enrichment)});
    delivery.record.attempt = attempt;
    return delivery;
  }
  trust::test::StepStory story_;
  ScoreStep step_{story_.codec(), std::make_shared<trust::Model>(trust::Model::built_in())};
};

TEST_F(ScoreTest, WhatTheDoorTookIsRevisionZeroAndTeaches) {
  const auto before = story_.histories;
  const auto scored = story_.run(step_, enriched(60, 0));
  ASSERT_TRUE(scored.ok() && scored->has_value());
  EXPECT_EQ((*scored)->revision, 0);
  EXPECT_EQ((*scored)->made_by, mail::MadeBy::door);
  EXPECT_NE(story_.histories, before);
}

TEST_F(ScoreTest, ARetryIsTheRevisionOfItsAttemptOnceAndTeachesNothing) {
  const auto first = story_.run(step_, enriched(60, 1));
  ASSERT_TRUE(first.ok() && first->has_value());
  EXPECT_EQ((*first)->revision, 1);
  EXPECT_EQ((*first)->made_by, mail::MadeBy::retry);
  EXPECT_EQ((*first)->taught, "none");
  const auto before = story_.histories;
  const auto again = story_.run(step_, enriched(60, 1));
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->has_value()) << "put back twice";
  EXPECT_EQ(story_.histories, before);
  EXPECT_EQ((*story_.run(step_, enriched(60, 2)))->revision, 2);
  story_.unknown = true;
  EXPECT_EQ(story_.run(step_, enriched(60, 3)).error().cause, Cause::unavailable);
}

TEST_F(ScoreTest, TheFoldPassesOverWhatWasPutBackForASink) {
  HistoryFold fold(story_.codec());
  auto delivery = story_.delivery(story_.came(story_.acme, 60));
  EXPECT_FALSE(fold.deltas(delivery.record)->empty());
  delivery.record.attempt = 1;
  EXPECT_TRUE(fold.deltas(delivery.record)->empty());
}

}  // namespace
}  // namespace bonafide::steps
