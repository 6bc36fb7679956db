#include <cmath>

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "base/ids.hpp"
#include "base/math.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

namespace bonafide {
namespace {

TEST(Time, Rfc3339RoundTrips) {
  for (const char* text :
       {"2026-01-02T03:04:05Z", "1969-12-31T23:59:59.250Z", "2000-02-29T00:00:00.000001Z"}) {
    EXPECT_EQ(format_rfc3339(*parse_rfc3339(text)), text);
  }
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2026-01-02T03:04:05+02:30")), "2026-01-02T00:34:05Z");
  for (const char* bad :
       {"", "2026-01-02", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05+2"}) {
    EXPECT_FALSE(parse_rfc3339(bad).ok()) << bad;
  }
}

TEST(Time, CountsDaysBeforeTheEpoch) {
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:59:59Z")->day(), -1);
  EXPECT_EQ(parse_rfc3339("2001-06-25T00:00:00Z")->seconds(), 993427200);
}

TEST(Time, Durations) {
  EXPECT_EQ(parse_duration("7d")->us, Duration::days(7).us);
  EXPECT_EQ(format_duration(*parse_duration("90s")), "90s");
  EXPECT_FALSE(parse_duration("7 days").ok());
  EXPECT_FALSE(parse_duration("-1s").ok());
}

TEST(Hash, KnownAnswers) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c("56789", crc32c("1234")), 0xE3069283U);
  EXPECT_EQ(to_hex(view(sha256("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(view(hmac_sha256("Jefe", "what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  Sha256 parts;
  parts.update("a");
  parts.update("bc");
  EXPECT_EQ(parts.finish(), sha256("abc"));
}

TEST(Hash, Hash64NeverChanges) {
  EXPECT_NE(hash64("a"), hash64("b"));
  EXPECT_NE(hash64(std::string(8, '\0')), hash64(std::string(9, '\0')));
  EXPECT_EQ(hash64("bonafide"), hash64(std::string("bonafide")));
}

TEST(Text, Utf8IsCleanedNotTrusted) {
  EXPECT_EQ(clean_text("a\xFF"
                       "b\x01\x1B[31m\r\nc",
                       100),
            "a\xEF\xBF\xBD"
            "b[31m  c");
  EXPECT_EQ(clean_text("\xC3\xA9\xC3\xA9", 3), "\xC3\xA9");
  EXPECT_TRUE(is_utf8("\xF0\x9F\x98\x80"));
  for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82"})
    EXPECT_FALSE(is_utf8(bad));
  EXPECT_EQ(repair_utf8("a\xC3\xA9\xFF\xC3\n"), "a\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\n");
  EXPECT_EQ(cut_utf8("a\xC3\xA9", 2), "a");
}

TEST(Text, DecimalIsShortest) {
  EXPECT_EQ(to_decimal(0.1), "0.1");
  EXPECT_EQ(to_decimal(97.0), "97");
  EXPECT_EQ(*parse_double(to_decimal(1.0 / 3)), 1.0 / 3);
}

TEST(Text, ClosestSuggestsOnlyLikelySlips) {
  EXPECT_EQ(closest("retension", {"retention", "topology"}), "retention");
  EXPECT_EQ(closest("zzz", {"retention", "topology"}), "");
}

TEST(Text, Base64) {
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
}

TEST(EventId, OrderIsTimeOrder) {
  const auto early = EventId::make(Time::from_millis(1'700'000'000'000), "zzzzzzzzzz");
  const auto late = EventId::make(Time::from_millis(1'700'000'000'001), "aaaaaaaaaa");
  EXPECT_LT(early, late);
  EXPECT_EQ(early.accepted_at().millis(), 1'700'000'000'000);
  EXPECT_EQ(*EventId::parse(early.hex()), early);
  EXPECT_FALSE(EventId::parse("xyz").ok());
}

TEST(Math, AgreesWithTheLibraryAndWithItself) {
  for (double x = 1e-9; x < 1e9; x *= 1.37) {
    EXPECT_NEAR(repeatable_log(x), std::log(x), 4e-15 * std::max(1.0, std::abs(std::log(x)))) << x;
  }
  for (double x = -50; x < 50; x += 0.37) {
    EXPECT_NEAR(repeatable_exp(x) / std::exp(x), 1, 4e-15) << x;
  }
  EXPECT_EQ(repeatable_log(1), 0);
  EXPECT_EQ(repeatable_exp(-1e9), 0);
}

}  // namespace
}  // namespace bonafide
