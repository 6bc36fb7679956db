#include "steps/capture/capture.hpp"

#include <filesystem>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/hash.hpp"
#include "env/random.hpp"
#include "env/sim/clock.hpp"
#include "streams/memory/memory_log.hpp"

namespace bonafide::steps {
namespace {

namespace fs = std::filesystem;
using flow::Position;

const flow::ShardId scored{"mail.scored", flow::Lane::live, 0};
const flow::ShardId scored_backfill{"mail.scored", flow::Lane::backfill, 0};
const std::string topic = "mail.changes";

EventId id_of(uint64_t n) {
  std::string tail(10, '\0');
  store_be64(tail.data() + 2, n);
  return EventId::make(Time::from_seconds(1'767'225'600 + static_cast<int64_t>(n)), tail);
}

/// A primary store and a log that can lose power, and capture between them.
class CaptureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("capture_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    open();
  }
  void TearDown() override {
    capture_.reset();
    rows_.reset();
    fs::remove_all(folder_);
  }
  /// As after a restart of the process: what was only in memory is gone.
  void open() {
    capture_.reset();
    rows_.reset();
    stores::RowStoreSettings settings;
    settings.path = (folder_ / "rows.db").string();
    settings.consumers = {"index"};
    settings.most_changes = 500;
    rows_ = std::move(*stores::RowStore::open(settings));
    capture_ = std::move(*Capture::open({.consumer = "index", .topic = topic, .max_records = 10},
                                        {*rows_, *log_, clock_, logger_, metrics_, wake_}));
  }
  Status write(uint64_t first, uint64_t count, int32_t revision = 0, const flow::ShardId& shard = scored) {
    std::vector<std::string> bodies;
    std::vector<stores::RowView> rows;
    for (uint64_t i = 0; i < count; ++i)
      bodies.push_back("body " + std::to_string(first + i) + " of " + std::to_string(revision));
    for (uint64_t i = 0; i < count; ++i)
      rows.push_back({id_of(first + i), revision, {}, bodies[i], bodies[i]});
    const Position after = rows_->written(shard);
    const auto written = rows_->write(rows, {}, {shard, after, Position::of(after.major() + count)});
    if (!written.ok()) return written.error();
    return Ok{};
  }
  Result<flow::Progress> step() {
    clock_.advance(Duration::millis(30));
    return capture_->step();
  }
  void settle() {
    for (int i = 0; i < 200 && !capture_->caught_up(); ++i) {
      ASSERT_TRUE(step().ok());
      log_->sync();
    }
    ASSERT_TRUE(capture_->caught_up());
  }
  std::vector<flow::Delivery> captured(flow::Lane lane = flow::Lane::live) {
    std::vector<flow::Delivery> all;
    const auto shards = log_->shards(topic);
    if (!shards.ok()) return all;
    for (const auto& shard : *shards) {
      if (shard.id.lane != lane) continue;
      const auto reader = *log_->reader(shard.id, {});
      for (;;) {
        auto some = reader->read(100, 1 << 20);
        EXPECT_TRUE(some.ok());
        if (!some.ok() || some->empty()) break;
        std::ranges::move(*some, std::back_inserter(all));
      }
    }
    return all;
  }

  fs::path folder_;
  env::sim::ManualClock clock_;
  env::NoLogger logger_;
  env::Metrics metrics_;
  env::NoWake wake_;
  std::unique_ptr<streams::MemoryLog> log_ =
      std::make_unique<streams::MemoryLog>(streams::MemoryOptions{.sync_at_once = false});
  std::unique_ptr<stores::RowStore> rows_;
  std::unique_ptr<Capture> capture_;
};

TEST_F(CaptureTest, ChangesGoToTheLogInTheirOrderAndLane) {
  ASSERT_TRUE(write(0, 25).ok());
  ASSERT_TRUE(write(100, 3, 1, scored_backfill).ok());
  EXPECT_EQ(capture_->behind(), 28U);
  settle();
  const auto live = captured();
  ASSERT_EQ(live.size(), 25U);
  for (uint64_t i = 0; i < live.size(); ++i) {
    EXPECT_EQ(live[i].record.key.view(), id_of(i).view());
    EXPECT_EQ(live[i].record.value.view(), "body " + std::to_string(i) + " of 0");
    EXPECT_EQ(live[i].record.timestamp, id_of(i).accepted_at());
  }
  EXPECT_EQ(captured(flow::Lane::backfill).size(), 3U);
  EXPECT_TRUE(rows_->changes(0, 100)->empty()) << "the outbox follows the consumer";
  EXPECT_EQ(capture_->due(), Time{INT64_MAX}) << "nothing to do: sleeps until it is woken";
}

TEST_F(CaptureTest, TheMarkMovesOnlyWhenTheRecordsAreSynced) {
  ASSERT_TRUE(write(0, 5).ok());
  ASSERT_TRUE(step().ok());
  ASSERT_TRUE(step().ok());
  EXPECT_EQ(*rows_->consumed("index"), 0);
  EXPECT_FALSE(capture_->caught_up());
  EXPECT_EQ(rows_->changes(0, 100)->size(), 5U);
  log_->sync();
  ASSERT_TRUE(step().ok());
  EXPECT_TRUE(capture_->caught_up());
  EXPECT_EQ(*rows_->consumed("index"), rows_->last_change());
}

TEST_F(CaptureTest, WhenTheLogTakesNothingTheOutboxGrowsToItsBoundAndImportWaits) {
  uint64_t n = 0;
  while (write(n, 50).ok()) {
    n += 50;
    ASSERT_TRUE(step().ok());  // never synced
    ASSERT_LT(n, 5000U);
  }
  EXPECT_EQ(write(n, 1).error().cause, Cause::exhausted);
  settle();
  EXPECT_TRUE(write(n, 1).ok());
  settle();
  EXPECT_EQ(captured().size(), n + 1);
}

// Power cuts and restarts at every point: nothing is lost, the order of each id is kept, and who keeps the
// newest revision of each id has every row once.
TEST_F(CaptureTest, NothingIsLostWhereverItIsInterrupted) {
  env::SeededRandom random(11);
  std::map<EventId, int32_t> written;
  uint64_t next = 0;
  for (int round = 0; round < 400; ++round) {
    switch (random.below(6)) {
      case 0:
      case 1: {
        const uint64_t count = 1 + random.below(20);
        if (!write(next, count).ok()) break;  // the outbox is full
        for (uint64_t i = 0; i < count; ++i) written[id_of(next + i)] = 0;
        next += count;
        break;
      }
      case 2: {
        if (next == 0) break;
        const uint64_t which = random.below(next);
        if (!write(which, 1, written[id_of(which)] + 1).ok()) break;
        ++written[id_of(which)];
        break;
      }
      case 3:
        log_->sync();
        break;
      case 4:
        ASSERT_TRUE(step().ok());
        break;
      default:
        if (random.below(3) != 0) {
          ASSERT_TRUE(step().ok());
        } else if (random.below(2) == 0) {
          log_->crash();  // and with the machine the process
          open();
        } else {
          open();
        }
    }
  }
  settle();
  std::map<EventId, int32_t> index;
  size_t doubled = 0;
  for (const auto& delivery : captured()) {
    const auto id = *EventId::from_bytes(delivery.record.key.view());
    const std::string value(delivery.record.value.view());
    const int32_t revision = std::stoi(value.substr(value.rfind(' ') + 1));
    const auto known = index.find(id);
    if (known == index.end() || known->second < revision) {
      index[id] = revision;
    } else {
      ++doubled;
    }
  }
  EXPECT_EQ(index, written);
  EXPECT_GT(doubled, 0U) << "the test interrupts nothing";
}

TEST_F(CaptureTest, ADamagedEntryIsToldAndPassed) {
  ASSERT_TRUE(write(0, 3).ok());
  {
    const auto db =
        *stores::Connection::open((folder_ / "rows.db").string(), stores::Connection::Mode::write, 1 << 20);
    ASSERT_TRUE(db->run("update changes set body=x'00' where number=2").ok());
  }
  settle();
  EXPECT_EQ(captured().size(), 2U);
  EXPECT_EQ(metrics_.counter("bonafide_events_dropped_total", "", {{"step", "capture"}}).value(), 1U);
}

}  // namespace
}  // namespace bonafide::steps
