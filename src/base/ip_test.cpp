#include "base/ip.hpp"

#include <gtest/gtest.h>

namespace bonafide {
namespace {

std::string canonical(const char* text) {
  const auto address = IpAddress::parse(text);
  return address.ok() ? address->text() : "invalid";
}

// The examples of RFC 5952 section 4.
TEST(IpAddress, TextIsCanonical) {
  EXPECT_EQ(canonical("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
  EXPECT_EQ(canonical("2001:0db8:0000:0000:0001:0000:0000:0001"), "2001:db8::1:0:0:1");
  EXPECT_EQ(canonical("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
  EXPECT_EQ(canonical("2001:DB8::"), "2001:db8::");
  EXPECT_EQ(canonical("::"), "::");
  EXPECT_EQ(canonical("IPv6:::1"), "::1");
  EXPECT_EQ(canonical("[192.0.2.7]"), "192.0.2.7");
  EXPECT_EQ(canonical("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(canonical("fe80::1%eth0"), "fe80::1");
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.x", ":", "1:2:3:4:5:6:7", "1::2::3",
                          "12345::", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8:9"}) {
    EXPECT_EQ(canonical(bad), "invalid") << bad;
  }
}

TEST(IpRange, ContainsItsAddresses) {
  const auto range = *IpRange::parse("192.0.2.128/25");
  EXPECT_TRUE(range.contains(*IpAddress::parse("192.0.2.200")));
  EXPECT_FALSE(range.contains(*IpAddress::parse("192.0.2.127")));
  EXPECT_EQ(range.text(), "192.0.2.128/25");
  EXPECT_EQ(IpRange::network_of(*IpAddress::parse("198.51.100.7")).text(), "198.51.100.0/24");
  EXPECT_EQ(IpRange::network_of(*IpAddress::parse("2001:db8:1:2::3")).text(), "2001:db8:1::/48");
  EXPECT_FALSE(IpRange::parse("192.0.2.0/33").ok());
  EXPECT_TRUE(IpRange::parse("::/0")->contains(*IpAddress::parse("192.0.2.1")));
}

TEST(IpAddress, KnowsPrivateOnes) {
  for (const char* text : {"10.1.2.3", "127.0.0.1", "::1", "fe80::1", "192.168.1.1"}) {
    EXPECT_TRUE(IpAddress::parse(text)->is_private()) << text;
  }
  EXPECT_FALSE(IpAddress::parse("8.8.8.8")->is_private());
  EXPECT_TRUE(IpAddress::parse("127.8.8.8")->is_loopback());
}

}  // namespace
}  // namespace bonafide
