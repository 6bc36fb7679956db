#include "trust/score.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "avro/bind.hpp"
#include "trust/features.hpp"
#include "trust/test_story.hpp"

namespace bonafide::trust {
namespace {

using mail::Attack;
using mail::Verdict;
using test::elsewhere;
using test::message;
using test::says;
using test::Sender;
using test::Story;

class ScoreTest : public ::testing::Test {
 protected:
  ScoreTest() { test::populate(story); }
  Story story;
  Sender acme;
};

TEST_F(ScoreTest, AKnownSenderFromItsUsualPlaceIsTrusted) {
  story.past(acme, 20);
  const auto scored = story.score(message(acme, 60));
  EXPECT_EQ(scored.score.verdict, Verdict::trusted);
  EXPECT_EQ(scored.score.attack, Attack::none);
  EXPECT_GT(scored.score.trust, 90);
  EXPECT_TRUE(says(scored, "as usual for billing@acme.example", +1));
}

TEST_F(ScoreTest, TheSameFromElsewhereUnsignedIsADomainSpoof) {
  story.past(acme, 20);
  const auto scored = story.score(message(elsewhere(acme), 60));
  EXPECT_EQ(scored.score.verdict, Verdict::untrusted);
  EXPECT_EQ(scored.score.attack, Attack::domain_spoof);
  EXPECT_TRUE(says(scored, "billing@acme.example has always been", -1));
  bool names_the_signature = false;
  for (const auto& reason : scored.score.reasons) {
    names_the_signature =
        names_the_signature ||
        reason.text.find("signed (DKIM) by acme.example (20 of 20); this message: nobody") !=
            std::string::npos ||
        reason.text.find("delivered") != std::string::npos ||
        reason.text.find("submitted by") != std::string::npos;
  }
  EXPECT_TRUE(names_the_signature);
  EXPECT_EQ(scored.score.lesson, "unvouched");
}

TEST_F(ScoreTest, AProviderMoveWithTheSignatureKeptIsNotUntrusted) {
  story.past(acme, 20);
  Sender moved = acme;
  moved.client_ip = "40.107.1.2";
  moved.helo = "out.protection.cloud.example";
  moved.relay = "out.protection.cloud.example";
  moved.spf = "softfail";
  const auto scored = story.score(message(moved, 60));
  EXPECT_NE(scored.score.verdict, Verdict::untrusted);
  EXPECT_EQ(scored.score.lesson, "full");
}

TEST_F(ScoreTest, SummerTimeIsNotOddButAnotherContinentIs) {
  story.past(acme, 20);
  const auto in_zone = [&](int32_t minutes) {
    Sender sender = acme;
    sender.zone_minutes = minutes;
    return story.score(message(sender, 60));
  };
  const auto zone_reading = [](const mail::Scored& scored) {
    return *find(find(scored.score.evidence, "address"), "zone");
  };
  const auto winter = in_zone(60), summer = in_zone(120), west = in_zone(0), asia = in_zone(480);
  EXPECT_EQ(zone_reading(summer).count, zone_reading(winter).count / 2);
  EXPECT_EQ(zone_reading(west).count, zone_reading(winter).count / 2);
  EXPECT_EQ(zone_reading(asia).count, 0);
  EXPECT_EQ(zone_reading(asia).usual, "+0100");
  const auto contrary_zone = [](const mail::Scored& scored) {
    return find_out(scored.received, scored.enrichment, scored.score.evidence)
        .features[contrary(TraitId::zone)];
  };
  EXPECT_EQ(contrary_zone(summer), 0);
  EXPECT_GT(contrary_zone(asia), 1);
  EXPECT_GT(summer.score.trust, asia.score.trust);
}

TEST_F(ScoreTest, AMailingListThatKeepsTheSignatureIsNotUntrusted) {
  story.past(acme, 20);
  Sender listed = acme;
  listed.client_ip = "192.0.99.1";
  listed.helo = "lists.community.example";
  listed.envelope_domain = "lists.community.example";
  auto received = message(listed, 60);
  received.facts.edit().list_id = "users.community.example";
  const auto scored = story.score(received);
  EXPECT_TRUE(scored.enrichment.via_list);
  EXPECT_NE(scored.score.verdict, Verdict::untrusted);
}

TEST_F(ScoreTest, ALookAlikeOfAKnownOrganisationIsUntrustedThoughItAuthenticates) {
  story.past(acme, 20);
  for (const std::string domain : {"acrne.example", "acme-billing.example", "acme.example.elsewhere.test"}) {
    Sender fake = elsewhere(acme);
    fake.domain = fake.envelope_domain = fake.signer = domain;
    fake.spf = "pass";
    const auto scored = story.score(message(fake, 60));
    EXPECT_EQ(scored.score.verdict, Verdict::untrusted) << domain;
    EXPECT_EQ(scored.score.attack, Attack::lookalike_domain) << domain;
    EXPECT_TRUE(says(scored, "acme.example, which is known here", -1)) << domain;
  }
}

TEST_F(ScoreTest, ALookAlikeOfTheRecipientsOwnDomainIsUntrusted) {
  Sender fake = elsewhere(acme);
  fake.name = "Ann Boss";
  fake.domain = fake.envelope_domain = fake.signer = "tenamt.example";
  fake.spf = "pass";
  auto received = message(fake, 60);
  received.envelope.rcpt_to = {"ann@tenant.example"};
  auto scored = story.score(received);
  EXPECT_NE(scored.score.verdict, Verdict::trusted);
  fake.domain = fake.envelope_domain = fake.signer = "tenant-support.example";
  scored = story.score(message(fake, 60));
  EXPECT_EQ(scored.score.verdict, Verdict::untrusted);
  EXPECT_TRUE(says(scored, "your own domain", -1));
}

TEST_F(ScoreTest, ASisterDomainSignedByTheKnownOrganisationIsNoLookAlike) {
  story.past(acme, 20);
  Sender sister = acme;
  sister.domain = "acme-support.example";
  const auto scored = story.score(message(sister, 60));
  EXPECT_NE(scored.score.verdict, Verdict::untrusted);
}

TEST_F(ScoreTest, AKnownNameAtAFreeMailboxIsAnImpostor) {
  acme.name = "Maria Keller";
  story.past(acme, 20);
  Sender fake = elsewhere(acme);
  fake.name = "Keller, Maria";
  fake.local = "maria.keller.office";
  fake.domain = fake.envelope_domain = fake.signer = "gmail.com";
  fake.spf = "pass";
  const auto scored = story.score(message(fake, 60));
  EXPECT_EQ(scored.score.verdict, Verdict::untrusted);
  EXPECT_EQ(scored.score.attack, Attack::display_name_impostor);
  EXPECT_TRUE(says(scored, "the display name is known as billing@acme.example (20 messages", -1));
  EXPECT_EQ(scored.score.lesson, "unvouched");
}

TEST_F(ScoreTest, AnswersDivertedToAFreeMailboxAreUntrustedEvenIfSigned) {
  story.past(acme, 20);
  auto received = message(acme, 60);
  received.facts.edit().reply_to = {{"Billing Acme", "acme.billing", "gmail.com"}};
  const auto scored = story.score(received);
  EXPECT_EQ(scored.score.verdict, Verdict::untrusted);
  EXPECT_EQ(scored.score.attack, Attack::reply_to_diversion);
  EXPECT_TRUE(says(scored, "answers would go to acme.billing@gmail.com", -1));
}

TEST_F(ScoreTest, ASharedMailboxWithManyMailersAndReplyTosStaysTrusted) {
  Sender shared = acme;
  shared.local = "info";
  for (int i = 0; i < 24; ++i) {
    shared.mailer = i % 3 == 0 ? "Outlook 16" : i % 3 == 1 ? "Apple Mail" : "";
    auto received = message(shared, int64_t{i} * 2);
    if (i % 2 == 0) received.facts.edit().reply_to = {{"", "customer" + std::to_string(i % 6), "gmail.com"}};
    story.take(std::move(received));
  }
  auto received = message(shared, 60);
  received.facts.edit().reply_to = {{"", "customer2", "gmail.com"}};
  EXPECT_EQ(story.score(received).score.verdict, Verdict::trusted);
}

TEST_F(ScoreTest, ANewSenderIsMerelySuspicious) {
  Sender stranger = elsewhere(acme);
  stranger.domain = stranger.envelope_domain = "newcomer.example";
  stranger.spf = "pass";
  const auto scored = story.score(message(stranger, 60));
  EXPECT_EQ(scored.score.verdict, Verdict::suspicious);
  EXPECT_EQ(scored.score.attack, Attack::unknown);
  EXPECT_TRUE(says(scored, "is new here"));
}

TEST_F(ScoreTest, OwnDomainFromOutsideWithoutProofIsNotTrusted) {
  Sender fake = elsewhere(acme);
  fake.name = "The Boss";
  fake.local = "boss";
  fake.domain = "tenant.example";
  const auto scored = story.score(message(fake, 60));
  EXPECT_NE(scored.score.verdict, Verdict::trusted);
  EXPECT_TRUE(says(scored, "your own domain", -1));
  EXPECT_EQ(scored.score.lesson, "unvouched");
}

TEST_F(ScoreTest, OutboundMailTeachesTheRelationAndIsNotJudged) {
  Sender stranger = elsewhere(acme);
  stranger.name = "Jo Partner";
  stranger.local = "jo";
  stranger.domain = stranger.envelope_domain = stranger.signer = "partner.example";
  stranger.spf = "pass";
  const double before = story.score(message(stranger, 10)).score.trust;

  mail::Received sent = message(acme, 5);
  sent.direction = mail::Direction::outbound;
  sent.facts.edit().from = {{"Ann", "ann", "tenant.example"}};
  sent.facts.edit().to = {{"Jo Partner", "jo", "partner.example"}};
  sent.envelope.rcpt_to = {"jo@partner.example"};
  const auto scored = story.take(sent);
  EXPECT_EQ(scored.score.lesson, "relation");
  EXPECT_TRUE(scored.score.evidence.empty());

  const auto after = story.score(message(stranger, 10));
  EXPECT_GT(after.score.trust, before);
  EXPECT_TRUE(says(after, "somebody here has written to jo@partner.example", +1));
}

TEST_F(ScoreTest, AMachineOnABlockListIsKnownBad) {
  story.reference = ReferenceData({std::make_shared<const ReferenceList>(
      *ReferenceList::parse("drop", ListRole::blocked, "185.10.16.0/20\n", "drop.txt"))});
  Sender stranger = elsewhere(acme);
  stranger.domain = stranger.envelope_domain = "newcomer.example";
  const auto scored = story.score(message(stranger, 60));
  EXPECT_EQ(scored.score.verdict, Verdict::untrusted);
  EXPECT_EQ(scored.score.attack, Attack::known_bad_sender);
  EXPECT_TRUE(says(scored, "185.10.20.30 stands in the list drop (185.10.16.0/20)", -1));
}

TEST_F(ScoreTest, WithoutAUsableFromNobodyVouches) {
  auto received = message(acme, 60);
  received.facts.edit().from = {{"Somebody", "", ""}};
  const auto scored = story.take(received);
  EXPECT_NE(scored.score.verdict, Verdict::trusted);
  EXPECT_EQ(scored.score.lesson, "none");
}

std::string bytes_of(const mail::Score& score) {
  std::string out;
  avro::encode(score, out);
  return out;
}

TEST_F(ScoreTest, TheEventAloneRepeatsTheScoreBitForBit) {
  story.past(acme, 20);
  for (const auto& sender : {acme, elsewhere(acme)}) {
    auto received = message(sender, 60);
    received.facts.edit().reply_to = {{"", "x", "yahoo.com"}};
    const auto scored = story.score(received);
    EXPECT_EQ(bytes_of(rescore(scored, story.model)), bytes_of(scored.score));
  }
}

TEST_F(ScoreTest, UnansweredHistoriesTakeNoPartAndTheEvidenceSaysSo) {
  story.past(acme, 20);
  mail::Enriched enriched{message(acme, 60), {}};
  enriched.enrichment = enrich(enriched.received, story.reference);
  const flow::Answers none(questions(enriched).size());
  const auto score = trust::score(enriched, none, story.model);
  EXPECT_NE(score.verdict, Verdict::trusted);
  EXPECT_EQ(score.lesson, "none");
  for (const auto& evidence : score.evidence) {
    if (evidence.kind != "lookalike") {
      EXPECT_FALSE(evidence.known) << evidence.kind;
    }
    EXPECT_TRUE(evidence.readings.empty()) << evidence.kind;
  }
  // Too few answers are as good as none.
  EXPECT_EQ(bytes_of(trust::score(enriched, {}, story.model)).empty(), false);
}

TEST_F(ScoreTest, QuestionsAndDeltasAreBounded) {
  Sender odd = acme;
  odd.domain = odd.envelope_domain = "a-b-c-d-e-f-g-h.many.sub.domains.of-some-length.example";
  auto received = message(odd, 1);
  received.envelope.rcpt_to.assign(100, "ann@tenant.example");
  received.facts.edit().received.resize(100, {"h", "", "10.0.0.1", "relay.example", "ESMTP", {}, false});
  received.facts.edit().mailer = std::string(1000, 'm');
  received.facts.edit().structure = std::string(4000, 's');
  received.facts.edit().header_order = std::string(60'000, 'h');
  received.facts.edit().message_id = std::string(1000, 'i') + "@" + std::string(300, 'd');
  const auto scored = story.score(received);
  EXPECT_LE(questions({scored.received, scored.enrichment}).size(), 45U);
  EXPECT_LE(deltas(scored).size(), 40U);
  for (const auto& trait : scored.enrichment.traits)
    EXPECT_LE(trait.value.size(), max_value_bytes) << trait.name;
  EXPECT_LE(bytes_of(scored.score).size(), 8'192U);
}

TEST_F(ScoreTest, TenantsShareOnlyCountersOfMachinery) {
  const auto scored = story.score(message(acme, 1));
  for (const auto& key : questions({scored.received, scored.enrichment})) {
    const bool of_tenant = key.starts_with(std::string("default") + '\0');
    const bool shared =
        key.size() > 2 && key[0] == '\0' && std::string_view("iwhk").find(key[1]) != std::string_view::npos;
    EXPECT_TRUE(of_tenant || shared) << key;
    EXPECT_FALSE(shared && key.find('@') != std::string::npos) << key;
  }
  story.past(acme, 20);
  auto elsewhere_tenant = message(acme, 60);
  elsewhere_tenant.tenant = "other";
  EXPECT_TRUE(says(story.score(elsewhere_tenant), "is new here"));
}

}  // namespace
}  // namespace bonafide::trust
