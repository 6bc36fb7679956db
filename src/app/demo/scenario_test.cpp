#include "app/demo/scenario.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "env/sim/files.hpp"

namespace bonafide::app::demo {
namespace {

using testing::HasSubstr;

Result<Settings> read(std::string_view yaml) {
  env::sim::SimFiles files;
  return read_scenario(yaml, "story.yaml", files);
}

TEST(Scenario, AnEmptyOneIsTheUsualCompany) {
  const auto settings = read("version: 1\n");
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(scenario_text(*settings), scenario_text(Settings{}));
}

TEST(Scenario, SaysAllOfThemAndIsReadAgainAsTheSame) {
  const auto settings = read(
      "version: 1\n"
      "company: {seed: 7, people: 80, messages_per_day: 500}\n"
      "attacks: {per_day: 3, quiet: 10d, mix: [hijacked_thread 3, account_takeover]}\n"
      "changes: {every: 2d, kinds: [travel, forwarder]}\n"
      "story:\n"
      "  events:\n"
      "    - day 12 09:30 blind_spoof x20 over 2h\n"
      "    - day 14 provider_move_unsigned\n");
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->seed, 7U);
  EXPECT_EQ(settings->people, 80U);
  EXPECT_EQ(settings->quiet, Duration::days(10));
  ASSERT_EQ(settings->attacks.size(), 2U);
  EXPECT_EQ(settings->attacks[0].weight, 3U);
  EXPECT_EQ(settings->attacks[1].scenario, Scenario::account_takeover);
  ASSERT_EQ(settings->story.size(), 2U);
  EXPECT_EQ(settings->story[0].after, Duration::days(12) + Duration::minutes(9 * 60 + 30));
  EXPECT_EQ(settings->story[0].count, 20U);
  EXPECT_EQ(settings->story[0].over, Duration::hours(2));
  EXPECT_EQ(settings->story[1].what, Scenario::provider_move_unsigned);
  const auto again = read(scenario_text(*settings));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(scenario_text(*again), scenario_text(*settings));
}

TEST(Scenario, EveryMistakeIsNamedWithItsLineAndWhatToDo) {
  const auto settings = read(
      "version: 1\n"
      "company: {peple: 80}\n"
      "attacks: {mix: [blind_spof 4, ticket 2, display_name many]}\n"
      "changes: {every: 1h, kinds: [blind_spoof]}\n"
      "story: {events: [on monday, day 3 25:00 travel, day 4 partner]}\n");
  ASSERT_FALSE(settings.ok());
  const std::string& text = settings.error().message;
  for (const char* expected :
       {"story.yaml:2:11: unknown key \"peple\". Did you mean \"people\"?",
        "\"blind_spof\" is none of them. Did you mean", "\"ticket\" is none of them",
        "the weight is a number", "story.yaml:4", "every: at least 5h", "\"blind_spoof\" is none of them",
        "\"on monday\": expected day N", "\"25:00\" is no time of day", "\"partner\" is none of them"}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
}

TEST(Scenario, WhatIsToldHappensOnItsDayAndNothingElse) {
  auto settings = read(
      "version: 1\n"
      "company: {messages_per_day: 300}\n"
      "attacks: {mix: []}\n"
      "changes: {every: 0s}\n"
      "story: {events: [day 8 09:30 account_takeover x4 over 2h, day 9 hijacked_thread x3, day 10 "
      "same_infrastructure, "
      "day 10 new_colleague]}\n");
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  settings->start = *parse_rfc3339("2026-02-02T00:00:00Z");
  Planner planner(*settings);
  std::map<Scenario, std::vector<Time>> seen;
  Draft draft;
  for (planner.next(draft); draft.at < settings->start + Duration::days(20); planner.next(draft))
    if (is_attack(draft.scenario) || is_change(draft.scenario)) seen[draft.scenario].push_back(draft.at);
  ASSERT_EQ(seen[Scenario::account_takeover].size(), 4U);
  EXPECT_EQ(seen[Scenario::account_takeover][0].seconds(), parse_rfc3339("2026-02-10T09:30:00Z")->seconds());
  EXPECT_EQ(seen[Scenario::account_takeover][3].seconds(), parse_rfc3339("2026-02-10T11:00:00Z")->seconds());
  EXPECT_EQ(seen[Scenario::hijacked_thread].size(), 3U);
  EXPECT_EQ(seen[Scenario::same_infrastructure].size(), 1U);
  EXPECT_FALSE(seen[Scenario::new_colleague].empty());
  seen.erase(Scenario::travel);  // people go on travelling
  EXPECT_EQ(seen.size(), 4U);
}

}  // namespace
}  // namespace bonafide::app::demo
