#include "trust/directory.hpp"

#include <gtest/gtest.h>

#include "trust/test_story.hpp"

namespace bonafide::trust {
namespace {

using test::message;
using test::Sender;
using test::Story;

const std::vector<mail::Person> people = {{"Ann Smith", {"ann@tenant.example", "ann.private@gmail.com"}},
                                          {"Ann Smith", {"ann2@tenant.example"}},
                                          {"Bob", {"bob@tenant.example"}},
                                          {"Sales Team", {"sales@tenant.example"}}};

/// From a free mailbox, under a name.
mail::Received from_free(const std::string& name, const std::string& local = "ceo2026") {
  Sender sender;
  sender.name = name;
  sender.local = local;
  sender.domain = sender.envelope_domain = sender.signer = sender.message_id_domain = "gmail.com";
  sender.client_ip = "209.85.220.41";
  sender.helo = sender.relay = "mail-sor-f41.google.com";
  return message(sender, 40);
}

mail::Scored judged(Story& story, mail::Received received, const Directory& directory) {
  mail::Enriched enriched{std::move(received), {}};
  enriched.enrichment = enrich(enriched.received, story.reference, directory);
  mail::Scored scored;
  scored.score = score(enriched, story.answers(questions(enriched)), story.model);
  scored.received = std::move(enriched.received);
  scored.enrichment = std::move(enriched.enrichment);
  return scored;
}

TEST(DirectoryTest, NamesAreFoundAsTheyAreWritten) {
  const Directory directory(people);
  const auto* ann = directory.find(person_subject("SMITH, Ann"));
  ASSERT_NE(ann, nullptr);
  EXPECT_EQ(ann->size(), 3U) << "both of that name";
  EXPECT_EQ(directory.find(person_subject("Carl Jones")), nullptr);
  EXPECT_EQ(directory.find(""), nullptr) << "a function is nobody's name";
  EXPECT_EQ(directory.version().size(), 12U);
  EXPECT_NE(directory.version(), Directory(std::vector<mail::Person>{}).version());
}

TEST(DirectoryTest, EachTenantHasItsOwn) {
  const Directories all({{"acme", {"acme.example"}, {}, {}, people}, {"zeta", {"zeta.example"}}});
  EXPECT_FALSE(all.of("acme").empty());
  EXPECT_TRUE(all.of("zeta").empty());
  EXPECT_TRUE(all.of("nobody").empty());
}

TEST(DirectoryTest, ANameThatIsBorrowedIsAnImpostors) {
  Story story;
  test::populate(story);
  const Directory directory(people);
  const auto without = judged(story, from_free("Ann Smith"), {});
  const auto with = judged(story, from_free("Ann Smith"), directory);
  EXPECT_TRUE(without.enrichment.references.empty());
  ASSERT_EQ(with.enrichment.references.size(), 1U);
  const auto& hit = with.enrichment.references.front();
  EXPECT_EQ(hit.data_set, "directory");
  EXPECT_EQ(hit.version, directory.version());
  EXPECT_EQ(hit.role, "colleague");
  EXPECT_EQ(hit.entry, "ann@tenant.example");
  EXPECT_LT(with.score.trust, without.score.trust / 3);
  EXPECT_EQ(with.score.attack, mail::Attack::display_name_impostor);
  EXPECT_TRUE(test::says(with, "ann@tenant.example in your own directory", -1));
  // From the evidence alone it is the same again.
  const auto again = rescore(with, story.model);
  EXPECT_EQ(again.trust, with.score.trust);
  EXPECT_EQ(again.attack, with.score.attack);
}

TEST(DirectoryTest, TheirOwnAddressesAreTheirs) {
  Story story;
  test::populate(story);
  const Directory directory(people);
  const auto own = judged(story, from_free("Ann Smith", "Ann.Private"), directory);
  EXPECT_TRUE(own.enrichment.references.empty());
  EXPECT_NE(own.score.attack, mail::Attack::display_name_impostor);
}

TEST(DirectoryTest, ANamesakeWithADomainOfTheirOwnIsWonderedAtNotCondemned) {
  Story story;
  test::populate(story);
  Sender namesake;
  namesake.name = "Ann Smith";
  namesake.local = "ann";
  const auto scored = judged(story, message(namesake, 40), Directory(people));
  const auto plain = judged(story, message(namesake, 40), {});
  EXPECT_EQ(scored.enrichment.references.size(), 1U);
  EXPECT_LT(scored.score.trust, plain.score.trust);
  EXPECT_GT(scored.score.trust, plain.score.trust / 2);
  // Once it is known itself, it is nobody's impostor.
  story.past(namesake, 10);
  const auto known = judged(story, message(namesake, 41), Directory(people));
  EXPECT_FALSE(test::says(known, "directory"));
  EXPECT_EQ(known.score.verdict, mail::Verdict::trusted);
}

TEST(DirectoryTest, AFirstNameAloneIsNoProof) {
  Story story;
  test::populate(story);
  const auto bob = judged(story, from_free("Bob"), Directory(people));
  const auto plain = judged(story, from_free("Bob"), {});
  EXPECT_GE(bob.score.trust, plain.score.trust * 0.6);
}

}  // namespace
}  // namespace bonafide::trust
