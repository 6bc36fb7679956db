#include "steps/index/query.hpp"

#include <gtest/gtest.h>

#include "steps/index/time_zone.hpp"

namespace bonafide::steps {
namespace {

std::string match_of(std::string_view text) {
  const auto filter = parse_query(text);
  return filter.ok() ? filter->match : "error: " + filter.error().message;
}
std::string error_of(std::string_view text) {
  const auto filter = parse_query(text);
  return filter.ok() ? "none" : filter.error().message;
}

TEST(Query, WordsAndPhrasesMustAllBeThere) {
  EXPECT_EQ(match_of(""), "");
  EXPECT_EQ(match_of("  invoice\tMarch "), "\"invoice\" AND \"March\"");
  EXPECT_EQ(match_of("\"new bank account\" inv*"), "\"new bank account\" AND \"inv\" *");
  EXPECT_EQ(match_of("\"inv*\""), "\"inv*\"") << "in quotes a star is nothing special";
  EXPECT_EQ(match_of("ann@acme.example"), "\"ann@acme.example\"");
}

TEST(Query, FieldsLookIntoOneText) {
  EXPECT_EQ(match_of("from:ann subject:\"your order\" to:bob@corp.example"),
            "{sender} : \"ann\" AND {subject} : \"your order\" AND {recipients} : \"bob@corp.example\"");
  EXPECT_EQ(match_of("FROM:bill*"), "{sender} : \"bill\" *");
  EXPECT_EQ(match_of("file:plan.pdf link:evil.example text:urgent"),
            "{files} : \"plan.pdf\" AND {links} : \"evil.example\" AND {text} : \"urgent\"");
}

TEST(Query, FiltersAreFacts) {
  const auto filter = parse_query(
      "verdict:suspicious,untrusted attack:domain_spoof direction:inbound judgement:good,bad has:attachment "
      "after:2026-01-02 "
      "before:2026-02-01T12:00:00+01:00 domain:ACME.example,bücher.example");
  ASSERT_TRUE(filter.ok()) << filter.error().message;
  EXPECT_EQ(filter->verdicts & 7, 0b110U);
  EXPECT_EQ(filter->attacks & 0xFF, 0b10U);
  EXPECT_EQ(filter->directions & 7, 1U);
  EXPECT_EQ(filter->judgements & 7, 0b110U);
  EXPECT_TRUE(filter->attachment);
  EXPECT_EQ(*filter->from, *parse_rfc3339("2026-01-02T00:00:00Z"));
  EXPECT_EQ(*filter->to, *parse_rfc3339("2026-02-01T11:00:00Z"));
  EXPECT_EQ(filter->domains, (std::vector<std::string>{"acme.example", "xn--bcher-kva.example"}));
  EXPECT_EQ(filter->match, "({sender} : \"acme.example\" OR {sender} : \"xn--bcher-kva.example\")");
}

TEST(Query, WhatIsWrongIsToldWithItsPlaceAndWhatToWrite) {
  EXPECT_EQ(error_of("invoice form:ann"),
            "query, position 9: there is no field \"form\"; do you mean from:?");
  EXPECT_EQ(error_of("überweisung \"new bank"),
            "query, position 13: this quotation mark is not closed: put another at the end");
  EXPECT_EQ(error_of("verdict:suspicous"),
            "query, position 9: there is no verdict \"suspicous\"; do you mean suspicious?");
  EXPECT_EQ(error_of("after:yesterday"),
            "query, position 7: \"yesterday\" is no day and no time: write "
            "2026-01-31 or 2026-01-31T08:30:00Z");
  EXPECT_EQ(error_of("a OR b").substr(0, 38), "query, position 3: OR is not known: al");
  EXPECT_EQ(error_of("a -b").substr(0, 38), "query, position 3: words cannot be lef");
  EXPECT_EQ(error_of("from:"), "query, position 6: nothing stands behind from:");
  EXPECT_EQ(error_of("!!!"), "query, position 1: there is no word in it: write letters or digits");
  EXPECT_EQ(error_of("has:wings"), "query, position 5: has: knows attachment only");
  EXPECT_EQ(error_of("domain:..").substr(0, 30), "query, position 8: \"..\" is no ");
  EXPECT_EQ(error_of("a*b").substr(0, 20), "query, position 1: a");
  EXPECT_NE(error_of(std::string(3000, 'a')), "none");
  EXPECT_NE(error_of("\xC3"), "none");
  std::string many;
  for (int i = 0; i < 100; ++i) many += "w ";
  EXPECT_NE(error_of(many), "none");
}

TEST(Query, NothingOfAQueryReachesTheExpressionAsSyntax) {
  EXPECT_EQ(match_of("a)NEAR(x"), "\"a)NEAR(x\"");
  stores::SearchFilter filter;
  ASSERT_TRUE(require_text(filter, stores::SearchText::sender, "x\" OR y").ok());
  EXPECT_EQ(filter.match, "{sender} : \"x\"\" OR y\"");
}

TEST(TimeZone, HoursAndDaysAreThoseOfTheClockOnTheWall) {
  const auto berlin = TimeZone::find("Europe/Berlin");
  ASSERT_TRUE(berlin.ok());
  EXPECT_EQ(berlin->day(*parse_rfc3339("2026-03-28T22:59:59Z")), "2026-03-28");
  EXPECT_EQ(berlin->day(*parse_rfc3339("2026-03-28T23:00:00Z")), "2026-03-29");
  EXPECT_EQ(berlin->hour(*parse_rfc3339("2026-03-29T00:59:00Z")), "2026-03-29T01:00:00+01:00");
  EXPECT_EQ(berlin->hour(*parse_rfc3339("2026-03-29T01:00:00Z")), "2026-03-29T03:00:00+02:00")
      << "summer time";
  EXPECT_EQ(berlin->hour(*parse_rfc3339("2026-10-25T00:30:00Z")), "2026-10-25T02:00:00+02:00");
  EXPECT_EQ(berlin->hour(*parse_rfc3339("2026-10-25T01:30:00Z")), "2026-10-25T02:00:00+01:00")
      << "the same hour again";
  EXPECT_EQ(TimeZone::find("UTC")->hour(*parse_rfc3339("2026-01-01T05:59:00Z")), "2026-01-01T05:00:00Z");
  EXPECT_EQ(TimeZone::find("Asia/Kathmandu")->hour(*parse_rfc3339("2026-01-01T00:10:00Z")),
            "2026-01-01T05:00:00+05:45");
  EXPECT_EQ(TimeZone::find("America/St_Johns")->day(*parse_rfc3339("2026-01-01T03:00:00Z")), "2025-12-31");
  EXPECT_EQ(TimeZone::find("Europe/Berlni").error().message,
            "there is no time zone \"Europe/Berlni\"; do you mean Europe/Berlin?");
  EXPECT_EQ(TimeZone::find("berlin").error().message,
            "there is no time zone \"berlin\"; do you mean Europe/Berlin?");
  EXPECT_FALSE(TimeZone::find("").ok());
  EXPECT_FALSE(TimeZone::find("GMT+25").ok());
}

}  // namespace
}  // namespace bonafide::steps
