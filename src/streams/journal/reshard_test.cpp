#include <gmock/gmock.h>

#include "streams/journal/test_world.hpp"

// What the contract's LogReshard suite does not see: restarts with another setting, retention, damage,
// bounds.
namespace bonafide::streams::journal {
namespace {

using flow::Lane;
using flow::ShardId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class JournalReshard : public testing::Test {
 protected:
  JournalReshard() { open(1); }
  /// As after a restart with this setting.
  void open(uint32_t shards) {
    world_.settings.shards = shards;
    if (world_.journal) {
      ASSERT_TRUE(world_.settle().ok());
      ASSERT_TRUE(world_.journal->close().ok());
    }
    world_.must_open();
  }
  void put(const std::string& key, const std::string& value) {
    world_.append({World::entry("t", key, value)});
    ASSERT_TRUE(world_.settle().ok());
  }
  std::unique_ptr<flow::Session> join(const std::string& group) {
    return world_.journal->join({group, {"t"}, flow::Visibility::synced, nullptr}).value();
  }
  /// Reads and commits until nothing more comes; errors as "!message".
  std::vector<std::string> read_all(flow::Session& session) {
    std::vector<std::string> out;
    for (int quiet = 0; quiet < 3;) {
      const auto some = session.read(Lane::live, 3, 1 << 20);
      if (!some.ok()) {
        out.push_back("!" + some.error().message);
        continue;
      }
      if (some->empty()) ++quiet;
      auto transaction = session.begin();
      for (const auto& delivery : *some) {
        out.emplace_back(delivery.record.value.view());
        transaction->consumed(delivery.shard, delivery.position);
      }
      EXPECT_EQ(transaction->commit()->poll(), flow::Fate::done);
      EXPECT_TRUE(world_.settle().ok());
    }
    return out;
  }
  /// "number:parents" of the live shards, "x" behind those that ended.
  std::vector<std::string> shards() {
    std::vector<std::string> out;
    const auto all = world_.journal->shards("t").value();
    for (const auto& shard : all) {
      if (shard.id.lane != Lane::live) continue;
      std::string text = std::to_string(shard.id.number) + ":";
      for (const auto& parent : shard.parents) text += std::to_string(parent.number);
      out.push_back(text + (shard.ended ? "x" : ""));
    }
    return out;
  }

  World world_{1, 4096};
};

TEST_F(JournalReshard, AnotherSettingAtOpeningEndsTheShards) {
  put("a", "1");
  open(2);
  EXPECT_THAT(shards(), ElementsAre("0:x", "1:0", "2:0"));
  put("a", "2");
  open(2);
  EXPECT_THAT(shards(), ElementsAre("0:x", "1:0", "2:0")) << "the same setting changes nothing";
  open(0);
  EXPECT_THAT(shards(), ElementsAre("0:x", "1:0", "2:0")) << "as they are";
  open(3);
  EXPECT_THAT(shards(), ElementsAre("0:x", "1:0x", "2:0x", "3:12", "4:12", "5:12"));
  put("a", "3");
  EXPECT_THAT(read_all(*join("g")), ElementsAre("1", "2", "3"));
}

// A key that was in shard i of n and is in shard j of m: the two are the same modulo what n and m share.
TEST_F(JournalReshard, ParentsAreThoseThatHadKeysOfTheShard) {
  put("a", "1");
  open(4);
  open(2);
  EXPECT_THAT(shards(), ElementsAre("0:x", "1:0x", "2:0x", "3:0x", "4:0x", "5:13", "6:24"));
  open(6);
  const auto all = shards();
  ASSERT_EQ(all.size(), 13U);
  EXPECT_EQ(all[7], "7:5");
  EXPECT_EQ(all[8], "8:6");
  EXPECT_EQ(all[9], "9:5");
}

TEST_F(JournalReshard, TheCatalogueMayBeLost) {
  put("a", "1");
  open(3);
  open(2);
  const auto before = shards();
  ASSERT_TRUE(world_.journal->close().ok());
  ASSERT_TRUE(world_.files.remove("data/journal/catalogue").ok());
  world_.must_open();
  EXPECT_EQ(shards(), before);
}

TEST_F(JournalReshard, WhatRetentionRemovedHoldsNobodyUp) {
  world_.settings.max_age = Duration::hours(1);
  put("a", "old");
  for (int i = 0; i < 20; ++i) put("a", std::to_string(i) + std::string(400, 'x'));
  open(2);
  for (int i = 0; i < 40; ++i) put("a", std::to_string(i) + std::string(400, 'y'));
  for (int i = 0; i < 3; ++i) {
    world_.clock.advance(Duration::hours(2));
    ASSERT_TRUE(world_.settle().ok());
  }
  put("a", "new");
  auto late = join("late");
  const auto read = read_all(*late);
  ASSERT_FALSE(read.empty());
  EXPECT_EQ(read.back(), "new");
  for (const auto& value : read) EXPECT_FALSE(value.starts_with("!")) << value;
}

TEST_F(JournalReshard, DamageAtTheEndOfAShardHoldsNobodyUp) {
  put("a", "first");
  put("a", "last of its shard");
  open(2);
  put("a", "later");
  ASSERT_TRUE(world_.journal->close().ok());
  world_.journal.reset();
  for (const auto& [path, bytes] : world_.files.durable()) {
    const size_t at = bytes.find("last of its shard");
    if (at == std::string::npos) continue;
    const auto file = world_.files.open(path, env::Open::read_write);
    ASSERT_TRUE((*file)->write_at(at, "L").ok());
    ASSERT_TRUE((*file)->sync_all().ok());
  }
  world_.must_open();
  auto session = join("g");
  EXPECT_THAT(read_all(*session),
              UnorderedElementsAre("first", HasSubstr("the checksum of the record is wrong"), "later"));
  for (const auto& backlog : world_.journal->backlog("g").value()) EXPECT_EQ(backlog.records, 0U);
}

TEST_F(JournalReshard, TheNumberOfShardsIsBounded) {
  put("a", "1");
  ASSERT_TRUE(world_.journal->repartition("t", 1000).ok());
  const Status more = world_.journal->repartition("t", 100);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().cause, Cause::exhausted);
  EXPECT_THAT(more.error().message, HasSubstr("let it keep 1000"));
  EXPECT_EQ(world_.journal->repartition("t", 0).error().cause, Cause::invalid);
  EXPECT_TRUE(world_.journal->repartition("t", 1000).ok()) << "nothing to do";
}

// A sink's progress is committed when it is durable, which may take a minute: the session itself need not
// wait.
TEST_F(JournalReshard, OneSessionGoesOnBeforeItsProgressIsCommitted) {
  put("a", "1");
  open(2);
  open(3);
  put("a", "2");
  auto session = join("g");
  EXPECT_EQ(session->gained().size(), 12U);
  std::vector<std::string> read;
  for (int i = 0; i < 4; ++i) {
    const auto some = session->read(Lane::live, 1, 1 << 20).value();
    for (const auto& delivery : some) read.emplace_back(delivery.record.value.view());
  }
  EXPECT_THAT(read, ElementsAre("1", "2"));
}

TEST_F(JournalReshard, WhatFollowsIsTakenBackWhenItsParentsChangeHands) {
  put("a", "1");
  open(2);
  for (int i = 0; i < 20; ++i) put("key" + std::to_string(i), std::to_string(i));
  auto first = join("g");
  EXPECT_EQ(first->gained().size(), 6U);
  EXPECT_EQ(first->read(Lane::live, 100, 1 << 20)->size(), 1U);
  EXPECT_EQ(first->read(Lane::live, 100, 1 << 20)->size(), 20U);
  auto second = join("g");
  EXPECT_EQ(second->gained().size(), 6U) << "what follows goes with what is before it";
  EXPECT_EQ(first->lost().size(), 6U);
  EXPECT_EQ(read_all(*second).size(), 21U);
  second.reset();
  EXPECT_EQ(first->gained().size(), 6U);
}

TEST_F(JournalReshard, SessionsShareWhatFollows) {
  put("a", "1");
  auto one = join("g");
  read_all(*one);
  ASSERT_TRUE(world_.journal->repartition("t", 4).ok());
  auto two = join("g");
  for (int i = 0; i < 40; ++i) put("key" + std::to_string(i), std::to_string(i));
  const auto first = read_all(*one), second = read_all(*two);
  EXPECT_EQ(first.size() + second.size(), 40U);
  EXPECT_FALSE(first.empty());
  EXPECT_FALSE(second.empty());
}

}  // namespace
}  // namespace bonafide::streams::journal
