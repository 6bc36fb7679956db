#pragma once
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "flow/contract/log_harness.hpp"

/// What a log promises whose shards end and are followed by others (Traits::reshards); one that never does is
/// held to that. Instantiated beside LogContract (log_contract.hpp), with the same cases.
namespace bonafide::flow::contract {

/// Writes records of a few keys, and checks that a group reads them in order per key, each once, and no shard
/// before its parents' ends.
class LogReshard : public LogContract {
 protected:
  void write(int count) {
    for (int i = 0; i < count; ++i, ++next_) {
      const std::string key = "key" + std::to_string(next_ % 5), value = std::to_string(next_);
      put({entry("in", key, value)});
      written_[key].push_back(value);
    }
  }
  /// Reads and processes until all that was written has been.
  void read_all(Session& session) {
    eventually(
        [&] {
          const auto some = session.read(Lane::live, 7, 1 << 20);
          EXPECT_TRUE(some.ok());
          for (const auto& delivery : *some) note(delivery);
          if (!some->empty()) {
            EXPECT_EQ(fate_of(*process(session, *some, "out")), Fate::done);
          }
          return total_ >= static_cast<size_t>(next_);
        },
        "the shards and those that follow them");
    EXPECT_EQ(read_, written_);
  }
  void note(const Delivery& delivery) {
    ++total_;
    read_[std::string(delivery.record.key.view())].emplace_back(delivery.record.value.view());
    seen_.insert(delivery.shard);
    const auto shards = log().shards("in").value();
    for (const auto& shard : shards) {
      const bool child = std::ranges::find(shard.parents, delivery.shard) != shard.parents.end();
      EXPECT_FALSE(child && seen_.contains(shard.id))
          << shard.id.text() << " was read before the end of " << delivery.shard.text();
    }
  }
  /// What shards() says after a change: `ended` of them are ended, and each open one has parents that are.
  void expect_shards(size_t ended, size_t open) {
    size_t is_ended = 0, is_open = 0;
    const auto shards = log().shards("in").value();
    for (const auto& shard : shards) {
      if (shard.id.lane != Lane::live) continue;
      ++(shard.ended ? is_ended : is_open);
      if (shard.ended) continue;
      EXPECT_FALSE(shard.parents.empty()) << shard.id.text();
      for (const auto& parent : shard.parents) {
        const auto known = std::ranges::find(shards, parent, [](const Shard& s) { return s.id; });
        ASSERT_NE(known, shards.end());
        EXPECT_TRUE(known->ended) << parent.text();
      }
    }
    EXPECT_EQ(is_ended, ended);
    EXPECT_EQ(is_open, open);
  }
  /// False: this log never does it, and is held to that.
  bool reshards() {
    if (log().traits().reshards) return true;
    write(20);
    const auto shards = log().shards("in").value();
    for (const auto& shard : shards) {
      EXPECT_FALSE(shard.ended);
      EXPECT_TRUE(shard.parents.empty());
    }
    auto session = join("g", {"in"});
    read_all(*session);
    return false;
  }

  int next_ = 0;
  size_t total_ = 0;
  std::map<std::string, std::vector<std::string>> written_, read_;
  std::set<ShardId> seen_;
};

TEST_P(LogReshard, ASplitShardIsReadBeforeItsChildren) {
  if (!reshards()) return;
  write(20);
  harness().reshard("in", 2);
  write(20);
  expect_shards(1, 2);
  auto session = join("g", {"in"});
  read_all(*session);
  EXPECT_EQ(seen_.size(), 3U);
}

TEST_P(LogReshard, MergedShardsAreReadBeforeTheirChild) {
  start({.shards = 2});
  if (!reshards()) return;
  write(20);
  harness().reshard("in", 1);
  write(20);
  expect_shards(2, 1);
  auto session = join("g", {"in"});
  read_all(*session);
  EXPECT_EQ(seen_.size(), 3U);
}

TEST_P(LogReshard, ASessionGoesOnThroughSplitsAndMerges) {
  if (!reshards()) return;
  auto session = join("g", {"in"});
  for (const uint32_t shards : {2, 4, 1, 2}) {
    write(15);
    harness().reshard("in", shards);  // what is there may be read or not, it is not committed
    read_all(*session);
    write(5);
    read_all(*session);
  }
  std::set<ShardId> gained;
  for (const auto& shard : session->gained()) gained.insert(shard);
  for (const auto& shard : seen_) EXPECT_TRUE(gained.contains(shard)) << shard.text();
}

TEST_P(LogReshard, ShardsThatWereNeverWrittenToHoldNothingUp) {
  if (!reshards()) return;
  write(10);
  harness().reshard("in", 2);
  harness().reshard("in", 1);
  harness().reshard("in", 2);
  write(10);
  auto session = join("g", {"in"});
  read_all(*session);
}

TEST_P(LogReshard, WhatWasReadBeforeTheSplitCanStillBeCommitted) {
  if (!reshards()) return;
  write(10);
  auto session = join("g", {"in"});
  const auto before = drain(*session, 10);
  harness().reshard("in", 2);
  write(10);
  for (const auto& delivery : before) note(delivery);
  EXPECT_EQ(fate_of(*process(*session, before, "out")), Fate::done);
  read_all(*session);
}

TEST_P(LogReshard, ACrashForgetsNeitherShardsNorTheirOrder) {
  if (!reshards()) return;
  write(10);
  harness().reshard("in", 2);
  write(10);
  harness().settle();
  harness().crash();
  expect_shards(1, 2);
  write(10);
  auto session = join("g", {"in"});
  read_all(*session);
}

TEST_P(LogReshard, ASinkThatGoesBackReadsInOrderAgain) {
  if (!reshards()) return;
  write(10);
  harness().reshard("in", 2);
  write(10);
  auto session = join("g", {"in"});
  read_all(*session);
  total_ = 0;  // its store is lost: from the beginning
  read_.clear();
  seen_.clear();
  for (const auto& shard : session->gained()) EXPECT_TRUE(session->seek(shard, {}).ok());
  for (const auto& delivery : drain(*session, 20)) note(delivery);
  EXPECT_EQ(read_, written_);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LogReshard);

}  // namespace bonafide::flow::contract
