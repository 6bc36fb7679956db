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
  EXPECT_EQ(tenants.direction("default", {"192.0.2.1", "h", "a@x.example", {"b@y.example"}}, "x.example"),
            Direction::inbound);
}

TEST(Tenants, RecipientsAndDirections) {
  const auto tenants =
      Tenants::make({{"acme", {"Acme.example"}, {"192.0.2.0/28"}}, {"zeta", {"zeta.example"}, {}}});
  ASSERT_TRUE(tenants.ok());
  EXPECT_EQ(tenants->of_recipient("Ann@ACME.example"), "acme");
  EXPECT_EQ(tenants->of_recipient("ann@sub.acme.example"), "");
  const mail::Envelope out{"192.0.2.3", "h", "a@acme.example", {"b@y.example"}};
  EXPECT_EQ(tenants->direction("acme", out, "acme.example"), Direction::outbound);
  EXPECT_EQ(tenants->of_sender(out, "acme.example"), "acme");
  EXPECT_EQ(tenants->of_sender(out, "zeta.example"), "");
  const mail::Envelope within{"192.0.2.3", "h", "a@acme.example", {"b@acme.example"}};
  EXPECT_EQ(tenants->direction("acme", within, "acme.example"), Direction::internal);
  // From outside, its own domain in From is a claim, not a fact.
  const mail::Envelope spoof{"198.51.100.3", "h", "a@acme.example", {"b@acme.example"}};
  EXPECT_EQ(tenants->direction("acme", spoof, "acme.example"), Direction::inbound);
}

TEST(Tenants, RefusesWhatIsAmbiguous) {
  EXPECT_FALSE(Tenants::make({{"a", {"x.example"}, {}}, {"b", {"x.example"}, {}}}).ok());
  EXPECT_FALSE(Tenants::make({{"a", {}, {}}, {"a", {}, {}}}).ok());
  EXPECT_FALSE(Tenants::make({{"_bonafide", {}, {}}}).ok());
  EXPECT_FALSE(Tenants::make({{"a", {}, {"192.0.2.0/99"}}}).ok());
}

}  // namespace
}  // namespace bonafide::steps
