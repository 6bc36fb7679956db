#include "mail/redact.hpp"

#include <gtest/gtest.h>

namespace bonafide::mail {
namespace {

TEST(Redact, CutsLocalPartsToTheirFirstLetter) {
  EXPECT_EQ(redact("ann@acme.example"), "a…@acme.example");
  EXPECT_EQ(redact("Ann <ann.b+list@acme.example>, bob@home.example"),
            "Ann <a…@acme.example>, b…@home.example");
  EXPECT_EQ(redact("no address here"), "no address here");
  EXPECT_EQ(redact("@acme.example"), "@acme.example");
}

TEST(Redact, KnowsQuotedLocalPartsAndLinks) {
  EXPECT_EQ(redact("\"ann of sales\"@acme.example"), "\"a…@acme.example");
  EXPECT_EQ(redact("\"@acme.example"), "\"@acme.example");
  EXPECT_EQ(redact("https://x.example/?to=ann%40acme.example"), "https:/…%40acme.example");
}

TEST(Redact, NeverSplitsACharacter) {
  EXPECT_EQ(redact("jürgen@acme.example"), "j…@acme.example");
  EXPECT_EQ(redact("ürgen@acme.example"), "ü…@acme.example");
  EXPECT_EQ(redact("\xf0\x9f\x98\x80x@acme.example"), "\xf0\x9f\x98\x80…@acme.example");
  EXPECT_EQ(redact("\xf0@acme.example"), "\xf0…@acme.example");
}

}  // namespace
}  // namespace bonafide::mail
