#include "stores/state/embedded_state.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "env/random.hpp"
#include "env/sim/clock.hpp"

namespace bonafide::stores {
namespace {

namespace fs = std::filesystem;
using flow::Applied;
using flow::Delta;
using flow::Position;
using flow::ShardId;

const ShardId shard_a{"mail.scored", flow::Lane::live, 0};
const ShardId shard_b{"mail.scored", flow::Lane::backfill, 1};

class EmbeddedStateTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("bonafide-state-" + std::to_string(::getpid()) + "-" +
                                         testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
    settings_.folder = (root_ / "state").string();
    open();
  }
  void TearDown() override {
    state_.reset();
    fs::remove_all(root_);
  }
  void open() {
    state_.reset();
    auto opened = EmbeddedState::open(settings_, clock_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    state_ = std::move(opened).value();
  }
  /// Closing writes nothing more: what is left is what a kill would leave.
  void crash() { open(); }
  Result<Applied> apply(uint64_t after, uint64_t upto, const std::vector<Delta>& deltas,
                        const ShardId& shard = shard_a) {
    return state_->apply({shard, Position::of(after), Position::of(upto)}, deltas);
  }
  void must_apply(uint64_t after, uint64_t upto, const std::vector<Delta>& deltas,
                  const ShardId& shard = shard_a) {
    const auto result = apply(after, upto, deltas, shard);
    ASSERT_TRUE(result.ok()) << result.error().message;
    ASSERT_EQ(*result, Applied::now);
  }
  flow::Answers ask(const std::vector<std::string>& keys) {
    flow::Answers out;
    int answered = 0;
    state_->ask(keys, Time{}, [&](flow::Answers answers) {
      out = std::move(answers);
      ++answered;
    });
    EXPECT_EQ(answered, 1);
    return out;
  }
  int64_t total(const std::string& key, const std::string& field = "tx") {
    const auto answers = ask({key});
    if (answers[0] == nullptr) return -1;
    const auto* found = answers[0]->find(field);
    return found == nullptr ? 0 : found->total();
  }
  uint64_t applied(const ShardId& shard = shard_a) { return state_->applied(shard)->major(); }
  uint64_t durable(const ShardId& shard = shard_a) { return state_->durable(shard)->major(); }
  static Delta delta(const std::string& key, int64_t n = 1, int32_t bucket = 20'000,
                     const std::string& field = "tx") {
    return {key, {{field, bucket, n}}};
  }

  fs::path root_;
  env::sim::ManualClock clock_;
  EmbeddedStateSettings settings_;
  std::unique_ptr<EmbeddedState> state_;
};

TEST_F(EmbeddedStateTest, AnswersInTheOrderAskedWithEmptyHistoriesForTheUnknown) {
  must_apply(0, 5, {delta("a", 2), delta("b", 3), delta("a", 1)});
  const auto answers = ask({"b", "nobody", "a", "a"});
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_EQ(answers[0]->find("tx")->total(), 3);
  EXPECT_TRUE(answers[1]->empty());
  EXPECT_EQ(answers[2]->find("tx")->total(), 3);
  EXPECT_EQ(*answers[3], *answers[2]);
}

TEST_F(EmbeddedStateTest, AStretchCountsOnceAndAGapIsRefused) {
  must_apply(0, 5, {delta("a")});
  EXPECT_EQ(*apply(0, 5, {delta("a")}), Applied::already);
  EXPECT_EQ(*apply(0, 3, {delta("a")}), Applied::already);
  const auto gap = apply(6, 9, {delta("a")});
  ASSERT_FALSE(gap.ok());
  EXPECT_EQ(gap.error().cause, Cause::conflict);
  EXPECT_EQ(total("a"), 1);
  EXPECT_EQ(applied(), 5U);
  EXPECT_EQ(applied(shard_b), 0U);
}

TEST_F(EmbeddedStateTest, AnAnswerDoesNotChangeAfterItWasGiven) {
  must_apply(0, 1, {delta("a")});
  const auto before = ask({"a", "new"});
  must_apply(1, 2, {delta("a"), delta("new")});
  EXPECT_EQ(before[0]->find("tx")->total(), 1);
  EXPECT_TRUE(before[1]->empty());
  EXPECT_EQ(total("a"), 2);
  EXPECT_EQ(total("new"), 1);
}

TEST_F(EmbeddedStateTest, ACrashLosesWhatCameAfterTheCheckpointAndNothingElse) {
  must_apply(0, 5, {delta("a"), delta("b")});
  must_apply(0, 7, {delta("a")}, shard_b);
  EXPECT_EQ(durable(), 0U);
  ASSERT_TRUE(state_->checkpoint().ok());
  EXPECT_EQ(durable(), 5U);
  must_apply(5, 6, {delta("a", 100)});
  crash();
  EXPECT_EQ(total("a"), 2);
  EXPECT_EQ(applied(), 5U);
  EXPECT_EQ(applied(shard_b), 7U);
  EXPECT_EQ(durable(shard_b), 7U);
}

// However the stream is cut into stretches, whenever the power goes and however often: the end is the same.
TEST_F(EmbeddedStateTest, ReplayAfterCrashesGivesTheSameHistories) {
  settings_.memory_bytes = 256 << 10;  // far too small: records go in and out
  settings_.checkpoint_every = Duration::millis(20);
  open();
  constexpr uint64_t count = 6000, keys = 1500;
  const auto key = [](uint64_t i) { return "key-" + std::to_string(i * 2654435761 % keys); };
  env::SeededRandom random(7);
  uint64_t crashes = 0;
  for (uint64_t at = 0; at < count;) {
    const uint64_t upto = std::min(count, at + 1 + random.below(40));
    std::vector<Delta> deltas;
    for (uint64_t i = at; i < upto; ++i) deltas.push_back(delta(key(i), 1, static_cast<int32_t>(i % 7)));
    must_apply(at, upto, deltas);
    clock_.advance(Duration::millis(static_cast<int64_t>(random.below(5))));
    for (uint64_t steps = random.below(4); steps > 0; --steps)
      ASSERT_TRUE(state_->settle(clock_.steady(), false).ok());
    if (random.below(40) == 0) {
      crash();
      ++crashes;
    }
    at = applied();
  }
  EXPECT_GT(crashes, 1U);
  std::map<std::string, int64_t> wanted;
  for (uint64_t i = 0; i < count; ++i) ++wanted[key(i)];
  for (const auto& [name, n] : wanted) ASSERT_EQ(total(name), n) << name;
}

TEST_F(EmbeddedStateTest, SettleSpreadsACheckpointAndTellsWhenItWantsToGoOn) {
  settings_.checkpoint_every = Duration::seconds(10);
  open();
  EXPECT_EQ(state_->settle_due().us, INT64_MAX);
  std::vector<Delta> deltas;
  deltas.reserve(2000);
  for (int i = 0; i < 2000; ++i) deltas.push_back(delta("k" + std::to_string(i)));
  must_apply(0, 1, deltas);
  ASSERT_TRUE(state_->settle(clock_.steady(), false).ok());
  EXPECT_EQ(state_->settle_due(), clock_.steady() + Duration::seconds(10));
  clock_.advance(Duration::seconds(10));
  int steps = 0;
  const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes(1);  // the disk may be busy
  while (durable() == 0) {
    ASSERT_TRUE(state_->settle(clock_.steady(), false).ok());
    if (++steps == 2) must_apply(1, 2, {delta("k1999"), delta("k0")});  // in the middle of it
    ASSERT_LT(std::chrono::steady_clock::now(), patience);
  }
  EXPECT_GT(steps, 4);
  EXPECT_EQ(durable(), 1U);
  crash();
  EXPECT_EQ(applied(), 1U);
  EXPECT_EQ(total("k1999"), 1);
  EXPECT_EQ(total("k0"), 1);
}

// Whoever steps it sleeps until settle_due(), for ever if it said so: what changes that must wake it.
TEST_F(EmbeddedStateTest, ASleepingKeeperIsWokenWhenThereIsSomethingToDo) {
  class CountingWake final : public env::Wake {
   public:
    void wake() override { ++count; }
    int count = 0;
  } wake;
  settings_.checkpoint_every = Duration::seconds(10);
  settings_.checkpoint_deltas = 3;
  settings_.wake = &wake;
  open();
  ASSERT_TRUE(state_->settle(clock_.steady(), false).ok());
  ASSERT_EQ(state_->settle_due().us, INT64_MAX);
  must_apply(0, 1, {{"a", {{"tx", 1, 1}}}});
  EXPECT_EQ(wake.count, 1) << "the time to the next checkpoint runs";
  EXPECT_EQ(state_->settle_due(), clock_.steady() + Duration::seconds(10));
  must_apply(1, 2, {{"a", {{"tx", 1, 1}}}});
  EXPECT_EQ(wake.count, 1);
  must_apply(2, 3, {{"a", {{"tx", 1, 1}}}});
  EXPECT_EQ(wake.count, 2) << "sooner than it last said";
  EXPECT_EQ(state_->settle_due(), clock_.steady());
  must_apply(3, 4, {{"a", {{"tx", 1, 1}}}});
  EXPECT_EQ(wake.count, 2);
  while (state_->settle_due().us != INT64_MAX) ASSERT_TRUE(state_->settle(clock_.steady(), false).ok());
  EXPECT_EQ(durable(), 4U);
  must_apply(4, 5, {{"a", {{"tx", 1, 1}}}});
  EXPECT_EQ(wake.count, 3);
}

TEST_F(EmbeddedStateTest, DrainMakesEverythingDurable) {
  must_apply(0, 3, {delta("a")});
  ASSERT_TRUE(state_->settle(clock_.steady(), true).ok());
  EXPECT_EQ(durable(), 3U);
}

TEST_F(EmbeddedStateTest, TheStateReachesTheDiskOnceTheStreamsAreThere) {
  Result<bool> synced = false;
  std::map<ShardId, Position> asked;
  settings_.checkpoint_every = Duration{};
  settings_.streams_synced = [&](const std::map<ShardId, Position>& positions) {
    asked = positions;
    return synced;
  };
  open();
  must_apply(0, 3, {delta("a")});
  const Status waits = state_->checkpoint();
  ASSERT_FALSE(waits.ok());
  EXPECT_EQ(waits.error().cause, Cause::unavailable);
  must_apply(3, 4, {delta("a")});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(state_->settle(clock_.steady(), false).ok());
  EXPECT_EQ(durable(), 0U);
  EXPECT_EQ(state_->settle_due(), clock_.steady() + Duration::millis(1)) << "asks again soon";
  EXPECT_EQ(asked, (std::map<ShardId, Position>{{shard_a, Position::of(3)}})) << "of what it has taken";
  synced = true;
  ASSERT_TRUE(state_->checkpoint().ok());
  EXPECT_EQ(durable(), 4U);
  must_apply(4, 5, {delta("a")});
  synced = Error{Cause::internal, "journal: fdatasync failed"};
  EXPECT_FALSE(state_->checkpoint().ok());
  crash();
  EXPECT_EQ(applied(), 4U);
  EXPECT_EQ(total("a"), 2);
}

TEST_F(EmbeddedStateTest, MemoryStaysBounded) {
  settings_.memory_bytes = 4 << 20;
  open();
  for (uint64_t at = 0; at < 400; ++at) {
    std::vector<Delta> deltas;
    for (uint64_t i = 0; i < 200; ++i) {
      deltas.push_back(delta("key-" + std::to_string(at * 200 + i), 1, 1, "t" + std::string(40, 'x')));
    }
    must_apply(at, at + 1, deltas);
    ASSERT_LT(state_->size().memory_bytes, settings_.memory_bytes);
  }
  EXPECT_EQ(total("key-5", "t" + std::string(40, 'x')), 1);  // long evicted
}

TEST_F(EmbeddedStateTest, OldRecordsAreForgotten) {
  settings_.keep_days = 7;
  open();
  const auto today = static_cast<int32_t>(clock_.now().day());
  must_apply(0, 1, {delta("old", 1, today - 7), delta("renewed", 1, today - 7), delta("young", 1, today)});
  EXPECT_EQ(total("old"), 1);
  clock_.advance(Duration::days(1));
  EXPECT_EQ(total("old"), 0);
  EXPECT_EQ(total("young"), 1);
  must_apply(1, 2, {delta("renewed", 1, today + 1)});
  EXPECT_EQ(total("renewed"), 1);  // the forgotten past does not come back
  ASSERT_TRUE(state_->checkpoint().ok());
  open();
  EXPECT_EQ(total("old"), 0);
  EXPECT_EQ(total("renewed"), 1);
  EXPECT_EQ(total("young"), 1);
}

TEST_F(EmbeddedStateTest, ASecondUserIsToldWhoIsInTheWay) {
  const auto second = EmbeddedState::open(settings_, clock_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().cause, Cause::conflict);
  EXPECT_NE(second.error().message.find("stop that one first"), std::string::npos) << second.error().message;
}

std::vector<fs::path> files_like(const std::string& folder, const std::string& part) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().find(part) != std::string::npos) out.push_back(entry.path());
  }
  return out;
}

void flip(const fs::path& path, uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ 0x10));
}

TEST_F(EmbeddedStateTest, VerifyNamesTheFileOfAnyFlippedByte) {
  std::vector<Delta> deltas;
  deltas.reserve(50);
  for (int i = 0; i < 50; ++i) deltas.push_back(delta("k" + std::to_string(i)));
  must_apply(0, 1, deltas);
  ASSERT_TRUE(state_->checkpoint().ok());
  const auto tables = files_like(settings_.folder, ".sst");
  ASSERT_EQ(tables.size(), 1U);
  const auto found = [&] {
    std::vector<std::string> places;
    EXPECT_TRUE(state_->verify([&](const Damage& damage) { places.push_back(damage.place); }).ok());
    return places;
  };
  EXPECT_TRUE(found().empty());
  const auto size = fs::file_size(tables[0]);
  for (uint64_t at = 0; at < size; ++at) {
    flip(tables[0], at);
    const auto places = found();
    ASSERT_EQ(places.size(), 1U) << "byte " << at;
    EXPECT_NE(places[0].find(tables[0].filename().string()), std::string::npos);
    flip(tables[0], at);
  }
  EXPECT_TRUE(found().empty());
  EXPECT_TRUE(state_->damaged());
}

TEST_F(EmbeddedStateTest, ADamagedStoreIsRefusedWithWordsOrAnswersUnknownAndNeverServesWrongCounts) {
  std::vector<Delta> deltas;
  deltas.reserve(50);
  for (int i = 0; i < 50; ++i) deltas.push_back(delta("k" + std::to_string(i)));
  must_apply(0, 1, deltas);
  ASSERT_TRUE(state_->checkpoint().ok());
  const auto table = files_like(settings_.folder, ".sst")[0];
  state_.reset();
  const auto size = fs::file_size(table);
  int refused = 0, unknown = 0;
  for (uint64_t at = 0; at < size; at += 7) {
    flip(table, at);
    auto opened = EmbeddedState::open(settings_, clock_);
    if (!opened.ok()) {
      ++refused;
      EXPECT_EQ(opened.error().cause, Cause::damaged);
      EXPECT_NE(opened.error().message.find("delete this folder"), std::string::npos)
          << opened.error().message;
    } else {
      state_ = std::move(opened).value();
      const int64_t n = total("k7");
      EXPECT_TRUE(n == 1 || n == -1) << n;
      unknown += n == -1 ? 1 : 0;
      if (n == -1) {
        EXPECT_FALSE(apply(1, 2, {delta("k7")}).ok());
      }
    }
    state_.reset();
    flip(table, at);
  }
  EXPECT_GT(refused + unknown, 0);
}

TEST_F(EmbeddedStateTest, ADamagedManifestIsRefusedWithWords) {
  must_apply(0, 1, {delta("a")});
  ASSERT_TRUE(state_->checkpoint().ok());
  state_.reset();
  const auto manifest = files_like(settings_.folder, "MANIFEST")[0];
  flip(manifest, fs::file_size(manifest) / 2);
  const auto opened = EmbeddedState::open(settings_, clock_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().cause, Cause::damaged);
}

TEST_F(EmbeddedStateTest, SeveralThreadsMayAskAndApply) {
  settings_.memory_bytes = 1 << 20;
  open();
  constexpr uint64_t rounds = 300;
  const auto work = [&](uint32_t number) {
    const ShardId shard{"t", flow::Lane::live, number};
    for (uint64_t at = 0; at < rounds; ++at) {
      std::vector<std::string> keys;
      std::vector<Delta> deltas;
      for (uint64_t i = 0; i < 5; ++i) {
        keys.push_back("k" + std::to_string((at * 5 + i) % 400));
        deltas.push_back(delta(keys.back()));
      }
      state_->ask(keys, Time{}, [](const flow::Answers& answers) {
        for (const auto& answer : answers) ASSERT_TRUE(answer->empty() || answer->find("tx")->total() > 0);
      });
      ASSERT_TRUE(state_->apply({shard, Position::of(at), Position::of(at + 1)}, deltas).ok());
      if (number == 0) {
        ASSERT_TRUE(state_->settle(Time{static_cast<int64_t>(at) * 1'000'000}, false).ok());
      }
    }
  };
  std::thread one(work, 0), two(work, 1), three(work, 2);
  one.join(), two.join(), three.join();
  int64_t sum = 0;
  for (int i = 0; i < 400; ++i) sum += total("k" + std::to_string(i));
  EXPECT_EQ(sum, static_cast<int64_t>(rounds * 5 * 3));
}

}  // namespace
}  // namespace bonafide::stores
