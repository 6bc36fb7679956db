#include "mail/tenant.hpp"

#include <gtest/gtest.h>

namespace bonafide::mail {
namespace {

TEST(TenantTest, APersonIsANameWithAddresses) {
  const auto ann = parse_person("  Ann Smith <Ann@Acme.Example> <ann@private.example> ");
  ASSERT_TRUE(ann.ok()) << ann.error().message;
  EXPECT_EQ(ann->name, "Ann Smith");
  EXPECT_EQ(ann->addresses, (std::vector<std::string>{"ann@acme.example", "ann@private.example"}));
  for (const char* wrong : {"", "Ann Smith", "<ann@acme.example>", "Ann <ann>", "Ann <ann@acme.example",
                            "Ann <a@b.example> c", "A\x01nn <ann@acme.example>"}) {
    EXPECT_FALSE(parse_person(wrong).ok()) << wrong;
  }
}

TEST(TenantTest, AddressesAreComparedInOneForm) {
  EXPECT_EQ(plain_address("<Ann@B\xC3\xBC"
                          "cher.Example>"),
            "ann@xn--bcher-kva.example");
  EXPECT_EQ(plain_address("no address"), "");
  EXPECT_EQ(plain_address("@acme.example"), "");
  EXPECT_EQ(plain_address("a b@acme.example"), "");
  EXPECT_EQ(plain_address(std::string(400, 'a') + "@acme.example"), "");
}

TEST(TenantTest, ANameIsAFolderAndASegmentOfAPath) {
  for (const char* fine : {"acme", "Acme-2.example", "a_b", "7"})
    EXPECT_TRUE(check_tenant_name(fine).ok()) << fine;
  for (const char* wrong : {"", ".", "..", "_bonafide", "a/b", "a b", "-a", "\xC3\xA4"})
    EXPECT_FALSE(check_tenant_name(wrong).ok()) << wrong;
  EXPECT_FALSE(check_tenant_name(std::string(64, 'a')).ok());
}

TEST(TenantTest, TheNormalFormSaysTheSameOnce) {
  const auto tenant = normal({"acme",
                              {"B.example", "a.example", "b.Example."},
                              {"192.0.2.7/28"},
                              {"X@y.example", "x@Y.example"},
                              {}});
  ASSERT_TRUE(tenant.ok()) << tenant.error().message;
  EXPECT_EQ(tenant->domains, (std::vector<std::string>{"a.example", "b.example"}));
  EXPECT_EQ(tenant->networks, std::vector<std::string>{"192.0.2.0/28"});
  EXPECT_EQ(tenant->mailboxes, std::vector<std::string>{"x@y.example"});
  EXPECT_FALSE(normal({"acme", {"not a domain"}}).ok());
  EXPECT_FALSE(normal({"acme", std::vector<std::string>(10'001, "a.example")}).ok());
}

}  // namespace
}  // namespace bonafide::mail
