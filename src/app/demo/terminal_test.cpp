#include "app/demo/terminal.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace bonafide::app::demo {
namespace {

VerdictView example() {
  VerdictView view;
  view.at = *parse_rfc3339("2026-03-04T09:08:07Z");
  view.from = "accounts.payable@okonkwofreight.example";
  view.to = "l.brandtner@sannwald.example";
  view.verdict = mail::Verdict::untrusted;
  view.trust = 3.6;
  view.reason = "has always been signed by okonkwofreight.example (41 of 41); this message is not signed";
  view.latency = Duration::micros(4321);
  return view;
}

TEST(VerdictLine, fits_any_terminal) {
  for (int columns = 76; columns < 240; ++columns) {
    const auto line = verdict_line(example(), {true, false, columns});
    EXPECT_LE(display_width(line), columns) << line;
    EXPECT_NE(line.find("untrusted"), std::string::npos);
    EXPECT_NE(line.find("freight.example"), std::string::npos) << line;
  }
}

TEST(VerdictLine, says_all_where_there_is_room) {
  EXPECT_EQ(verdict_line(example(), {false, false, 200}),
            "09:08:07  untrusted    4  accounts.payab…@okonkwofreight.example > l.brandt…@sannwald.example   "
            " 4.3 ms  has always been "
            "signed by okonkwofreight.example (41 of 41); this message is not signed");
}

TEST(VerdictLine, columns_stand_below_each_other) {
  auto other = example();
  other.from = "mi@a.example";
  other.to = "x@y.example";
  other.more_recipients = 3;
  other.verdict = mail::Verdict::trusted;
  other.trust = 100;
  other.latency = Duration::millis(1234);
  const Terminal terminal{true, false, 140};
  const auto a = verdict_line(example(), terminal);
  const auto b = verdict_line(other, terminal);
  const auto column_of = [](const std::string& line, const char* what) {
    return display_width(line.substr(0, line.find(what)));
  };
  EXPECT_EQ(column_of(a, " > "), column_of(b, " > "));
  EXPECT_EQ(column_of(a, " ms"), column_of(b, " ms"));
  EXPECT_NE(b.find("x@y.example +3"), std::string::npos) << b;
}

TEST(VerdictLine, is_coloured_only_where_colours_are) {
  EXPECT_EQ(verdict_line(example(), {true, false, 100}).find('\x1b'), std::string::npos);
  const auto coloured = verdict_line(example(), {true, true, 100});
  EXPECT_NE(coloured.find("\x1b[1;31muntrusted"), std::string::npos);
  EXPECT_EQ(coloured.rfind("\x1b["), coloured.rfind("\x1b[0m"));
}

TEST(VerdictLine, says_where_the_verdict_was_wrong) {
  auto view = example();
  view.attack = false;
  EXPECT_NE(verdict_line(view, {false, false, 140}).find("(false alarm)"), std::string::npos);
  view.attack = true;
  EXPECT_EQ(verdict_line(view, {false, false, 140}).find('('), std::string::npos);
  view.verdict = mail::Verdict::trusted;
  EXPECT_NE(verdict_line(view, {false, false, 140}).find("(missed)"), std::string::npos);
}

TEST(VerdictLine, no_message_can_drive_the_terminal) {
  auto view = example();
  view.from = "a\x1b[2Jb@evil.example";
  view.to = "\xE2\x80\xAEmoc@x.example";
  view.reason =
      "one\r\ntwo\x07\xff\xC2\x9B"
      "31m";
  const auto line = verdict_line(view, {true, false, 120});
  EXPECT_EQ(line.find_first_of("\x1b\r\n\x07"), std::string::npos);
  EXPECT_EQ(line.find("\xE2\x80\xAE"), std::string::npos);
  EXPECT_EQ(line.find("\xC2\x9B"), std::string::npos);
  EXPECT_TRUE(is_utf8(line));
}

TEST(FitAddress, keeps_the_end_of_the_domain) {
  EXPECT_EQ(fit_address("a@b.example", 20), "a@b.example");
  EXPECT_EQ(fit_address("a.very.long.local.part@acme.example", 20), "a.very…@acme.example");
  EXPECT_EQ(fit_address("x@secure.login.acme.example.attacker.test", 16), "…e.attacker.test");
}

TEST(Fit, counts_wide_and_combining_characters) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("日本"), 4);
  EXPECT_EQ(display_width("e\xCC\x81"), 1);
  EXPECT_EQ(display_width(fit("日本語", 4)), 4);
  EXPECT_EQ(fit("ab", 4), "ab  ");
  EXPECT_EQ(fit("abcdef", 4), "abc…");
}

TEST(ProgressBar, is_drawn_again_on_a_terminal) {
  const Time start = Time::from_seconds(10);
  ProgressBar bar({true, false, 100}, "backfill", start);
  EXPECT_EQ(bar.update(1, 100, 10, start + Duration::millis(50)), "");
  const auto text = bar.update(25, 100, 5000, start + Duration::seconds(2));
  EXPECT_TRUE(text.starts_with("\r\x1b[K"));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_NE(text.find(" 25 %  5000 messages, 2500/s, 6 s left"), std::string::npos) << text;
  EXPECT_LE(display_width(text.substr(4)), 99);
  EXPECT_EQ(bar.finish(20'000, start + Duration::seconds(8)),
            "\r\x1b[Kbackfill: 20000 messages in 8.0 s, 2500/s\n");
}

TEST(ProgressBar, is_a_line_now_and_then_elsewhere) {
  const Time start = Time::from_seconds(10);
  ProgressBar bar({false, false, 100}, "backfill", start);
  EXPECT_EQ(bar.update(10, 100, 100, start + Duration::seconds(4)), "");
  EXPECT_EQ(bar.update(50, 100, 600, start + Duration::seconds(6)),
            "backfill  50 %  600 messages, 100/s, 6 s left\n");
  EXPECT_EQ(bar.update(60, 100, 700, start + Duration::seconds(7)), "");
}

}  // namespace
}  // namespace bonafide::app::demo
