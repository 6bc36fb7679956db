#include <gtest/gtest.h>

#include "avro/bind.hpp"
#include "trust/test_story.hpp"

// What one tenant's mail does to another's scores: nothing, but for the shared counters of machinery, which
// are capped.
namespace bonafide::trust {
namespace {

using test::message;
using test::Sender;
using test::Story;

/// Repeatable dice.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 2654435761 + 1) {}
  uint64_t roll(uint64_t sides) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ >> 33) % sides;
  }

 private:
  uint64_t state_;
};

/// One of five correspondents, all of whom both tenants have: the same people by the same names and
/// addresses. Their machines are those of `block`.
mail::Received mail_of(const std::string& tenant, const std::string& block, Dice& dice, int number) {
  static const std::vector<std::string> names = {"quartz", "lumen", "harbour", "gmail", "copper"};
  const std::string& name = names[dice.roll(names.size())];
  Sender sender;
  sender.name = "Person " + name + (dice.roll(8) == 0 ? " Smith" : "");
  sender.local = dice.roll(6) == 0 ? "other" : "info";
  sender.domain = name == "gmail" ? "gmail.com" : name + ".example";
  sender.envelope_domain = sender.message_id_domain = sender.domain;
  sender.signer = dice.roll(4) == 0 ? "" : block + name + ".example";
  sender.spf = dice.roll(5) == 0 ? "fail" : "pass";
  sender.helo = sender.relay = "mx." + block + name + ".example";
  sender.client_ip = (block == "a" ? "192.0." : "198.51.") + std::to_string(dice.roll(3)) + ".5";
  sender.zone_minutes = static_cast<int32_t>(dice.roll(3)) * 60;
  auto received = message(sender, number / 4, tenant + std::to_string(number));
  received.tenant = tenant;
  if (dice.roll(7) == 0) {  // somebody there writes to them
    received.direction = mail::Direction::outbound;
    received.facts.edit().from = {{"Ann Smith", "ann", "tenant.example"}};
    received.envelope.rcpt_to = {"info@" + sender.domain};
  }
  return received;
}

std::string bytes_of(const mail::Scored& scored) {
  std::string out;
  avro::encode(scored.enrichment, out);
  avro::encode(scored.score, out);
  return out;
}

/// What is said of B's mail, with A's in between or without it.
std::vector<mail::Scored> scores_of_b(uint64_t seed, bool with_a, const std::string& blocks) {
  Story story;
  Dice a(seed), b(seed + 1'000'000);
  std::vector<mail::Scored> out;
  for (int i = 0; i < 160; ++i) {
    if (with_a) {
      for (int k = 0; k < 3; ++k) story.take(mail_of("a", blocks.substr(0, 1), a, 3 * i + k));
    }
    out.push_back(story.take(mail_of("b", blocks.substr(1), b, 3 * i)));
  }
  return out;
}

TEST(IsolationTest, OneTenantsMailLeavesAnothersScoresAsTheyAreBitByBit) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const auto alone = scores_of_b(seed, false, "ab"), beside = scores_of_b(seed, true, "ab");
    ASSERT_EQ(alone.size(), beside.size());
    for (size_t i = 0; i < alone.size(); ++i)
      ASSERT_EQ(bytes_of(alone[i]), bytes_of(beside[i])) << "seed " << seed << ", message " << i;
  }
}

TEST(IsolationTest, OverTheSameMachinesOnlyTheReputationOfMachineryIsShared) {
  bool differs = false;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const auto alone = scores_of_b(seed, false, "aa"), beside = scores_of_b(seed, true, "aa");
    for (size_t i = 0; i < alone.size(); ++i) {
      auto left = alone[i].score.evidence, right = beside[i].score.evidence;
      ASSERT_EQ(left.size(), right.size());
      for (size_t k = 0; k < left.size(); ++k) {
        std::string one, other;
        avro::encode(left[k], one);
        avro::encode(right[k], other);
        if (one == other) continue;
        differs = true;
        ASSERT_TRUE(is_shared(kind_of(left[k].kind))) << left[k].kind << " " << left[k].subject;
      }
    }
  }
  EXPECT_TRUE(differs) << "they share machines, so something is shared";
}

TEST(IsolationTest, WhatOneTenantSaysOfAMachineIsCapped) {
  const auto read_bad = [](int messages) {
    Story story;
    Sender spammer = test::elsewhere(Sender{});
    for (int i = 0; i < messages; ++i) {
      auto received = message(spammer, 1, "spam" + std::to_string(i));
      received.tenant = "a";
      received.facts.edit().from.front().local = "x" + std::to_string(i);
      story.take(std::move(received));
    }
    auto received = message(spammer, 2, "mine");
    received.tenant = "b";
    const auto scored = story.score(std::move(received));
    const auto* reputation = find(find(scored.score.evidence, "network"), "reputation");
    return std::pair(reputation == nullptr ? 0 : reputation->total, scored.score.trust);
  };
  const auto few = read_bad(5), many = read_bad(400), flood = read_bad(3000);
  EXPECT_GT(few.first, 0);
  EXPECT_GT(many.first, few.first);
  EXPECT_EQ(flood.first, many.first) << "more of it says no more";
  EXPECT_EQ(flood.second, many.second);
}

}  // namespace
}  // namespace bonafide::trust
