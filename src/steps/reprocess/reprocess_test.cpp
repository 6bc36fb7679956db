#include "steps/reprocess/reprocess.hpp"

#include "trust/revise.hpp"
#include "trust/test_steps.hpp"

namespace bonafide::steps {
namespace {

using mail::Again;
using trust::test::elsewhere;

class ReprocessTest : public testing::Test {
 protected:
  mail::Reprocess again(const mail::Scored& row, Again from, int32_t run = 1) {
    return {row.received.id, row.received.tenant, row.received.order_key, run, from,
            Time{},          {story_.framed(row)}};
  }
  Result<std::optional<mail::Scored>> put(const mail::Reprocess& record) {
    return story_.run(step_, story_.delivery(record));
  }
  // Everything but the record of this message.
  std::map<std::string, flow::History> learned(const mail::Scored& row) {
    auto all = story_.histories;
    all.erase(trust::record_key(row.received.tenant, row.received.id));
    return all;
  }
  trust::test::StepStory story_;
  Current<trust::ReferenceData> reference_;
  Current<trust::Directories> directories_;
  std::shared_ptr<trust::Model> model_ = std::make_shared<trust::Model>(trust::Model::built_in());
  ReprocessStep step_{story_.codec(), reference_, directories_, model_};
};

TEST_F(ReprocessTest, FromScoreOnTheEvidenceStaysAndTheModelIsTodays) {
  const auto row = story_.came(elsewhere(story_.acme), 60);
  story_.past(story_.acme, 10, 62);
  model_->id = "another";
  const auto before = learned(row);
  const auto next = put(again(row, Again::score));
  ASSERT_TRUE(next.ok() && next->has_value());
  EXPECT_EQ((*next)->revision, 1);
  EXPECT_EQ((*next)->made_by, mail::MadeBy::reprocess);
  EXPECT_EQ((*next)->run, 1);
  EXPECT_EQ((*next)->score.model, "another");
  EXPECT_EQ((*next)->score.trust, row.score.trust) << "the same evidence and weights";
  EXPECT_FALSE((*next)->basis.has_value());
  EXPECT_EQ(learned(row), before) << "history is not touched";
}

TEST_F(ReprocessTest, FromEnrichOnItIsScoredAsIfItCameNow) {
  const auto row = story_.came(story_.acme, 60);
  ASSERT_EQ(row.score.lesson, "full");
  const auto before = learned(row);
  const auto next = put(again(row, Again::enrich));
  ASSERT_TRUE(next.ok() && next->has_value());
  EXPECT_EQ((*next)->score.trust, row.score.trust) << "nothing came since, and its own lesson does not count";
  EXPECT_EQ((*next)->score.lesson, "full") << "it is no repeat of itself";
  ASSERT_TRUE((*next)->basis.has_value());
  EXPECT_EQ((*next)->basis->evidence.size(), row.score.evidence.size());
  EXPECT_EQ(learned(row), before);
}

TEST_F(ReprocessTest, ARunTakesAMessageOnce) {
  const auto row = story_.came(story_.acme, 60);
  EXPECT_TRUE(put(again(row, Again::score, 1))->has_value());
  EXPECT_FALSE(put(again(row, Again::score, 1))->has_value());
  EXPECT_FALSE(put(again(row, Again::enrich, 1))->has_value());
  const auto second = put(again(row, Again::score, 2));
  ASSERT_TRUE(second->has_value());
  EXPECT_EQ((*second)->revision, 2);
}

TEST_F(ReprocessTest, AJudgementStandsOn) {
  const auto row = story_.came(story_.acme, 60);
  const auto& record = story_.histories[trust::record_key("default", row.received.id)];
  const auto judged = trust::judged(row, trust::MessageRecord::of(record), mail::Judgement::bad,
                                    Time::from_seconds(1'790'000'000));
  story_.learn(judged);
  const auto next = put(again(row, Again::enrich));
  ASSERT_TRUE(next->has_value());
  EXPECT_EQ((*next)->revision, 2);
  EXPECT_EQ((*next)->judgement, mail::Judgement::bad);
  EXPECT_EQ((*next)->judged_at, judged.judged_at);
}

TEST_F(ReprocessTest, WhatCannotBeProcessedIsAnError) {
  const auto row = story_.came(story_.acme, 60);
  auto failed = row;
  failed.failure = "could not be scored";
  EXPECT_EQ(put(again(failed, Again::score)).error().cause, Cause::invalid);
  auto other = again(row, Again::score);
  other.id = EventId{};
  EXPECT_EQ(put(other).error().cause, Cause::invalid);
  auto damaged = again(row, Again::enrich);
  damaged.row.data.resize(damaged.row.data.size() / 2);
  EXPECT_FALSE(put(damaged).ok());
  story_.unknown = true;
  EXPECT_EQ(put(again(row, Again::enrich)).error().cause, Cause::unavailable);
}

}  // namespace
}  // namespace bonafide::steps
