#include "trust/traits.hpp"

#include <gtest/gtest.h>

#include "trust/enrich.hpp"
#include "trust/test_story.hpp"

namespace bonafide::trust {
namespace {

using test::message;
using test::Sender;

std::string value(const mail::Received& received, TraitId id) {
  const auto enrichment = enrich(received, {});
  return std::string(trait_values(enrichment)[static_cast<size_t>(id)].value_or("(missing)"));
}

TEST(TraitsTest, AMessageInItsTraits) {
  const auto received = message(Sender(), 1);
  EXPECT_EQ(value(received, TraitId::alignment), "dkim+spf");
  EXPECT_EQ(value(received, TraitId::dkim), "acme.example");
  EXPECT_EQ(value(received, TraitId::spf), "+acme.example");
  EXPECT_EQ(value(received, TraitId::helo), "acme.example");
  EXPECT_EQ(value(received, TraitId::network), "198.51.100.0/24");
  EXPECT_EQ(value(received, TraitId::block), "198.51.0.0/16");
  EXPECT_EQ(value(received, TraitId::path), "acme.example");
  EXPECT_EQ(value(received, TraitId::origin), "203.0.0.0/16");
  EXPECT_EQ(value(received, TraitId::submission), "esmtpsa acme.example");
  EXPECT_EQ(value(received, TraitId::reply_to), "none");
  EXPECT_EQ(value(received, TraitId::message_id), "d14.d@from");
  EXPECT_EQ(value(received, TraitId::mailer), "outlook");
  EXPECT_EQ(value(received, TraitId::zone), "+0100");
  EXPECT_EQ(value(received, TraitId::hour), "8");
}

TEST(TraitsTest, AlignmentIsOfTheOrganisationOfFrom) {
  Sender sender;
  sender.domain = "news.acme.example";
  EXPECT_TRUE(enrich(message(sender, 1), {}).dkim_aligned);
  sender.signer = "mailer.test";
  sender.envelope_domain = "bounce.mailer.test";
  const auto enrichment = enrich(message(sender, 1), {});
  EXPECT_FALSE(enrichment.dkim_aligned);
  EXPECT_FALSE(enrichment.spf_aligned);
  EXPECT_EQ(value(message(sender, 1), TraitId::dkim), "mailer.test");
}

TEST(TraitsTest, ResultsNobodyBelievesAuthenticateNothing) {
  auto received = message(Sender(), 1);
  received.facts.edit().authentication = {};
  received.facts.edit().signatures = {{"acme.example", "s1", "rsa-sha256"}};
  const auto enrichment = enrich(received, {});
  EXPECT_FALSE(enrichment.dkim_aligned || enrichment.spf_aligned);
  EXPECT_EQ(value(received, TraitId::alignment), "unchecked");
  EXPECT_EQ(value(received, TraitId::dkim), "~acme.example");
}

TEST(TraitsTest, AMessageOfNothingHasTraitsAndNoIdentity) {
  const auto enrichment = enrich({}, {});
  EXPECT_TRUE(enrichment.identities.empty());
  EXPECT_FALSE(enrichment.traits.empty());
}

TEST(TraitsTest, FreeMailIsKnownByItsAddress) {
  Sender sender;
  sender.local = "Maria";
  sender.domain = "gmail.com";
  const auto enrichment = enrich(message(sender, 1), {});
  EXPECT_TRUE(enrichment.free_mail);
  EXPECT_EQ(enrichment.from_organisation, "maria@gmail.com");
  for (const auto& identity : enrichment.identities) EXPECT_NE(identity.kind, "organisation");
}

TEST(TraitsTest, MessageIdsOfOneProgramHaveOneShape) {
  const auto shape = [](std::string_view id) { return message_id_shape(id, "acme.example", "google.com"); };
  EXPECT_EQ(shape("20200401163117.16921-1-bob@acme.example"), shape("20210502090001.31-12-bob@acme.example"));
  EXPECT_EQ(shape("CACkAXSrDq+OOFc-39V=YcXi03GJefR=OUpORy_rwwbf44yi8Xi@mail.gmail.com"),
            shape("TVRWX9CjqwAMeupN83qUmWnclvQWq20ypemzGEXSPKiTz4Q@mail.gmail.com"));
  EXPECT_EQ(shape("5d1328fb-02a0-476a-a9f5-5f6e42903827@x.test"), "x8-x-x-x-x12@x.test");
  EXPECT_EQ(shape("1@pc"), "d@bare");
  EXPECT_EQ(shape("1@mail.acme.example"), "d@=from");
  EXPECT_EQ(shape("1@mail.google.com"), "d@helo");
  EXPECT_EQ(shape(""), "none");
  EXPECT_LE(shape(std::string(5000, '.') + "@" + std::string(5000, 'x')).size(), 400U);
}

TEST(TraitsTest, MailersLoseTheirVersions) {
  EXPECT_EQ(mailer_product("git-send-email 2.24.0"), "git-send-email");
  EXPECT_EQ(mailer_product("Mozilla/5.0 (X11; Linux)"), "mozilla");
  EXPECT_EQ(mailer_product("Apple Mail (2.3445.104)"), "apple mail");
  EXPECT_EQ(mailer_product(""), "none");
}

TEST(TraitsTest, ZonesAreReadAsTheyAreWritten) {
  for (const int32_t minutes : {0, 1, 59, 60, 330, 765, 840, -30, -60, -210, -720}) {
    EXPECT_EQ(zone_minutes(zone_text(minutes)), minutes) << zone_text(minutes);
  }
  EXPECT_EQ(zone_text(330), "+0530");
  EXPECT_EQ(zone_text(-210), "-0330");
  EXPECT_EQ(zone_minutes("-0000"), 0);
  for (const std::string_view bad :
       {"", "+", "0100", "+100", "+01000", "+01:0", "+ 100", "+-100", "++100", "GMT+1", "+0160", "01+00"}) {
    EXPECT_EQ(zone_minutes(bad), std::nullopt) << bad;
  }
}

TEST(TraitsTest, LongValuesEndInAHash) {
  const std::string a = bounded_value(std::string(100, 'a') + "1"),
                    b = bounded_value(std::string(100, 'a') + "2");
  EXPECT_LE(a.size(), max_value_bytes);
  EXPECT_NE(a, b);
  EXPECT_EQ(bounded_value("short"), "short");
}

}  // namespace
}  // namespace bonafide::trust
