#include "trust/reference.hpp"

#include <gtest/gtest.h>

#include "env/sim/files.hpp"

namespace bonafide::trust {
namespace {

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

TEST(ReferenceTest, TheNarrowestRangeIsNamed) {
  const auto list = ReferenceList::parse("nets", ListRole::blocked,
                                         "# comment\n10.0.0.0/8\n10.1.0.0/16 ; why\n10.1.2.0/24\n192.0.2.7\n"
                                         "2001:db8::/32\n2001:db8:1::/48\t5\n",
                                         "nets.txt");
  ASSERT_TRUE(list.ok()) << list.error().message;
  EXPECT_EQ(list->size(), 6U);
  EXPECT_EQ(list->find(ip("10.1.2.3")), "10.1.2.0/24");
  EXPECT_EQ(list->find(ip("10.1.3.3")), "10.1.0.0/16");
  EXPECT_EQ(list->find(ip("10.2.3.3")), "10.0.0.0/8");
  EXPECT_EQ(list->find(ip("192.0.2.7")), "192.0.2.7/32");
  EXPECT_EQ(list->find(ip("192.0.2.8")), "");
  EXPECT_EQ(list->find(ip("9.255.255.255")), "");
  EXPECT_EQ(list->find(ip("255.255.255.255")), "");
  EXPECT_EQ(list->find(ip("2001:db8:1::9")), "2001:db8:1::/48");
  EXPECT_EQ(list->find(ip("2001:db8:2::9")), "2001:db8::/32");
  EXPECT_EQ(list->find(ip("2001:db9::")), "");
}

TEST(ReferenceTest, CsvRowsCarryTheirProvider) {
  const auto list =
      ReferenceList::parse("clouds", ListRole::hosting, "aws,3.0.0.0/15\ngcp,34.0.0.0/15\n", "clouds.csv");
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->find(ip("3.1.2.3")), "3.0.0.0/15 (aws)");
}

TEST(ReferenceTest, DomainsNameTheirSubDomains) {
  const auto list = ReferenceList::parse("temp", ListRole::disposable,
                                         "Temp.Example\n*.Wild.Example\n1,ranked.example\n", "t");
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->find("temp.example"), "temp.example");
  EXPECT_EQ(list->find("a.b.temp.example"), "temp.example");
  EXPECT_EQ(list->find("x.wild.example"), "wild.example");
  EXPECT_EQ(list->find("ranked.example"), "ranked.example");
  EXPECT_EQ(list->find("nottemp.example"), "");
  EXPECT_EQ(list->find(""), "");
}

TEST(ReferenceTest, AWrongLineIsNamed) {
  const auto list =
      ReferenceList::parse("nets", ListRole::blocked, "10.0.0.0/8\n\n10.0.0.0/99\n", "nets.txt");
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.error().cause, Cause::invalid);
  EXPECT_TRUE(list.error().message.starts_with("nets.txt:3: ")) << list.error().message;
  const auto words = ReferenceList::parse("w", ListRole::blocked, "not a!domain\n", "w.txt");
  EXPECT_TRUE(words.ok() || words.error().message.starts_with("w.txt:1: "));
}

TEST(ReferenceTest, TheVersionIsThatOfTheText) {
  const auto a = ReferenceList::parse("n", ListRole::blocked, "10.0.0.0/8\n", "f");
  const auto b = ReferenceList::parse("n", ListRole::blocked, "10.0.0.0/9\n", "f");
  EXPECT_EQ(a->version().size(), 12U);
  EXPECT_NE(a->version(), b->version());
}

TEST(ReferenceTest, FilesAreReadThroughTheHandedInDisk) {
  env::sim::SimFiles files;
  ASSERT_TRUE(files.make_folders("lists").ok());
  ASSERT_TRUE(files.write_file("lists/free.txt", "freebox.example\n").ok());
  const std::vector<ListSource> sources = {{"free", ListRole::free_mail, "lists/free.txt"}};
  const auto data = ReferenceData::load(files, sources);
  ASSERT_TRUE(data.ok()) << data.error().message;
  EXPECT_TRUE(data->is_free_mail("freebox.example"));
  EXPECT_TRUE(data->is_free_mail("gmail.com"));
  EXPECT_FALSE(data->is_free_mail("acme.example"));
  const std::vector<ListSource> missing = {{"gone", ListRole::blocked, "lists/gone.txt"}};
  const auto error = ReferenceData::load(files, missing);
  ASSERT_FALSE(error.ok());
  EXPECT_NE(error.error().message.find("gone"), std::string::npos);
}

TEST(ReferenceTest, RolesHaveNames) {
  EXPECT_EQ(*parse_list_role("hosting"), ListRole::hosting);
  EXPECT_EQ(to_string(ListRole::free_mail), "free_mail");
  EXPECT_EQ(to_string(*parse_list_role("network")), "network");
  EXPECT_FALSE(parse_list_role("nice").ok());
}

}  // namespace
}  // namespace bonafide::trust
