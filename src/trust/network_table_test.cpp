#include "trust/network_table.hpp"

#include <gtest/gtest.h>

#include "trust/enrich.hpp"
#include "trust/test_network_table.hpp"
#include "trust/test_story.hpp"

// libmaxminddb 1.7.1 forgets some memory where it refuses a broken description.
extern "C" const char* __lsan_default_suppressions();                                 // NOLINT
extern "C" const char* __lsan_default_suppressions() { return "leak:libmaxminddb"; }  // NOLINT

namespace bonafide::trust {
namespace {

const ListSource source = {"asn.mmdb", ListRole::network, "lists/asn.mmdb"};
IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

std::string database() {
  test::NetworkTableWriter writer;
  writer.add(*IpRange::parse("198.51.100.0/24"), 64496, "Example Net", "DE");
  writer.add(*IpRange::parse("203.0.113.128/25"), 64497, "Other Net", "FR");
  writer.add(*IpRange::parse("2001:db8::/32"), 64498, "Six Net", "NL");
  return writer.bytes();
}

TEST(NetworkTableTest, SaysWhoseNetworkAnAddressIsIn) {
  const auto table = NetworkTable::read(source, database());
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ((*table)->size(), 3U);
  EXPECT_EQ((*table)->version().size(), 12U);
  EXPECT_EQ((*table)->find(ip("198.51.100.7")), "AS64496 Example Net, DE (198.51.100.0/24)");
  EXPECT_EQ((*table)->find(ip("203.0.113.200")), "AS64497 Other Net, FR (203.0.113.128/25)");
  EXPECT_EQ((*table)->find(ip("203.0.113.100")), "");
  EXPECT_EQ((*table)->find(ip("2001:db8::25")), "AS64498 Six Net, NL (2001:db8::/32)");
  EXPECT_EQ((*table)->find(ip("2001:db9::25")), "");
  EXPECT_EQ((*table)->find(std::string_view("acme.example")), "");
}

TEST(NetworkTableTest, StandsAsAHitOnTheMessage) {
  const auto set = ReferenceData::read(source, database());
  ASSERT_TRUE(set.ok()) << set.error().message;
  auto received = test::message(test::Sender{}, 1);
  const auto plain = enrich(received, {});
  const auto enriched = enrich(received, ReferenceData({*set}));
  ASSERT_EQ(enriched.references.size(), 1U) << "the hop before the client is in none of them";
  EXPECT_EQ(enriched.references[0].role, "network");
  EXPECT_EQ(enriched.references[0].subject, "client_ip");
  EXPECT_EQ(enriched.references[0].version, (*set)->version());
  EXPECT_EQ(enriched.references[0].entry, "AS64496 Example Net, DE (198.51.100.0/24)");
  EXPECT_EQ(plain.traits.size(), enriched.traits.size());
}

TEST(NetworkTableTest, SpeaksNeitherForNorAgainst) {
  test::Story story;
  test::populate(story);
  const auto before = story.score(test::message(test::Sender{}, 40));
  story.reference = ReferenceData({*ReferenceData::read(source, database())});
  const auto after = story.score(test::message(test::Sender{}, 40));
  EXPECT_EQ(before.score.trust, after.score.trust);
}

TEST(NetworkTableTest, APartOfOneIsRefused) {
  const std::string whole = database();
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto cut = ReferenceData::read(source, ByteView(whole).substr(0, size));
    ASSERT_FALSE(cut.ok()) << "the first " << size << " of " << whole.size() << " bytes";
    ASSERT_EQ(cut.error().cause, Cause::invalid);
    ASSERT_NE(cut.error().message.find("lists/asn.mmdb"), std::string::npos);
  }
}

// Whatever a byte is changed to: it is refused, or every look-up stays inside.
TEST(NetworkTableTest, ABrokenOneNeverCrashes) {
  const std::string whole = database();
  size_t refused = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x40, 0x80, 0xFF}) {
      std::string broken = whole;
      broken[at] = static_cast<char>(broken[at] ^ flip);
      const auto table = ReferenceData::read(source, broken);
      if (!table.ok()) {
        ++refused;
        continue;
      }
      for (const char* address : {"198.51.100.7", "203.0.113.200", "2001:db8::25", "9.9.9.9"})
        EXPECT_LT((*table)->find(ip(address)).size(), 1000U);
    }
  }
  EXPECT_GT(refused, 100U);
}

}  // namespace
}  // namespace bonafide::trust
