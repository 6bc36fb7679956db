#include "app/status_screen.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/demo/terminal.hpp"

namespace bonafide::app {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string worker(const std::string& name, int parked = 0) {
  return R"({"name":")" + name + R"(","doing":"idle","in":1234567,"out":1234567,"in_per_second":812.5,)" +
         R"("out_per_second":812.5,"lag_seconds":{"p50":0.0081,"p90":0.0124,"p99":0.061,"count":8125},)" +
         R"("parked":)" + std::to_string(parked) + R"(,"not_yet_durable":7,"oldest_seconds":0.2})";
}

std::string status(bool ok = true, const std::string& problems = "", int workers = 9) {
  std::string text =
      R"({"ok":)" + std::string(ok ? "true" : "false") +
      R"(,"running":true,"since":"2026-11-26T15:00:00Z","now":"2026-11-26T15:20:00.5Z",)"
      R"("backlog_records":3,"parked":0,"problems":[)" +
      problems +
      R"(],"messages_per_second":{"in":800,"scored":800,"stored":800,"over_seconds":60},)"
      R"("lag_seconds":{"p50":0.008,"p90":0.01,"p99":0.03,"count":99},)"
      R"("recent":{"messages_per_second":{"in":812.5,"scored":812.5,"stored":812.5,"over_seconds":10},)"
      R"("lag_seconds":{"p50":0.0081,"p90":0.0124,"p99":0.031,"count":8125},)"
      R"("verdicts":{"trusted":900,"suspicious":75,"untrusted":25},"slowest":"w1"},"workers":[)";
  for (int i = 0; i < workers; ++i)
    text += (i == 0 ? "" : ",") + worker("w" + std::to_string(i), i == 2 ? 1 : 0);
  return text + "]}";
}

TEST(StatusView, SaysFirstWhetherAllIsWell) {
  const auto well = status_view(status(), {});
  ASSERT_TRUE(well.ok());
  EXPECT_TRUE(well->ok);
  EXPECT_EQ(well->lines[0], "All is well");
  EXPECT_LT(well->lines.size(), 24U);
  const auto bad = status_view(status(false, R"("door: full","3 messages are parked; see")"), {});
  EXPECT_FALSE(bad->ok);
  EXPECT_EQ(bad->lines[0], "NOT all is well: door: full");
  EXPECT_EQ(bad->lines[1], "  also: 3 messages are parked; see");
}

TEST(TopView, FitsIntoAnyTerminal) {
  for (const auto& [columns, rows] : {std::pair(80, 24), {40, 10}, {200, 60}, {1, 1}, {20, 3}}) {
    const auto view = top_view(status(), {columns, rows, false}, "data");
    ASSERT_TRUE(view.ok());
    EXPECT_LE(view->lines.size(), static_cast<size_t>(std::max(rows - 1, 1)));
    for (const auto& line : view->lines) EXPECT_LE(demo::display_width(line), columns) << line;
  }
}

TEST(TopView, ShowsWhatMattersInEightyColumns) {
  const auto view = top_view(status(), {80, 24, false}, "data");
  const std::string text = testing::PrintToString(view->lines);
  EXPECT_EQ(view->lines[1], "All is well");
  for (const char* wanted :
       {"812.5 in, 812.5 scored, 812.5 stored",
        "a minute    1000: trusted 90.0%, suspicious 7.5%, untrusted 2.5%",
        "p50 8.1 ms, p90 12 ms, p99 31 ms", "w1, done p99 61 ms", "3 messages, 0 parked", "w8 "})
    EXPECT_THAT(text, HasSubstr(wanted));
  EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << "no colour";
}

TEST(TopView, ColoursWhatStandsOut) {
  const auto view = top_view(status(), {80, 24, true}, "data");
  const std::string text = testing::PrintToString(view->lines);
  EXPECT_THAT(view->lines[1], StartsWith("\x1b[1;32mAll is well"));
  EXPECT_THAT(view->lines[11], StartsWith("\x1b[33mw1"));
  EXPECT_THAT(view->lines[12], StartsWith("\x1b[1;31mw2")) << "something is parked";
}

TEST(TopView, ANothingThatIsKnownIsSaidSo) {
  const std::string empty =
      R"({"ok":true,"running":true,"since":"","now":"","backlog_records":0,"parked":0,"problems":[],"recent":)"
      R"({"messages_per_second":{"over_seconds":0},"lag_seconds":{"count":0},"verdicts":{}},"workers":[]})";
  const auto view = top_view(empty, {}, "data");
  ASSERT_TRUE(view.ok()) << view.error().message;
  EXPECT_THAT(testing::PrintToString(view->lines), HasSubstr("nothing is known yet"));
}

TEST(TopView, WhatIsNoStatusIsAnError) {
  for (const char* text : {"", "null", "{}", R"({"ok":1})", "<html>"})
    EXPECT_FALSE(top_view(text, {}, "").ok());
}

}  // namespace
}  // namespace bonafide::app
