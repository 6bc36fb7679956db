#include "app/demo/scoreboard.hpp"

#include <gtest/gtest.h>

namespace bonafide::app::demo {
namespace {

using mail::Verdict;

EventId id_of(int n) {
  std::string tail(10, '\0');
  tail[9] = static_cast<char>(n);
  tail[8] = static_cast<char>(n >> 8);
  return EventId::make(Time::from_seconds(1'000'000), tail);
}

TEST(Scoreboard, counts_precision_and_recall) {
  Scoreboard board;
  const Label ham{false, "partner"};
  const Label attack{true, "blind_spoof"};
  int n = 0;
  const auto one = [&](const Label& label, Verdict verdict) {
    board.sent(id_of(n), label);
    const Label* back = board.fell(id_of(n++), verdict, Duration::millis(5));
    ASSERT_NE(back, nullptr);
    EXPECT_EQ(back->attack, label.attack);
    EXPECT_EQ(back->scenario, label.scenario);
  };
  for (int i = 0; i < 3; ++i) one(attack, Verdict::untrusted);
  one(attack, Verdict::suspicious);
  one(ham, Verdict::untrusted);
  one(ham, Verdict::suspicious);
  for (int i = 0; i < 4; ++i) one(ham, Verdict::trusted);
  EXPECT_DOUBLE_EQ(board.total().precision(), 0.75);
  EXPECT_DOUBLE_EQ(board.total().recall(), 0.75);
  EXPECT_DOUBLE_EQ(board.total().precision_not_trusted(), 4.0 / 6);
  EXPECT_DOUBLE_EQ(board.total().recall_not_trusted(), 1.0);
  EXPECT_EQ(board.scenarios().at("partner").ham_not_trusted, 2);
  EXPECT_EQ(board.scenarios().at("blind_spoof").attacks_untrusted, 3);
  EXPECT_EQ(board.verdicts(), 10);
}

TEST(Scoreboard, a_verdict_may_fall_before_its_label_is_told) {
  Scoreboard board;
  EXPECT_EQ(board.fell(id_of(1), Verdict::untrusted, Duration::millis(1)), nullptr);
  EXPECT_EQ(board.open(), 1U);
  EXPECT_EQ(board.total().attacks, 0);
  board.sent(id_of(1), {true, "display_name"});
  EXPECT_EQ(board.total().attacks_untrusted, 1);
  EXPECT_EQ(board.open(), 0U);
}

TEST(Scoreboard, the_weeks_of_learning_are_not_counted) {
  Scoreboard board;
  board.sent(id_of(1), {false, "partner", true});
  EXPECT_NE(board.fell(id_of(1), Verdict::untrusted, Duration::millis(1)), nullptr);
  board.sent(id_of(2), {true, "blind_spoof"});
  board.fell(id_of(2), Verdict::untrusted, Duration::millis(1));
  EXPECT_EQ(board.verdicts(), 2);
  EXPECT_EQ(board.total().ham, 0);
  EXPECT_DOUBLE_EQ(board.total().precision(), 1);
}

TEST(Scoreboard, nothing_yet_is_not_zero_percent) {
  const Scoreboard board;
  EXPECT_LT(board.total().precision(), 0);
  EXPECT_LT(board.total().recall(), 0);
}

TEST(Scoreboard, the_summary_is_of_the_last_stretch_and_of_all) {
  Scoreboard board;
  const Time start = Time::from_seconds(1000);
  (void)board.summary(start);
  for (int i = 0; i < 120; ++i) {
    board.sent(id_of(i), {i % 60 == 0, i % 60 == 0 ? "blind_spoof" : "partner"});
    board.fell(id_of(i),
               i == 60  ? Verdict::suspicious
               : i == 0 ? Verdict::untrusted
                        : Verdict::trusted,
               Duration::millis(i + 1));
  }
  EXPECT_EQ(board.summary(start + Duration::seconds(60)),
            "-- 120 verdicts, 2.0/s; latency p50 60, p99 120, p99.9 121 ms; 2 attacks, 1 untrusted, 2 not "
            "trusted; ham untrusted 0 of "
            "118 | after the weeks of learning 120: precision 100.0 %, recall 50.0 % (not trusted: 100.0 %, "
            "100.0 %)");
  EXPECT_EQ(
      board.summary(start + Duration::seconds(120)),
      "-- 0 verdicts, 0.0/s; latency p50 0.0, p99 0.0, p99.9 0.0 ms; 0 attacks, 0 untrusted, 0 not "
      "trusted; ham untrusted 0 of 0 "
      "| after the weeks of learning 120: precision 100.0 %, recall 50.0 % (not trusted: 100.0 %, 100.0 %)");
  EXPECT_NE(board.table().find("blind_spoof"), std::string::npos);
}

TEST(LatencyHistogram, percentiles_are_close_over_many_sizes) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.percentile(500), Duration{});
  for (int64_t us = 1; us <= 100'000; ++us) histogram.add(Duration::micros(us));
  for (const int permille : {1, 10, 500, 990, 999}) {
    const double exact = 100.0 * permille;
    const auto found = static_cast<double>(histogram.percentile(permille).us);
    EXPECT_GE(found, exact * 0.999) << permille;
    EXPECT_LE(found, exact * 1.02) << permille;
  }
  histogram.add(Duration::micros(-5));
  histogram.add(Duration::days(4000));
  EXPECT_EQ(histogram.count(), 100'002);
  EXPECT_GT(histogram.percentile(1000), Duration::hours(1));
}

}  // namespace
}  // namespace bonafide::app::demo
