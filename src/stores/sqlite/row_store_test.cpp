#include "stores/sqlite/row_store.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include "env/random.hpp"

namespace bonafide::stores {
namespace {

namespace fs = std::filesystem;
using flow::Position;
using flow::ShardId;

const ShardId shard_a{"mail.scored", flow::Lane::live, 0};
const std::vector<Column> columns = {
    {"sender", ColumnType::text}, {"at", ColumnType::integer}, {"trust", ColumnType::real}};

EventId id_of(uint64_t n, int64_t day = 20'000) {
  std::string random(10, '\0');
  store_be64(random.data() + 2, n * 0x9E3779B97F4A7C15);
  return EventId::make(Time{} + Duration::days(day) + Duration::millis(static_cast<int64_t>(n)), random);
}

class RowStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("bonafide-rows-" + std::to_string(::getpid()) + "-" +
                                         testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
    settings_.path = (root_ / "rows.sqlite").string();
    settings_.columns = columns;
    open();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(root_);
  }
  void open() {
    store_.reset();
    auto opened = RowStore::open(settings_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
  }
  /// One batch of rows 'from' to 'upto' - 1 at positions 1 more than their number.
  Result<RowStore::Written> write(uint64_t from, uint64_t upto, int32_t revision = 0,
                                  const std::string& event = "event ") {
    std::vector<std::string> events, senders;
    std::vector<std::vector<ValueView>> values;
    std::vector<RowView> rows;
    events.reserve(upto), senders.reserve(upto);
    for (uint64_t n = from; n < upto; ++n) {
      events.push_back(event + std::to_string(n));
      senders.push_back("sender" + std::to_string(n) + "@example.org");
      values.push_back({std::string_view(senders.back()), static_cast<int64_t>(n),
                        n % 2 == 0 ? ValueView(0.5) : ValueView()});
      rows.push_back({id_of(n, day_), revision, {}, events.back()});
    }
    for (size_t i = 0; i < rows.size(); ++i) rows[i].values = values[i];
    return store_->write(rows, {}, {shard_a, Position::of(from), Position::of(upto)});
  }
  std::vector<Damage> verify(std::set<std::string>* seen = nullptr) {
    std::vector<Damage> out;
    const auto done = store_->rows().verify(
        [&](const StoredRow& row) {
          if (seen != nullptr) seen->insert(row.id.hex());
        },
        [&](const Damage& damage) { out.push_back(damage); });
    EXPECT_TRUE(done.ok()) << done.error().message;
    return out;
  }
  void sql(const std::string& text) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(settings_.path.c_str(), &db), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(db, text.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
    sqlite3_close(db);
  }

  fs::path root_;
  RowStoreSettings settings_;
  std::unique_ptr<RowStore> store_;
  int64_t day_ = 20'000;
};

TEST_F(RowStoreTest, ARowComesBackAsItWasWritten) {
  ASSERT_TRUE(write(0, 3).ok());
  const auto row = store_->rows().get(id_of(2));
  ASSERT_TRUE(row.ok()) << row.error().message;
  EXPECT_EQ(row->id, id_of(2));
  EXPECT_EQ(row->revision, 0);
  EXPECT_EQ(row->text(0), "sender2@example.org");
  EXPECT_EQ(std::get<int64_t>(row->values[1]), 2);
  EXPECT_EQ(std::get<double>(row->values[2]), 0.5);
  EXPECT_EQ(row->event, "event 2");
  EXPECT_EQ(store_->rows().get(id_of(1))->values[2], Value());
  EXPECT_EQ(store_->rows().get(id_of(9)).error().cause, Cause::not_found);
}

TEST_F(RowStoreTest, ARepeatIsCountedAndAnotherContentReplaces) {
  ASSERT_TRUE(write(0, 4).ok());
  auto again = write(0, 6);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->rows, 2U);
  EXPECT_EQ(again->duplicates, 4U);
  again = write(0, 2, 0, "changed ");
  EXPECT_EQ(again->replaced, 2U);
  EXPECT_EQ(store_->rows().get(id_of(1))->event, "changed 1");
  EXPECT_EQ(*store_->rows().count({}), 6U);
  EXPECT_TRUE(verify().empty());
}

TEST_F(RowStoreTest, TheNewestRevisionIsShownAndOlderOnesStay) {
  ASSERT_TRUE(write(0, 3).ok());
  ASSERT_TRUE(write(1, 2, 1, "second ").ok());
  EXPECT_EQ(store_->rows().get(id_of(1))->event, "second 1");
  EXPECT_EQ(store_->rows().get(id_of(1), 0)->event, "event 1");
  EXPECT_EQ(store_->rows().page({})->rows.size(), 3U);
  Rows::Query all;
  all.newest_revision = false;
  EXPECT_EQ(store_->rows().page(all)->rows.size(), 4U);
  EXPECT_EQ(*store_->rows().count(all), 4U);
  EXPECT_EQ(*store_->rows().count({}), 3U);
}

TEST_F(RowStoreTest, PagesGoThroughEverythingOnceInBothDirections) {
  ASSERT_TRUE(write(0, 25).ok());
  ASSERT_TRUE(write(5, 10, 3).ok());
  for (const bool newest : {true, false}) {
    for (const bool backwards : {false, true}) {
      Rows::Query query;
      query.newest_revision = newest;
      query.backwards = backwards;
      query.limit = 5;
      std::vector<std::string> seen;
      do {
        const auto page = store_->rows().page(query);
        ASSERT_TRUE(page.ok()) << page.error().message;
        for (const auto& row : page->rows) seen.push_back(row.id.hex() + std::to_string(row.revision));
        query.cursor = page->cursor;
      } while (!query.cursor.empty());
      EXPECT_EQ(seen.size(), newest ? 25U : 30U);
      EXPECT_TRUE(backwards ? std::is_sorted(seen.rbegin(), seen.rend())
                            : std::is_sorted(seen.begin(), seen.end()));
      EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
    }
  }
  Rows::Query range;
  range.from = id_of(7);
  range.before = id_of(9);
  EXPECT_EQ(store_->rows().page(range)->rows.size(), 2U);
  EXPECT_EQ(*store_->rows().count(range), 2U);
  range.cursor = "nonsense";
  EXPECT_EQ(store_->rows().page(range).error().cause, Cause::invalid);
}

TEST_F(RowStoreTest, ProgressLandsWithTheRowsAndIsDurableOnceSettled) {
  ASSERT_TRUE(write(0, 3).ok());
  EXPECT_EQ(store_->written(shard_a), Position::of(3));
  EXPECT_EQ(store_->durable(shard_a), Position());
  ASSERT_TRUE(store_->settle(Time{}, false).ok());
  EXPECT_EQ(store_->durable(shard_a), Position()) << "not due yet";
  EXPECT_EQ(store_->settle_due(), Time{} + settings_.log_age);
  ASSERT_TRUE(store_->settle(store_->settle_due(), false).ok());
  EXPECT_EQ(store_->durable(shard_a), Position::of(3));
  ASSERT_TRUE(write(3, 4).ok());
  ASSERT_TRUE(store_->settle(Time{}, true).ok());
  EXPECT_EQ(store_->durable(shard_a), Position::of(4));
  EXPECT_EQ(store_->settle_due().us, INT64_MAX);
  open();
  EXPECT_EQ(store_->written(shard_a), Position::of(4));
}

// At rest everything is in the database, where a damaged page is named; a log that is damaged just ends
// there.
TEST_F(RowStoreTest, WhatIsDrainedLeavesNoLog) {
  ASSERT_TRUE(write(0, 3).ok());
  EXPECT_GT(fs::file_size(settings_.path + "-wal"), 0U);
  ASSERT_TRUE(store_->settle(Time{}, true).ok());
  EXPECT_EQ(fs::file_size(settings_.path + "-wal"), 0U);
  open();
  EXPECT_EQ(store_->written(shard_a), Position::of(3));
  EXPECT_EQ(*store_->rows().count({}), 3U);
}

// The write-ahead log cut at any byte, as a power cut before a sync may leave it: rows and progress agree.
TEST_F(RowStoreTest, WhereverTheLogIsCutRowsAndProgressAgree) {
  ASSERT_TRUE(store_->settle(Time{}, true).ok());
  for (uint64_t n = 0; n < 12; ++n) ASSERT_TRUE(write(n, n + 1).ok());
  const fs::path copy = root_ / "copy";
  fs::create_directories(copy);
  fs::copy(settings_.path, copy / "rows.sqlite");
  fs::copy(settings_.path + "-wal", copy / "rows.sqlite-wal");
  store_.reset();
  const auto log_bytes = fs::file_size(copy / "rows.sqlite-wal");
  std::set<uint64_t> outcomes;
  for (uint64_t keep = 0; keep <= log_bytes; keep += 4093) {
    fs::remove_all(settings_.path + "-shm");
    fs::copy(copy / "rows.sqlite", settings_.path, fs::copy_options::overwrite_existing);
    fs::copy(copy / "rows.sqlite-wal", settings_.path + "-wal", fs::copy_options::overwrite_existing);
    fs::resize_file(settings_.path + "-wal", keep);
    open();
    const uint64_t upto = store_->written(shard_a).major();
    outcomes.insert(upto);
    EXPECT_EQ(*store_->rows().count({}), upto);
    EXPECT_TRUE(verify().empty());
    EXPECT_EQ(store_->durable(shard_a), Position::of(upto)) << "open() has synced what it found";
    store_.reset();
  }
  EXPECT_EQ(outcomes.size(), 12U) << "0 to 11 batches; the twelfth needs the last byte";
}

TEST_F(RowStoreTest, HeartbeatsKeepOneRowEach) {
  const std::vector<Heartbeat> first = {{"live", id_of(1), Time{5}}, {"backfill", id_of(2), Time{6}}};
  const std::vector<Heartbeat> second = {{"live", id_of(3), Time{7}}};
  ASSERT_TRUE(store_->write({}, first, {shard_a, {}, Position::of(1)}).ok());
  ASSERT_TRUE(store_->write({}, second, {shard_a, Position::of(1), Position::of(2)}).ok());
  const auto beats = store_->rows().heartbeats();
  ASSERT_TRUE(beats.ok());
  ASSERT_EQ(beats->size(), 2U);
  EXPECT_EQ((*beats)[1].id, id_of(3));
  EXPECT_EQ((*beats)[1].at, Time{7});
  EXPECT_EQ(*store_->rows().count({}), 0U);
}

TEST_F(RowStoreTest, TheOutboxIsKeptUntilEveryConsumerHasSeenIt) {
  settings_.consumers = {"index", "audit"};
  open();
  ASSERT_TRUE(write(0, 5).ok());
  ASSERT_TRUE(write(0, 2, 1).ok());
  ASSERT_TRUE(write(0, 5).ok());  // duplicates are no changes
  auto changes = store_->changes(0, 100);
  ASSERT_TRUE(changes.ok());
  ASSERT_EQ(changes->size(), 7U);
  EXPECT_EQ((*changes)[6].id, id_of(1));
  EXPECT_EQ((*changes)[6].revision, 1);
  ASSERT_TRUE(store_->consume("index", (*changes)[4].number).ok());
  EXPECT_EQ(store_->changes(0, 100)->size(), 7U);
  ASSERT_TRUE(store_->consume("audit", (*changes)[2].number).ok());
  EXPECT_EQ(store_->changes(0, 100)->size(), 4U);
  EXPECT_EQ(*store_->consumed("index"), (*changes)[4].number);
  EXPECT_EQ(store_->consumed("nobody").error().cause, Cause::not_found);
  EXPECT_TRUE(verify().empty());

  settings_.consumers = {"index"};  // audit is gone, and must not hold the outbox
  open();
  ASSERT_TRUE(store_->consume("index", (*changes)[6].number).ok());
  EXPECT_TRUE(store_->changes(0, 100)->empty());
}

TEST_F(RowStoreTest, AChangeCarriesItsBodyAndLaneAndAReplacedRowIsAChangeToo) {
  settings_.consumers = {"index"};
  settings_.most_changes = 3;
  open();
  EXPECT_TRUE(store_->is_new("index"));
  int told = 0;
  store_->on_changes([&] { ++told; });
  std::vector<Value> values(settings_.columns.size());
  std::vector<ValueView> views(settings_.columns.size());
  const flow::ShardId backfill{"mail.scored", flow::Lane::backfill, 0};
  const auto put = [&](const flow::ShardId& shard, uint64_t at, ByteView event, ByteView change) {
    const std::vector<RowView> rows = {{id_of(1), 0, views, event, change}};
    return store_->write(rows, {}, {shard, Position::of(at - 1), Position::of(at)});
  };
  ASSERT_TRUE(put(shard_a, 1, "event", "first").ok());
  ASSERT_TRUE(put(backfill, 1, "other event", "second").ok());
  EXPECT_EQ(told, 2);
  const auto changes = *store_->changes(0, 100);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].body, "first");
  EXPECT_EQ(changes[0].lane, flow::Lane::live);
  EXPECT_EQ(changes[1].body, "second");
  EXPECT_EQ(changes[1].lane, flow::Lane::backfill);
  EXPECT_EQ(store_->last_change(), changes[1].number);
  EXPECT_EQ(store_->changes(0, 100, 1)->size(), 1U) << "bounded by bytes, at least one";
  ASSERT_TRUE(put(shard_a, 2, "third event", "third").ok());
  const auto full = put(shard_a, 3, "fourth event", "fourth");
  EXPECT_EQ(full.error().cause, Cause::exhausted) << "the writer waits for the consumer";
  ASSERT_TRUE(store_->consume("index", store_->last_change()).ok());
  EXPECT_TRUE(put(shard_a, 3, "fourth event", "fourth").ok());
  EXPECT_TRUE(verify().empty());
  const int64_t last = store_->last_change();
  open();
  EXPECT_FALSE(store_->is_new("index"));
  EXPECT_EQ(store_->last_change(), last) << "numbers are not used again";
}

TEST_F(RowStoreTest, RetentionRemovesOldRowsButNoneThatAConsumerHasNotSeen) {
  settings_.consumers = {"index"};
  open();
  day_ = 20'000;
  ASSERT_TRUE(write(0, 10).ok());
  day_ = 20'050;
  ASSERT_TRUE(write(10, 14).ok());
  const EventId cut = EventId::lowest(Time{} + Duration::days(20'040));
  EXPECT_EQ(*store_->remove_before(cut, 1000), 0U) << "nothing is consumed yet";
  const auto changes = store_->changes(0, 100);
  ASSERT_TRUE(store_->consume("index", (*changes)[5].number).ok());
  EXPECT_EQ(*store_->remove_before(cut, 4), 4U);
  EXPECT_EQ(*store_->remove_before(cut, 1000), 2U);
  ASSERT_TRUE(store_->consume("index", (*changes)[13].number).ok());
  EXPECT_EQ(*store_->remove_before(cut, 1000), 4U);
  EXPECT_EQ(*store_->remove_before(cut, 1000), 0U);
  EXPECT_EQ(*store_->rows().count({}), 4U);
  EXPECT_TRUE(verify().empty());
}

TEST_F(RowStoreTest, ColumnsMayBeAddedAtTheEndOnly) {
  ASSERT_TRUE(write(0, 2).ok());
  settings_.columns.push_back({"flags", ColumnType::text});
  open();
  const auto row = store_->rows().get(id_of(1));
  ASSERT_TRUE(row.ok()) << row.error().message;
  EXPECT_EQ(row->values.size(), 4U);
  EXPECT_EQ(row->text(3), "");
  EXPECT_TRUE(verify().empty());
  store_.reset();
  settings_.columns = columns;
  EXPECT_EQ(RowStore::open(settings_).error().cause, Cause::invalid);
}

TEST_F(RowStoreTest, AForeignFileIsRefused) {
  store_.reset();
  fs::remove(settings_.path);
  sql("create table other(x)");
  const auto opened = RowStore::open(settings_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().cause, Cause::invalid);
  EXPECT_NE(opened.error().message.find("another data folder"), std::string::npos);
  EXPECT_FALSE(RowStore::open({.path = (root_ / "no" / "folder").string(), .columns = columns}).ok());
}

TEST_F(RowStoreTest, AFullDiskIsExhaustedAndLeavesWhatWasThere) {
  ASSERT_TRUE(write(0, 3).ok());
  ASSERT_TRUE(store_->settle(Time{}, true).ok());
  store_.reset();
  auto db = Connection::open(settings_.path, Connection::Mode::write, 1 << 20);
  ASSERT_TRUE(db.ok());
  ASSERT_TRUE((*db)->run("pragma max_page_count=1").ok());  // as many as there are
  ASSERT_TRUE((*db)->run("begin").ok());
  Status last = Ok{};
  for (int i = 0; i < 100 && last.ok(); ++i) {
    last = (*db)->run("insert into heartbeats values('" + std::to_string(i) + "', zeroblob(9000), 1, 1)");
  }
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().cause, Cause::exhausted);
  EXPECT_NE(last.error().message.find("free some disk space"), std::string::npos);
  db = Error{};
  open();
  EXPECT_EQ(*store_->rows().count({}), 3U);
}

// --- damage
// ----------------------------------------------------------------------------------------------------------

TEST_F(RowStoreTest, ADeletedRowIsMissed) {
  ASSERT_TRUE(write(0, 10).ok());
  EXPECT_TRUE(verify().empty());
  sql("delete from events where id=x'" + id_of(4).hex() + "'");
  std::set<std::string> seen;
  const auto damage = verify(&seen);
  ASSERT_EQ(damage.size(), 1U);
  EXPECT_NE(damage[0].place.find("2024-10-04"), std::string::npos) << damage[0].place;
  EXPECT_NE(damage[0].what.find("1 rows are missing"), std::string::npos) << damage[0].what;
  EXPECT_FALSE(seen.contains(id_of(4).hex()));
  EXPECT_EQ(seen.size(), 9U);
}

TEST_F(RowStoreTest, AChangedColumnIsNamedAndNeverServed) {
  ASSERT_TRUE(write(0, 5).ok());
  for (const std::string change :
       {"sender='x'", "at=at+1", "trust=0.25", "event=x'00'", "row_hash=row_hash+1", "revision=7"}) {
    const std::string where = " where id=x'" + id_of(2).hex() + "'";
    std::string both = "create table kept as select * from events";
    both.append(where).append("; update events set ").append(change).append(where);
    sql(both);
    const auto row = store_->rows().get(id_of(2));
    ASSERT_FALSE(row.ok()) << change;
    EXPECT_EQ(row.error().cause, Cause::damaged);
    EXPECT_NE(row.error().message.find(id_of(2).hex()), std::string::npos);
    const auto page = store_->rows().page({});
    ASSERT_TRUE(page.ok());
    EXPECT_EQ(page->rows.size(), 4U);
    ASSERT_EQ(page->damaged.size(), 1U);
    EXPECT_EQ(page->damaged[0].lost, std::vector{id_of(2)});
    bool named = false;
    for (const auto& damage : verify()) named |= damage.lost == std::vector{id_of(2)};
    EXPECT_TRUE(named) << change;
    sql("delete from events" + where + "; insert into events select * from kept; drop table kept");
  }
  EXPECT_TRUE(verify().empty());
}

void flip(const std::string& path, uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ 0x04));
}

// Bytes of live rows: each flip is found and the row is named.
TEST_F(RowStoreTest, AFlippedByteInAnyRowIsNamed) {
  settings_.consumers = {"index"};
  open();
  ASSERT_TRUE(write(0, 6, 0, std::string(300, 'x')).ok());
  const std::vector<Heartbeat> beat = {{"live-beat", id_of(1), Time{77}}};
  ASSERT_TRUE(store_->write({}, beat, {shard_a, Position::of(6), Position::of(7)}).ok());
  ASSERT_TRUE(store_->settle(Time{}, true).ok());
  store_.reset();
  fs::remove(settings_.path + "-wal");
  fs::remove(settings_.path + "-shm");
  std::ifstream in(settings_.path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  const size_t first = whole.find("sender5@"), last = whole.find("xxx0sender0@");
  ASSERT_NE(first, std::string::npos);
  ASSERT_LT(first, last);
  env::SeededRandom random(4);
  std::vector<size_t> places;
  places.reserve(150);
  for (int i = 0; i < 150; ++i) places.push_back(first + random.below(last - first));
  for (const std::string& text : {std::string("live-beat"), std::string("mail.scored")}) {
    for (size_t at = whole.find(text); at != std::string::npos; at = whole.find(text, at + 1))
      places.push_back(at);
  }
  for (size_t at = whole.find(id_of(2).view()); at != std::string::npos;
       at = whole.find(id_of(2).view(), at + 1)) {
    places.push_back(at + 3);  // in the table, the index, the outbox
  }
  for (const size_t at : places) {
    flip(settings_.path, at);
    auto opened = RowStore::open(settings_);
    if (opened.ok()) {
      store_ = std::move(opened).value();
      EXPECT_FALSE(verify().empty()) << "byte " << at;
      store_.reset();
    } else {
      EXPECT_TRUE(opened.error().cause == Cause::damaged || opened.error().cause == Cause::invalid)
          << opened.error().message;
    }
    std::ofstream(settings_.path, std::ios::binary) << whole;
    fs::remove(settings_.path + "-wal");
    fs::remove(settings_.path + "-shm");
  }
  open();
  EXPECT_TRUE(verify().empty());
}

TEST_F(RowStoreTest, RowsOnAnUnreadablePageAreNamedOneByOne) {
  ASSERT_TRUE(write(0, 200, 0, std::string(600, 'y')).ok());
  ASSERT_TRUE(store_->settle(Time{}, true).ok());
  store_.reset();
  fs::remove(settings_.path + "-wal");
  fs::remove(settings_.path + "-shm");
  std::ifstream in(settings_.path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  const size_t page = whole.find("y100sender100@") / 16384 * 16384;
  {
    std::fstream file(settings_.path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(page));
    file.put('\x55');  // not a kind of page
  }
  open();
  std::set<std::string> sound, lost;
  for (const auto& damage : verify(&sound)) {
    for (const auto& id : damage.lost) lost.insert(id.hex());
  }
  EXPECT_TRUE(lost.contains(id_of(100).hex()));
  EXPECT_GT(lost.size(), 5U);
  EXPECT_EQ(lost.size() + sound.size(), 200U);
}

TEST_F(RowStoreTest, ReadersWorkBesideTheWriterOnSeveralThreads) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> read{0};
  const auto look = [&] {
    while (!stop) {
      const auto page = store_->rows().page({});
      ASSERT_TRUE(page.ok()) << page.error().message;
      ASSERT_TRUE(page->damaged.empty());
      read += page->rows.size();
    }
  };
  std::thread one(look), two(look);
  for (uint64_t n = 0; n < 300; n += 3) {
    ASSERT_TRUE(write(n, n + 3).ok());
    ASSERT_TRUE(store_->settle(Time{static_cast<int64_t>(n) * 1'000'000}, n % 10 == 0).ok());
  }
  while (read == 0) std::this_thread::yield();
  stop = true;
  one.join(), two.join();
  EXPECT_EQ(*store_->rows().count({}), 300U);
}

}  // namespace
}  // namespace bonafide::stores
