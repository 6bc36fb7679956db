#include "steps/collect/tenants.hpp"

#include <gtest/gtest.h>

namespace bonafide::steps {
namespace {

using mail::Direction;

TEST(Tenants, UnconfiguredThereIsOne) {
  const Tenants tenants;
  EXPECT_EQ(tenants.of_recipient("ann@anywhere.example"), "default");
  EXPECT_TRUE(tenants.has("default"));
  EXPECT_FALSE(tenants.has("acme"));
  EXPECT_EQ(tenants.direction("default", {"192.0.2.1", "h", "a@x.example", {"b@y.example"}}, "a@x.example"),
            Direction::inbound);
}

TEST(Tenants, RecipientsAndDirections) {
  const auto tenants =
      Tenants::make({{"acme", {"Acme.example"}, {"192.0.2.0/28"}}, {"zeta", {"zeta.example"}, {}}});
  ASSERT_TRUE(tenants.ok());
  EXPECT_EQ(tenants->of_recipient("Ann@ACME.example"), "acme");
  EXPECT_EQ(tenants->of_recipient("ann@sub.acme.example"), "");
  const mail::Envelope out{"192.0.2.3", "h", "a@acme.example", {"b@y.example"}};
  EXPECT_EQ(tenants->direction("acme", out, "a@acme.example"), Direction::outbound);
  EXPECT_EQ(tenants->of_sender(out, "a@acme.example"), "acme");
  EXPECT_EQ(tenants->of_sender(out, "a@zeta.example"), "");
  const mail::Envelope within{"192.0.2.3", "h", "a@acme.example", {"b@acme.example"}};
  EXPECT_EQ(tenants->direction("acme", within, "a@acme.example"), Direction::internal);
  // From outside, its own domain in From is a claim, not a fact.
  const mail::Envelope spoof{"198.51.100.3", "h", "a@acme.example", {"b@acme.example"}};
  EXPECT_EQ(tenants->direction("acme", spoof, "a@acme.example"), Direction::inbound);
}

TEST(Tenants, RefusesWhatIsAmbiguous) {
  EXPECT_FALSE(Tenants::make({{"a", {"x.example"}, {}}, {"b", {"x.example"}, {}}}).ok());
  EXPECT_FALSE(Tenants::make({{"a", {}, {}}, {"a", {}, {}}}).ok());
  EXPECT_FALSE(Tenants::make({{"_bonafide", {}, {}}}).ok());
  EXPECT_FALSE(Tenants::make({{"a", {}, {"192.0.2.0/99"}}}).ok());
}

TEST(Tenants, AMailboxIsItsTenantsWhateverItsDomain) {
  const auto tenants = Tenants::make({{"acme", {"acme.example"}, {"192.0.2.0/28"}, {"Boss@freebox.example"}},
                                      {"zeta", {"zeta.example"}, {}, {"zeta@acme.example"}}});
  ASSERT_TRUE(tenants.ok()) << tenants.error().message;
  EXPECT_EQ(tenants->of_recipient("boss@FreeBox.example"), "acme");
  EXPECT_EQ(tenants->of_recipient("other@freebox.example"), "");
  EXPECT_EQ(tenants->of_recipient("zeta@acme.example"), "zeta") << "the mailbox goes before the domain";
  const mail::Envelope from_boss{"192.0.2.3", "h", "boss@freebox.example", {"ann@acme.example"}};
  EXPECT_EQ(tenants->direction("acme", from_boss, "boss@freebox.example"), Direction::internal);
  // To another tenant of this installation it is outbound for the one, inbound for the other.
  const mail::Envelope across{"192.0.2.3", "h", "a@acme.example", {"b@zeta.example", "c@acme.example"}};
  EXPECT_EQ(tenants->direction("acme", across, "a@acme.example"), Direction::outbound);
  EXPECT_EQ(tenants->direction("zeta", across, "a@acme.example"), Direction::inbound);
}

TEST(Tenants, WhatARemovedOneHadIsNobodysUntilSomebodyIsGivenIt) {
  const std::vector<Tenants::Removed> gone = {
      {"old", {"old.example", "moved.example"}, {"x@freebox.example"}}};
  const auto tenants = Tenants::make({{"acme", {"moved.example"}}}, gone);
  ASSERT_TRUE(tenants.ok());
  EXPECT_EQ(tenants->of_recipient("a@old.example"), "");
  EXPECT_EQ(tenants->removed_of("a@old.example"), "old");
  EXPECT_EQ(tenants->removed_of("X@freebox.example"), "old");
  EXPECT_EQ(tenants->removed_of("a@moved.example"), "");
  EXPECT_EQ(tenants->of_recipient("a@moved.example"), "acme");
  EXPECT_FALSE(tenants->has("old"));
  EXPECT_TRUE(tenants->was_removed("old"));
  // With nobody left, all else is the default tenant's, but not this.
  const auto empty = Tenants::make({}, gone);
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->of_recipient("a@old.example"), "");
  EXPECT_EQ(empty->of_recipient("a@elsewhere.example"), "default");
  EXPECT_TRUE(empty->has("default"));
}

TEST(Tenants, TheErrorSaysWhoHasIt) {
  const auto twice = Tenants::make({{"a", {"x.example"}}, {"b", {"X.example"}}});
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().cause, Cause::conflict);
  EXPECT_NE(twice.error().message.find("x.example belongs to tenant a already"), std::string::npos);
  EXPECT_FALSE(Tenants::make({{"..", {}}}).ok()) << "a name is a folder of the archive";
  EXPECT_FALSE(Tenants::make({{"a", {}, {}, {"no address"}}}).ok());
}

}  // namespace
}  // namespace bonafide::steps
