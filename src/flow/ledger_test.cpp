#include "flow/ledger.hpp"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "env/random.hpp"

namespace bonafide::flow {
namespace {

Tally of(const std::vector<std::string>& ids) {
  Tally sum;
  for (const auto& id : ids) sum += Tally::of(id, "content of " + id);
  return sum;
}
const LedgerKey noon = {"default", 1'000'000};

TEST(Tally, DoesNotDependOnTheOrder) {
  env::SeededRandom random(2);
  std::vector<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back(random.bytes(16));
  const Tally expected = of(ids);
  std::ranges::reverse(ids);
  std::ranges::rotate(ids, ids.begin() + 321);
  EXPECT_EQ(of(ids), expected);
  EXPECT_EQ(of({"a", "b"}) - of({"a"}), of({"b"}));
  EXPECT_TRUE((of({"a"}) - of({"a"})).empty());
}

TEST(Tally, TellsEventsApart) {
  EXPECT_NE(of({"a", "b"}), of({"a", "c"}));
  EXPECT_NE(of({"a", "a"}), of({"a"}));
  EXPECT_NE(Tally::of("id", "one"), Tally::of("id", "two")) << "a changed content is another event";
  EXPECT_NE(Tally::of("ab", "c"), Tally::of("a", "bc"));
  EXPECT_NE(of({"a", "d"}), of({"b", "c"}));
}

struct Case {
  const char* name;
  std::vector<std::string> door;
  std::function<void(HopLedger&)> hop;
  std::string expected;  ///< what the imbalance says, "" if there is none
};

TEST(Balance, InIsWhatBecameOfIt) {
  const std::vector<Case> cases = {
      {"nothing", {}, [](HopLedger&) {}, ""},
      {"all passed on",
       {"a", "b"},
       [](HopLedger& h) {
         h.out[noon] = of({"b", "a"});
       },
       ""},
      {"each kind of end counts",
       {"a", "b", "c", "d", "e", "f", "g"},
       [](HopLedger& h) {
         h.out[noon] = of({"a"});
         h.parked[noon] = of({"b"});
         h.dropped["heartbeat"][noon] = of({"c"});
         h.dropped["too old"][noon] = of({"d"});
         h.duplicate[noon] = of({"e"});
         h.retired[noon] = of({"f"});
         h.under_way[noon] = of({"g"});
       },
       ""},
      {"missing",
       {"a", "b", "c"},
       [](HopLedger& h) { h.out[noon] = of({"a"}); },
       "3 came in, 1 are accounted for: 2 missing"},
      {"too many",
       {"a"},
       [](HopLedger& h) {
         h.out[noon] = of({"a", "a"});
       },
       "1 too many"},
      {"other ones",
       {"a", "b"},
       [](HopLedger& h) {
         h.out[noon] = of({"a", "x"});
       },
       "not the same ones"},
      {"invented",
       {},
       [](HopLedger& h) { h.parked[noon] = of({"a"}); },
       "0 came in, 1 are accounted for: 1 too many"},
  };
  for (const auto& c : cases) {
    HopLedger hop;
    hop.hop = "score";
    c.hop(hop);
    const auto found = balance({{noon, of(c.door)}}, {hop});
    ASSERT_EQ(found.size(), c.expected.empty() ? 0U : 1U) << c.name;
    if (found.empty()) continue;
    EXPECT_NE(found[0].text().find(c.expected), std::string::npos) << found[0].text();
    EXPECT_NE(found[0].text().find("score, tenant default, 1971-11-26T10:40:00Z"), std::string::npos)
        << found[0].text();
  }
}

TEST(Balance, HopsAreComparedWithTheirFeedTenantByTenantAndMinuteByMinute) {
  const LedgerKey later = {"default", 1'000'001}, other = {"acme", 1'000'000};
  const Ledger door = {{noon, of({"a", "b"})}, {later, of({"c"})}, {other, of({"d"})}};
  HopLedger score{"score", "", door, {}, {}, {}, {}, {}};
  score.out[noon] = of({"a"});
  score.parked[noon] = of({"b"});
  HopLedger import{"import", "score", score.out, {}, {}, {}, {}, {}};
  HopLedger archive{"archive", "score", score.out, {}, {}, {}, {}, {}};
  EXPECT_TRUE(balance(door, {score, import, archive}).empty());

  archive.out[later] = {};        // c is lost in the archive
  import.out[other] = of({"b"});  // d became b in the rows
  const auto found = balance(door, {score, import, archive});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].hop, "import");
  EXPECT_EQ(found[0].key, other);
  EXPECT_EQ(found[1].hop, "archive");
  EXPECT_EQ(found[1].key, later);
  EXPECT_EQ(found[1].in.count, 1U);
  EXPECT_EQ(found[1].accounted.count, 0U);
}

// What the order-free hash is for: errors that counts alone do not show.
TEST(Balance, FindsEverySwapLossAndCopyInRandomBooks) {
  env::SeededRandom random(8);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> ids;
    for (uint64_t i = 5 + random.below(50); i > 0; --i) ids.push_back(random.bytes(16));
    HopLedger hop;
    hop.hop = "h";
    hop.out[noon] = of(ids);
    const Ledger door = {{noon, of(ids)}};
    EXPECT_TRUE(balance(door, {hop}).empty());
    auto wrong = ids;
    const size_t at = random.below(ids.size());
    switch (random.below(3)) {
      case 0:
        wrong[at] = random.bytes(16);
        break;
      case 1:
        wrong.erase(wrong.begin() + static_cast<long>(at));
        break;
      default:
        wrong.push_back(wrong[at]);
    }
    hop.out[noon] = of(wrong);
    EXPECT_EQ(balance(door, {hop}).size(), 1U);
  }
}

}  // namespace
}  // namespace bonafide::flow
