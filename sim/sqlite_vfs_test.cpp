#include "sim/sqlite_vfs.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "base/hash.hpp"
#include "env/sim/clock.hpp"
#include "env/sim/files.hpp"
#include "stores/sqlite/row_store.hpp"
#include "stores/sqlite/search_store.hpp"

namespace bonafide::sim {
namespace {

using env::sim::Call;
using flow::Position;
using stores::Connection;

const flow::ShardId shard{"mail.scored", flow::Lane::live, 0};
constexpr const char* rows_path = "data/rows.sqlite";
constexpr const char* search_path = "data/search.sqlite";
constexpr Time start = Time::from_seconds(1'767'225'600);

Time time_of(uint64_t n) { return start + Duration::millis(static_cast<int64_t>(n) * 1000); }
EventId id_of(uint64_t n) {
  std::string random(10, '\0');
  store_be64(random.data() + 2, n * 0x9E3779B97F4A7C15);
  return EventId::make(time_of(n), random);
}

/// A machine: a disk, a clock and a source of random numbers, all out of one seed.
struct World {
  explicit World(uint64_t seed) : files(seed), random(seed + 1) {
    EXPECT_TRUE(files.make_folders("data").ok());
  }

  env::sim::SimFiles files;
  env::sim::ManualClock clock;
  env::SeededRandom random;
};

/// A row store and a search index, filled batch by batch: number n stands at position n, its row and its doc
/// have the id id_of(n).
class Stores {
 public:
  static constexpr uint64_t batch = 5, batches = 8;

  Status open() {
    close();
    stores::RowStoreSettings row_settings;
    row_settings.path = rows_path;
    row_settings.columns = {{"sender", stores::ColumnType::text}, {"at", stores::ColumnType::integer}};
    row_settings.consumers = {"index"};
    BONAFIDE_ASSIGN(rows_, stores::RowStore::open(row_settings));
    stores::SearchStoreSettings search_settings;
    search_settings.path = search_path;
    BONAFIDE_ASSIGN(search_, stores::SearchStore::open(search_settings));
    return Ok{};
  }
  void close() {
    rows_.reset();
    search_.reset();
  }
  [[nodiscard]] bool opened() const { return rows_ != nullptr && search_ != nullptr; }

  /// Goes on from where the stores are; what it returned early with is the disk's error.
  Status fill() {
    while (written(*rows_) < batch * batches) {
      BONAFIDE_TRY(write_rows(written(*rows_), written(*rows_) + batch));
      if (written(*rows_) / batch % 3 == 0) BONAFIDE_TRY(settle());
      if (written(*rows_) / batch % 5 == 0) BONAFIDE_TRY(forget());
    }
    while (written(*search_) < batch * batches) {
      BONAFIDE_TRY(write_docs(written(*search_), written(*search_) + batch));
      if (written(*search_) / batch % 4 == 0) BONAFIDE_TRY(settle());
    }
    return settle();
  }
  Status settle() {
    Status rows = rows_->settle(Time{}, true), search = search_->settle(Time{}, true);
    promised_rows_ = std::max(promised_rows_, rows_->durable(shard).major());
    promised_docs_ = std::max(promised_docs_, search_->durable(shard).major());
    return rows.ok() ? search : rows;
  }

  /// What was promised is there, nothing is damaged, progress and content agree.
  void check() {
    ASSERT_TRUE(opened());
    EXPECT_GE(written(*rows_), promised_rows_);
    EXPECT_GE(written(*search_), promised_docs_);
    const auto none = [](const stores::Damage& damage) {
      ADD_FAILURE() << damage.place << ": " << damage.what;
    };
    uint64_t rows = 0;
    stores::Rows::Query all;
    all.newest_revision = false;
    const auto each_row = [&](const stores::StoredRow& row) {
      EXPECT_EQ(row.id, id_of(rows));
      EXPECT_EQ(row.event, event_of(rows));
      ++rows;
      return true;
    };
    const auto count_row = [](const stores::StoredRow&) {};
    auto done = rows_->rows().scan(all, each_row, none);
    EXPECT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(rows, written(*rows_));
    done = rows_->rows().verify(count_row, none);
    EXPECT_TRUE(done.ok()) << done.error().message;

    uint64_t docs = 0;
    const auto each_doc = [&](const stores::SearchEntry& entry) { EXPECT_EQ(entry.id, id_of(docs++)); };
    done = search_->entries(each_doc, none);
    EXPECT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(docs, written(*search_));
    done = search_->verify(none);
    EXPECT_TRUE(done.ok()) << done.error().message;
    stores::SearchFilter filter;
    filter.match = "invoice";
    const auto page = search_->search(filter, "", 1000);
    ASSERT_TRUE(page.ok()) << page.error().message;
    EXPECT_EQ(page->hits.size(), docs);
  }
  [[nodiscard]] bool full() const {
    return written(*rows_) == batch * batches && written(*search_) == batch * batches;
  }

 private:
  template <class Store>
  static uint64_t written(const Store& store) {
    return store.written(shard).major();
  }
  static std::string event_of(uint64_t n) { return "event " + std::to_string(n) + std::string(1500, 'e'); }

  Status write_rows(uint64_t from, uint64_t upto) {
    std::vector<std::string> events;
    std::vector<std::vector<stores::ValueView>> values;
    std::vector<stores::RowView> rows;
    for (uint64_t n = from; n < upto; ++n) {
      events.push_back(event_of(n));
      values.push_back({std::string_view("sender@example.org"), static_cast<int64_t>(n)});
    }
    for (size_t i = 0; i < events.size(); ++i)
      rows.push_back({id_of(from + i), 0, values[i], events[i], "change"});
    BONAFIDE_ASSIGN(const auto done, rows_->write(rows, {}, {shard, Position::of(from), Position::of(upto)}));
    EXPECT_EQ(done.rows, upto - from);
    return Ok{};
  }
  Status write_docs(uint64_t from, uint64_t upto) {
    std::vector<stores::SearchDoc> docs;
    for (uint64_t n = from; n < upto; ++n) {
      docs.push_back({id_of(n), 0, time_of(n), "default", "acme.example", {}, {"invoice", "billing", "bob"}});
    }
    const flow::Stretch stretch{shard, Position::of(from), Position::of(upto)};
    BONAFIDE_ASSIGN(const auto done, search_->apply(docs, &stretch));
    EXPECT_EQ(done.added, upto - from);
    return Ok{};
  }
  Status forget() { return rows_->consume("index", rows_->last_change()); }

  std::unique_ptr<stores::RowStore> rows_;
  std::unique_ptr<stores::SearchStore> search_;
  uint64_t promised_rows_ = 0, promised_docs_ = 0;
};

/// All files with what is in them.
std::map<std::string, std::string> content(env::Files& files) {
  std::map<std::string, std::string> out;
  const auto names = files.list("data");
  EXPECT_TRUE(names.ok());
  for (const auto& name : *names) out[name] = *files.read_file("data/" + name);
  return out;
}

/// Passes everything on, and writes down what changes the disk.
class RecordedFiles final : public env::Files {
 public:
  explicit RecordedFiles(env::Files& files) : files_(files) {}
  /// What was done since the last call.
  std::vector<std::string> take() { return std::exchange(calls_, {}); }

  Result<std::unique_ptr<env::File>> open(const std::string& path, env::Open mode) override {
    BONAFIDE_ASSIGN(auto file, files_.open(path, mode));
    if (mode == env::Open::create_new) note("create", path);
    return std::unique_ptr<env::File>(std::make_unique<Recorded>(*this, path, std::move(file)));
  }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  Result<std::vector<std::string>> list(const std::string& folder) override { return files_.list(folder); }
  Status make_folders(const std::string& folder) override { return files_.make_folders(folder); }
  Status rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Status remove(const std::string& path) override {
    note("remove", path);
    return files_.remove(path);
  }
  Status sync_folder(const std::string& folder) override {
    note("sync", folder);
    return files_.sync_folder(folder);
  }
  Result<Space> space(const std::string& path) override { return files_.space(path); }

 private:
  class Recorded final : public env::File {
   public:
    Recorded(RecordedFiles& files, std::string path, std::unique_ptr<env::File> file)
        : files_(files), path_(std::move(path)), file_(std::move(file)) {}
    Result<std::string> read_at(uint64_t offset, size_t count) override {
      return file_->read_at(offset, count);
    }
    Status write_at(uint64_t offset, ByteView bytes) override {
      files_.note("write", path_);
      return file_->write_at(offset, bytes);
    }
    Status sync_data() override {
      files_.note("sync", path_);
      return file_->sync_data();
    }
    Status sync_all() override { return file_->sync_all(); }
    Status truncate(uint64_t size) override {
      files_.note("truncate", path_);
      return file_->truncate(size);
    }
    Result<uint64_t> size() override { return file_->size(); }

   private:
    RecordedFiles& files_;
    std::string path_;
    std::unique_ptr<env::File> file_;
  };

  /// Repeats of a call are told once.
  void note(const std::string& call, const std::string& path) {
    const std::string line = call + " " + path;
    if (calls_.empty() || calls_.back() != line) calls_.push_back(line);
  }

  env::Files& files_;
  std::vector<std::string> calls_;
};

class SqliteVfsTest : public testing::Test {
 protected:
  void use(World& world) { vfs_.use(world.files, world.clock, world.random); }

  /// The power goes: afterwards both open, and hold what they promised.
  void must_come_back(World& world, Stores& stores) {
    world.files.crash();
    use(world);
    const Status again = stores.open();
    ASSERT_TRUE(again.ok()) << again.error().message;
    stores.check();
  }

  static std::unique_ptr<Connection> connect(const std::string& path,
                                             Connection::Mode mode = Connection::Mode::write) {
    auto opened = Connection::open(path, mode, 1 << 20);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return opened.ok() ? std::move(opened).value() : nullptr;
  }

  SqliteVfs vfs_;
};

TEST_F(SqliteVfsTest, StoresWorkAsOnARealDiskAndNothingElseIsTouched) {
  World world(1);
  use(world);
  Stores stores;
  ASSERT_TRUE(stores.open().ok());
  const Status filled = stores.fill();
  ASSERT_TRUE(filled.ok()) << filled.error().message;
  EXPECT_TRUE(stores.full());
  stores.check();
  stores.close();
  EXPECT_EQ(vfs_.open_files(), 0U);
  std::set<std::string> names;
  for (const auto& [name, bytes] : content(world.files)) names.insert(name);
  EXPECT_EQ(names,
            (std::set<std::string>{"rows.sqlite", "rows.sqlite-wal", "search.sqlite", "search.sqlite-wal"}));
}

TEST_F(SqliteVfsTest, AKilledProcessLosesNothing) {
  World world(2);
  use(world);
  Stores stores;
  ASSERT_TRUE(stores.open().ok());
  ASSERT_TRUE(stores.fill().ok());
  auto writer = connect("data/more.sqlite");
  ASSERT_TRUE(writer->run("create table t(x); insert into t values(7)").ok());
  ASSERT_TRUE(writer->run("begin immediate; insert into t values(8)").ok());
  world.files.kill();
  use(world);
  auto next = connect("data/more.sqlite");
  EXPECT_EQ(*next->integer("select count(*) from t"), 1) << "the dead writer's lock has gone with it";
  EXPECT_TRUE(next->run("begin immediate; insert into t values(9); commit").ok());
  EXPECT_FALSE(writer->run("commit").ok()) << "what was open before is of no use";
  writer.reset();
  EXPECT_EQ(*next->integer("select count(*) from t"), 2);
  ASSERT_TRUE(stores.open().ok());
  EXPECT_TRUE(stores.full());
  stores.check();
}

// The power goes at every change of the disk, and in half of the cases once more while the stores are opened.
TEST_F(SqliteVfsTest, WhereverThePowerGoesWhatWasPromisedIsThere) {
  uint64_t moments = 0;
  {
    World world(0);
    use(world);
    Stores stores;
    ASSERT_TRUE(stores.open().ok());
    ASSERT_TRUE(stores.fill().ok());
    moments = world.files.changes();
  }
  ASSERT_GT(moments, 200U);
  for (uint64_t moment = 0; moment <= moments; ++moment) {
    SCOPED_TRACE("after " + std::to_string(moment) + " changes");
    World world(moment * 7919);
    use(world);
    Stores stores;
    world.files.power_off_after(moment);
    if (stores.open().ok()) (void)stores.fill().ok();
    if (moment % 2 == 0) stores.close();
    world.files.crash();
    use(world);
    stores.close();
    if (moment % 4 < 2) {
      world.files.power_off_after(world.random.below(12));
      (void)stores.open().ok();
      stores.close();
      world.files.crash();
      use(world);
    }
    const Status opened = stores.open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    stores.check();
    const Status filled = stores.fill();
    ASSERT_TRUE(filled.ok()) << filled.error().message;
    if (moment % 3 == 0) stores.check();
    stores.close();
    world.files.crash();
    use(world);
    ASSERT_TRUE(stores.open().ok());
    EXPECT_TRUE(stores.full()) << "all of it was settled";
    if (HasFailure()) return;
  }
}

// A sync that failed may have dropped what it should have saved, and the next one succeeds: whoever goes on
// with it overwrites the database with nothing to fall back on.
TEST_F(SqliteVfsTest, AfterAFailedSyncNothingIsPromisedAndTheDatabaseIsLeftAlone) {
  for (const Cause cause : {Cause::exhausted, Cause::damaged}) {
    bool failed = true;
    for (uint64_t sync = 0; failed; ++sync) {
      failed = false;
      for (uint64_t more = 1; more < 8; more += 2) {
        SCOPED_TRACE("sync " + std::to_string(sync) + " fails, the power goes " + std::to_string(more) +
                     " changes later");
        World world(sync * 100 + more);
        use(world);
        Stores stores;
        world.files.inject({Call::sync, "", sync, 1, {cause, "injected"}});
        const bool opened = stores.open().ok();
        failed = !opened || !stores.fill().ok();
        if (!failed) break;
        world.files.power_off_after(more);
        if (opened && !stores.fill().ok()) (void)stores.fill().ok();
        must_come_back(world, stores);
        if (HasFailure()) return;
      }
    }
  }
}

// The process that starts after one that ended over a failed sync reads what is in the cache alone.
TEST_F(SqliteVfsTest, WhatAFailedSyncLeftInTheCacheIsWrittenAgainByTheNextProcess) {
  bool failed = true;
  for (uint64_t sync = 0; failed; ++sync) {
    failed = false;
    for (uint64_t more = 0; more < 40; more += 3) {
      SCOPED_TRACE("sync " + std::to_string(sync) + " fails, the power goes " + std::to_string(more) +
                   " changes after the restart");
      World world(sync * 100 + more);
      use(world);
      Stores stores;
      world.files.inject({Call::sync, "", sync, 1, {Cause::damaged, "injected"}});
      failed = !stores.open().ok() || !stores.fill().ok();
      if (!failed) break;
      world.files.kill();
      use(world);
      world.files.power_off_after(more);
      if (stores.open().ok()) (void)stores.fill().ok();
      must_come_back(world, stores);
      if (HasFailure()) return;
    }
  }
}

TEST_F(SqliteVfsTest, AFullDiskIsToldAndWorkGoesOnOnceThereIsRoom) {
  std::set<bool> seen;
  for (uint64_t capacity = 0; capacity < (2 << 20); capacity += 24'000) {
    SCOPED_TRACE(capacity);
    World world(capacity);
    use(world);
    Stores stores;
    world.files.set_capacity(capacity);
    const Status opened = stores.open();
    if (!opened.ok()) {
      EXPECT_EQ(opened.error().cause, Cause::exhausted) << opened.error().message;
      world.files.set_capacity(64 << 20);
      ASSERT_TRUE(stores.open().ok());
    }
    const Status filled = stores.fill();
    if (!filled.ok()) {
      EXPECT_EQ(filled.error().cause, Cause::exhausted) << filled.error().message;
      EXPECT_EQ(stores.fill().error().cause, Cause::exhausted) << "and again";
      world.files.set_capacity(64 << 20);
      const Status more = stores.fill();
      ASSERT_TRUE(more.ok()) << more.error().message;
    }
    seen.insert(filled.ok());
    EXPECT_TRUE(stores.full());
    stores.check();
    stores.close();
    world.files.crash();
    world.files.set_capacity(64 << 20);
    use(world);
    ASSERT_TRUE(stores.open().ok());
    EXPECT_TRUE(stores.full());
    stores.check();
    if (HasFailure()) return;
  }
  EXPECT_EQ(seen.size(), 2U) << "some were large enough, some not";
}

// As strace shows them for SQLite's own VFS for Unix on Linux.
TEST_F(SqliteVfsTest, TheDiskIsAskedWhatTheKernelWouldBe) {
  using Calls = std::vector<std::string>;
  World world(7);
  RecordedFiles files(world.files);
  vfs_.use(files, world.clock, world.random);
  const std::string db = "data/t.sqlite", wal = db + "-wal", journal = db + "-journal";
  auto writer = connect(db);
  EXPECT_EQ(files.take(),
            (Calls{"create " + db, "create " + journal, "write " + journal, "sync " + journal, "sync data",
                   "write " + journal, "sync " + journal, "write " + db, "sync " + db, "remove " + journal}));
  ASSERT_TRUE(writer->run("create table t(x)").ok());
  EXPECT_EQ(files.take(),
            (Calls{"create " + wal, "write " + wal, "sync " + wal, "sync data", "write " + wal}));
  ASSERT_TRUE(writer->run("insert into t values(1)").ok());
  EXPECT_EQ(files.take(), (Calls{"write " + wal})) << "no sync for a commit";
  ASSERT_TRUE(*writer->checkpoint());
  EXPECT_EQ(files.take(), (Calls{"sync " + wal, "write " + db, "truncate " + db, "sync " + db}));
  ASSERT_TRUE(writer->run("insert into t values(2)").ok());
  EXPECT_EQ(files.take(), (Calls{"write " + wal, "sync " + wal, "write " + wal})) << "the log begins anew";
}

TEST_F(SqliteVfsTest, AWriterAndAReaderSeeEachOther) {
  World world(3);
  use(world);
  auto writer = connect("data/t.sqlite");
  ASSERT_TRUE(writer->run("create table t(x); insert into t values(1)").ok());
  auto reader = connect("data//./t.sqlite", Connection::Mode::read);
  EXPECT_EQ(*reader->integer("select count(*) from t"), 1);
  ASSERT_TRUE(reader->run("begin").ok());
  EXPECT_EQ(*reader->integer("select count(*) from t"), 1);
  ASSERT_TRUE(writer->run("insert into t values(2)").ok());
  EXPECT_EQ(*reader->integer("select count(*) from t"), 1) << "its snapshot stays";
  EXPECT_FALSE(*writer->checkpoint()) << "a reader is in the way";
  ASSERT_TRUE(reader->run("commit").ok());
  EXPECT_EQ(*reader->integer("select count(*) from t"), 2);
  EXPECT_TRUE(*writer->checkpoint());
  EXPECT_FALSE(reader->run("insert into t values(3)").ok());

  auto second = connect("data/t.sqlite");
  ASSERT_TRUE(second->run("begin immediate").ok());
  EXPECT_EQ(writer->run("begin immediate").error().cause, Cause::unavailable);
  ASSERT_TRUE(second->run("insert into t values(3); commit").ok());
  EXPECT_EQ(*writer->integer("select count(*) from t"), 3);
}

// Without a write-ahead log: locks on the file itself, hot journals, names that are made and removed.
TEST_F(SqliteVfsTest, ARollbackJournalKeepsTransactionsWhole) {
  const auto open = [] {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open("data/j.sqlite", &db), SQLITE_OK);
    return std::unique_ptr<sqlite3, int (*)(sqlite3*)>(db, sqlite3_close);
  };
  const auto run = [](sqlite3* db, const std::string& sql) {
    return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
  };
  const auto number = [](sqlite3* db, const std::string& sql) {
    int64_t out = -1;
    const auto take = [](void* to, int, char** values, char**) {
      *static_cast<int64_t*>(to) = std::strtoll(values[0], nullptr, 10);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), take, &out, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    return out;
  };
  const std::string fill =
      "with recursive n(i) as (select 1 union all select i+1 from n where i < 300) insert or replace into t "
      "select i, ?1 || hex(zeroblob(100)) from n";
  std::set<int64_t> outcomes;
  int power_lasted = 0;
  for (uint64_t moment = 0; power_lasted < 8; ++moment) {
    SCOPED_TRACE("after " + std::to_string(moment) + " changes");
    World world(moment);
    use(world);
    {
      const auto db = open();
      ASSERT_EQ(run(db.get(),
                    "create table t(i integer primary key, v); create table round(n);"
                    "insert into round values(0)"),
                SQLITE_OK);
      ASSERT_TRUE(world.files.sync_folder("data").ok());
      world.files.power_off_after(moment);
      int64_t acknowledged = 0;
      for (int64_t round = 1; round <= 3; ++round) {
        std::string sql = fill;
        sql.replace(sql.find("?1"), 2, std::to_string(round));
        if (run(db.get(), "begin; " + sql + "; update round set n=" + std::to_string(round) + "; commit") !=
            SQLITE_OK)
          break;
        acknowledged = round;
      }
      if (!world.files.powered_off()) ++power_lasted;
      world.files.crash();
      use(world);
      const auto again = open();
      const int64_t round = number(again.get(), "select n from round");
      // A commit whose journal's removal was not synced may be undone: by the whole, and only the last.
      EXPECT_GE(round, acknowledged - 1);
      EXPECT_EQ(number(again.get(), "select count(*) from t"), round == 0 ? 0 : 300);
      EXPECT_EQ(
          number(again.get(), "select count(*) from t where v not like '" + std::to_string(round) + "%'"), 0);
      EXPECT_EQ(number(again.get(), "select count(*) from pragma_integrity_check where integrity_check='ok'"),
                1);
      outcomes.insert(round);
    }
    if (HasFailure()) return;
  }
  EXPECT_EQ(outcomes, (std::set<int64_t>{0, 1, 2, 3}));

  World world(4);
  use(world);
  const auto one = open(), two = open();
  ASSERT_EQ(run(one.get(), "create table t(x); insert into t values(1)"), SQLITE_OK);
  ASSERT_EQ(run(two.get(), "begin; select * from t"), SQLITE_OK);
  ASSERT_EQ(run(one.get(), "begin; insert into t values(2)"), SQLITE_OK) << "RESERVED beside SHARED";
  EXPECT_EQ(run(two.get(), "insert into t values(3)"), SQLITE_BUSY) << "one RESERVED";
  EXPECT_EQ(run(one.get(), "commit"), SQLITE_BUSY) << "EXCLUSIVE waits for SHARED";
  const auto three = open();
  EXPECT_EQ(run(three.get(), "select * from t"), SQLITE_BUSY) << "PENDING lets no new SHARED come";
  ASSERT_EQ(run(two.get(), "commit"), SQLITE_OK);
  ASSERT_EQ(run(one.get(), "commit"), SQLITE_OK);
  EXPECT_EQ(number(three.get(), "select count(*) from t"), 2);
}

TEST_F(SqliteVfsTest, TemporaryFilesLeaveNothingOnTheDisk) {
  World world(5);
  use(world);
  {
    auto db = connect("data/t.sqlite");
    ASSERT_TRUE(
        db->run(
              "pragma temp_store=file; pragma cache_size=4; create temp table t(x); pragma temp.cache_size=4;"
              "with recursive n(i) as (select 1 union all select i+1 from n where i < 3000)"
              " insert into t select hex(zeroblob(500)) || i from n")
            .ok());
    EXPECT_EQ(*db->integer("select count(*) from (select x from t order by x desc)"), 3000);
    EXPECT_GT(vfs_.open_files(), 1U);
  }
  EXPECT_EQ(vfs_.open_files(), 0U);
  EXPECT_EQ(content(world.files).size(), 1U) << "the database alone";
}

TEST_F(SqliteVfsTest, TheSameSeedGivesTheSameBytes) {
  const auto run = [&](uint64_t seed) {
    World world(seed);
    use(world);
    Stores stores;
    EXPECT_TRUE(stores.open().ok());
    EXPECT_TRUE(stores.fill().ok());
    auto db = connect("data/t.sqlite");
    EXPECT_TRUE(
        db->run("create table t(x, y); insert into t values(randomblob(100), julianday('now'))").ok());
    EXPECT_EQ(*db->integer("select julianday('now') = julianday('2026-01-01')"), 1);
    return content(world.files);
  };
  const auto first = run(11);
  EXPECT_EQ(first.size(), 6U);
  EXPECT_TRUE(first == run(11));
  EXPECT_FALSE(first == run(12));
}

TEST_F(SqliteVfsTest, ABadSectorIsDamage) {
  World world(6);
  use(world);
  { ASSERT_TRUE(connect("data/t.sqlite")->run("create table t(x); insert into t values(1)").ok()); }
  auto db = connect("data/t.sqlite");
  world.files.inject({Call::read, "t.sqlite", 0, 100, {Cause::damaged, "I/O error"}});
  EXPECT_EQ(db->integer("select count(*) from t").error().cause, Cause::damaged);
  world.files.clear_faults();
  EXPECT_EQ(*db->integer("select count(*) from t"), 1);
}

TEST(SqliteVfs, TheFormerDefaultComesBack) {
  const sqlite3_vfs* former = sqlite3_vfs_find(nullptr);
  {
    const SqliteVfs vfs;
    EXPECT_NE(sqlite3_vfs_find(nullptr), former);
    EXPECT_FALSE(Connection::open("t.sqlite", Connection::Mode::write, 1 << 20).ok()) << "no world yet";
  }
  EXPECT_EQ(sqlite3_vfs_find(nullptr), former);
}

}  // namespace
}  // namespace bonafide::sim
