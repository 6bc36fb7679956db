#include "mail/domain.hpp"

#include <gtest/gtest.h>

namespace bonafide::mail {
namespace {

TEST(Domain, AsciiForm) {
  EXPECT_EQ(to_ascii_domain("Mail.Example.ORG"), "mail.example.org");
  EXPECT_EQ(to_ascii_domain(" example.org. "), "example.org");
  EXPECT_EQ(to_ascii_domain("_dmarc.example.org"), "_dmarc.example.org");
  EXPECT_EQ(to_ascii_domain("BÜCHER.example"), "xn--bcher-kva.example");
  EXPECT_EQ(to_ascii_domain("faß.example"), "xn--fa-hia.example");       // non-transitional
  EXPECT_EQ(to_ascii_domain("例え。テスト"), "xn--r8jz45g.xn--zckzah");  // ideographic full stop
  EXPECT_EQ(to_ascii_domain("XN--BCHER-KVA.example"), "xn--bcher-kva.example");
}

TEST(Domain, AddressLiterals) {
  EXPECT_EQ(to_ascii_domain("[192.0.2.1]"), "[192.0.2.1]");
  EXPECT_EQ(to_ascii_domain("[IPv6:2001:DB8:0:0:0:0:0:1]"), "[2001:db8::1]");
  EXPECT_EQ(to_ascii_domain("[300.0.2.1]"), "");
}

TEST(Domain, WhatNoHostNameCanBe) {
  for (const std::string& bad :
       {std::string(), std::string("."), std::string("a..b"), std::string(".a"), std::string("a b"),
        std::string("a/b"), std::string("a\0b", 3), std::string("\xFF.example"),
        std::string(64, 'a') + ".example", std::string("a:b")}) {
    EXPECT_EQ(to_ascii_domain(bad), "") << bad;
  }
  std::string labels;
  for (int i = 0; i < 130; ++i) labels += "a.";
  EXPECT_EQ(to_ascii_domain(labels + "example"), "");
  EXPECT_EQ(to_ascii_domain(std::string(5000, '\xC3')), "");
}

TEST(Domain, Organisation) {
  EXPECT_EQ(organisational_domain("mail.example.org"), "example.org");
  EXPECT_EQ(organisational_domain("a.b.example.co.uk"), "example.co.uk");
  EXPECT_EQ(organisational_domain("example.co.uk"), "example.co.uk");
  EXPECT_EQ(organisational_domain("co.uk"), "co.uk");
  EXPECT_EQ(organisational_domain("user.github.io"), "user.github.io");  // a private suffix
  EXPECT_EQ(organisational_domain("x.y.unknown-tld"), "y.unknown-tld");
  EXPECT_EQ(organisational_domain("localhost"), "localhost");
  EXPECT_EQ(organisational_domain("[192.0.2.1]"), "[192.0.2.1]");
  EXPECT_EQ(organisational_domain("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(organisational_domain(""), "");
}

TEST(Domain, FreeMail) {
  EXPECT_TRUE(is_free_mail("gmail.com"));
  EXPECT_TRUE(is_free_mail("yahoo.co.uk"));
  EXPECT_FALSE(is_free_mail("yahoo.evil.example"));
  EXPECT_FALSE(is_free_mail("example.org"));
  EXPECT_FALSE(is_free_mail(""));
}

}  // namespace
}  // namespace bonafide::mail
