#include "trust/lookalike.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace bonafide::trust {
namespace {

bool meets(std::string_view domain, std::string_view organisation) {
  const auto asked = look_questions(domain), stored = look_index(organisation);
  return std::any_of(asked.begin(), asked.end(), [&](const IndexKey& key) {
    return std::find(stored.begin(), stored.end(), key) != stored.end();
  });
}

TEST(LookalikeTest, WhatLooksTheSameFoldsTogether) {
  EXPECT_EQ(folded_label("paypal"), folded_label("paypa1"));
  EXPECT_EQ(folded_label("paypal"), folded_label("PAYPAI"));
  EXPECT_EQ(folded_label("modern"), folded_label("rnodern"));
  EXPECT_EQ(folded_label("google"), folded_label("g00gle"));
  EXPECT_EQ(folded_label("paypal"), folded_label("\xD1\x80\xD0\xB0y\xD1\x80\xD0\xB0l"));  // Cyrillic er, a
  EXPECT_EQ(folded_label("intel"), folded_label("xn--intl-x4d"));                         // e with dot below
  EXPECT_NE(folded_label("google"), folded_label("goggle"));
}

struct Case {
  const char *domain, *organisation;
  Resemblance resemblance;
};
class LikenessTest : public ::testing::TestWithParam<Case> {};

TEST_P(LikenessTest, IsSeenAndFoundByItsKeys) {
  const auto& [domain, organisation, resemblance] = GetParam();
  EXPECT_EQ(likeness(domain, organisation).resemblance, resemblance) << domain << " " << organisation;
  if (resemblance != Resemblance::none) {
    EXPECT_TRUE(meets(domain, organisation)) << domain << " " << organisation;
  }
}
INSTANTIATE_TEST_SUITE_P(
    Kinds, LikenessTest,
    ::testing::Values(Case{"northwlnd.com", "northwind.com", Resemblance::look},
                      Case{"northwind.co.uk", "northwind.com", Resemblance::look},
                      Case{"north-wind.com", "northwind.com", Resemblance::added_word},
                      Case{"northwind-support.com", "northwind.com", Resemblance::added_word},
                      Case{"my-northwind.net", "northwind.com", Resemblance::added_word},
                      Case{"northwindsupport.com", "northwind.com", Resemblance::added_word},
                      Case{"northwid.com", "northwind.com", Resemblance::typo},
                      Case{"nortwhind.com", "northwind.com", Resemblance::typo},
                      Case{"northwindd.com", "northwind.com", Resemblance::typo},
                      Case{"xorthwind.com", "northwind.com", Resemblance::typo},
                      Case{"northwind.com.secure-mail.net", "northwind.com", Resemblance::sub_domain},
                      Case{"northwind-com.secure-mail.net", "northwind.com", Resemblance::sub_domain},
                      Case{"mail.northwind.com", "northwind.com", Resemblance::none},
                      Case{"southwind.com", "northwind.com", Resemblance::none},
                      Case{"contoso.com", "northwind.com", Resemblance::none}));

TEST(LookalikeTest, ShortNamesNeedAnotherSign) {
  EXPECT_TRUE(likeness("fb.us", "fb.com").short_name);
  EXPECT_TRUE(likeness("arma.com", "arm.com").short_name);
  EXPECT_FALSE(likeness("northwind.us", "northwind.com").short_name);
  EXPECT_TRUE(likeness("kernel.crashing.example", "kernel.org").short_name);
}

TEST(LookalikeTest, KeysAreFew) {
  const std::string label(63, 'a');
  EXPECT_LE(look_questions("x.y.z.a-b-c-d-e-f-g." + label + ".com").size(), 15U);
  EXPECT_LE(look_index(label + ".com").size(), 4U);
  EXPECT_TRUE(look_questions("").empty());
  EXPECT_TRUE(look_questions("[192.0.2.1]").empty());
}

TEST(LookalikeTest, EditDistanceCountsTranspositionsAsOne) {
  EXPECT_EQ(edit_distance("intel", "intel", 2), 0U);
  EXPECT_EQ(edit_distance("itnel", "intel", 2), 1U);
  EXPECT_EQ(edit_distance("inel", "intel", 2), 1U);
  EXPECT_EQ(edit_distance("abcdef", "fedcba", 2), 3U);
  EXPECT_EQ(edit_distance("", "abc", 2), 3U);
}

TEST(PersonTest, OrderCaseAccentsAndInitialsDoNotMatter) {
  EXPECT_EQ(person_subject("Jos\xC3\xA9 M. Garc\xC3\xAD"
                           "a"),
            person_subject("GARCIA, Jose"));
  EXPECT_EQ(person_subject("Maria Keller (Sales)"), person_subject("keller maria"));
  EXPECT_EQ(person_subject("Maria Keller via Lists"), person_subject("Maria Keller"));
  EXPECT_NE(person_subject("Maria Keller"), person_subject("Maria Kessler"));
  EXPECT_FALSE(person_subject("\xE5\xAD\x99\xE7\x91\x9E\xE9\x9C\x9E").empty());
}

TEST(PersonTest, FunctionsAndAddressesAreNoPersons) {
  for (const char* name : {"", "Info", "Support Team", "no-reply", "maria@acme.example", "A B", "***"}) {
    EXPECT_EQ(person_subject(name), "") << name;
  }
  EXPECT_LE(person_subject(std::string(10'000, 'x')).size(), 64U);
}

TEST(PersonTest, AddressesInNamesAreFound) {
  EXPECT_EQ(address_in_name("service@PayPal.com (Support)"), "paypal.com");
  EXPECT_EQ(address_in_name("Maria @ home"), "");
  EXPECT_EQ(address_in_name("Maria Keller"), "");
}

}  // namespace
}  // namespace bonafide::trust
