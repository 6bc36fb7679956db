#include "stores/sqlite/progress_db.hpp"

#include "base/hash.hpp"

namespace bonafide::stores {
namespace {

using flow::Position;
using flow::ShardId;

constexpr const char* progress_tables =
    "create table if not exists format(name text not null, schema_hash integer not null);"
    "create table if not exists progress(topic text not null, lane integer not null, shard integer not null,"
    " position blob not null, row_hash integer not null, primary key(topic, lane, shard)) without rowid;";

int64_t progress_hash(const ShardId& shard, ByteView position) {
  return static_cast<int64_t>(hash64(position, hash64(shard.text())));
}

ShardId read_shard(const Statement& row) {
  return {std::string(row.bytes(0)), row.integer(1) == 0 ? flow::Lane::live : flow::Lane::backfill,
          static_cast<uint32_t>(row.integer(2))};
}

constexpr const char* read_progress = "select topic, lane, shard, position, row_hash from progress";

}  // namespace

Result<std::unique_ptr<ProgressDb>> ProgressDb::open(const Settings& settings, const std::string& tables) {
  std::unique_ptr<ProgressDb> db(new ProgressDb(settings));
  BONAFIDE_ASSIGN(db->writer_,
                  Connection::open(settings.path, Connection::Mode::write, settings.cache_bytes));
  BONAFIDE_TRY(db->check_format());
  const Status made = db->transact([&]() -> Status {
    BONAFIDE_TRY(db->writer_->run(progress_tables + tables));
    return db->seal_schema();
  });
  BONAFIDE_TRY(made);
  BONAFIDE_ASSIGN(db->advance_,
                  db->writer_->prepare("insert into progress values(?,?,?,?,?) on conflict do update set "
                                       "position=excluded.position, row_hash=excluded.row_hash"));
  BONAFIDE_TRY(db->load());
  // What an earlier process committed may still be in the page cache alone.
  BONAFIDE_TRY(db->writer_->write_log_again());
  BONAFIDE_TRY(db->sync());
  return db;
}

Status ProgressDb::check_format() {
  BONAFIDE_ASSIGN(const int64_t tables, writer_->integer("select count(*) from sqlite_schema"));
  if (tables == 0) return Ok{};
  const Error foreign = {Cause::invalid,
                         settings_.path + ": is not a database of this program: use another data folder"};
  auto select = writer_->prepare("select name from format");
  if (!select.ok()) return select.error().cause == Cause::internal ? foreign : select.error();
  BONAFIDE_ASSIGN(const bool found, select->step());
  if (!found) return foreign;
  if (const auto name = select->bytes(0); name != settings_.format) {
    return {Cause::invalid, settings_.path + ": has the format \"" + std::string(name) +
                                "\", this version reads \"" + settings_.format +
                                "\": run the version that wrote it, or a newer one"};
  }
  return Ok{};
}

/// The text of the schema is data too: what it says of a column decides how rows are read.
Result<int64_t> ProgressDb::schema_hash(const Connection& db) {
  BONAFIDE_ASSIGN(Statement rows,
                  db.prepare("select type || name || tbl_name || coalesce(sql, '') from sqlite_schema"));
  uint64_t sum = 0;
  for (;;) {
    BONAFIDE_ASSIGN(const bool more, rows.step());
    if (!more) return static_cast<int64_t>(sum);
    sum += hash64(rows.bytes(0));
  }
}

Status ProgressDb::seal_schema() {
  BONAFIDE_ASSIGN(const int64_t hash, schema_hash(*writer_));
  BONAFIDE_ASSIGN(const int64_t sealed, writer_->integer("select schema_hash from format"));
  if (sealed == hash) return Ok{};
  BONAFIDE_TRY(writer_->run("delete from format"));
  BONAFIDE_ASSIGN(Statement insert, writer_->prepare("insert into format values(?,?)"));
  return insert.bind_text(1, settings_.format).bind(2, hash).run();
}

Status ProgressDb::load() {
  BONAFIDE_ASSIGN(Statement rows, writer_->prepare(read_progress));
  for (;;) {
    BONAFIDE_ASSIGN(const bool more, rows.step());
    if (!more) break;
    const ShardId shard = read_shard(rows);
    const ByteView bytes = rows.bytes(3);
    Position position;
    if (bytes.size() != position.bytes.size() || rows.integer(4) != progress_hash(shard, bytes)) {
      return {Cause::damaged,
              settings_.path + ": the progress of shard " + shard.text() +
                  " is damaged: delete that row of table progress, and the shard is read again from its "
                  "beginning (rows that are there already stay as they are)"};
    }
    std::copy(bytes.begin(), bytes.end(), position.bytes.begin());
    written_[shard] = position;
  }
  return Ok{};
}

Status ProgressDb::commit(const flow::Stretch& stretch) {
  const auto& shard = stretch.shard;
  advance_.bind_text(1, shard.topic).bind(2, static_cast<int64_t>(shard.lane)).bind(3, int64_t{shard.number});
  advance_.bind_blob(4, stretch.upto.view()).bind(5, progress_hash(shard, stretch.upto.view()));
  BONAFIDE_TRY(advance_.run());
  BONAFIDE_TRY(commit());
  const std::lock_guard positions(positions_mutex_);
  written_[shard] = stretch.upto;
  return Ok{};
}

Status ProgressDb::commit() {
  BONAFIDE_TRY(writer_->run("commit"));
  unsynced_ = true;
  return Ok{};
}

void ProgressDb::rollback() {
  // Fails where SQLite has rolled back by itself, as after a full disk.
  (void)writer_->run("rollback").ok();
}

Position ProgressDb::written(const ShardId& shard) const {
  const std::lock_guard positions(positions_mutex_);
  const auto found = written_.find(shard);
  return found == written_.end() ? Position() : found->second;
}

Position ProgressDb::durable(const ShardId& shard) const {
  const std::lock_guard positions(positions_mutex_);
  const auto found = durable_.find(shard);
  return found == durable_.end() ? Position() : found->second;
}

Status ProgressDb::sync() {
  BONAFIDE_ASSIGN(const bool complete, writer_->checkpoint());
  if (!complete) return Ok{};
  unsynced_ = false;
  const std::lock_guard positions(positions_mutex_);
  durable_ = written_;
  return Ok{};
}

Status ProgressDb::settle(Time steady, bool drain) {
  const auto held = lock();
  last_step_ = steady;
  if (last_sync_.us == INT64_MIN) last_sync_ = steady;
  const bool due = writer_->wal_bytes() >= settings_.log_bytes || steady >= last_sync_ + settings_.log_age;
  if (unsynced_ && (due || drain)) {
    last_sync_ = steady;
    BONAFIDE_TRY(sync());
  }
  return drain && !unsynced_ ? writer_->empty_log() : Status(Ok{});
}

Time ProgressDb::settle_due() const {
  const std::lock_guard held(mutex_);
  if (!unsynced_) return {INT64_MAX};
  if (last_sync_.us == INT64_MIN || writer_->wal_bytes() >= settings_.log_bytes) return last_step_;
  return last_sync_ + settings_.log_age;
}

Status ProgressDb::verify(Connection& reader, const OnDamage& on_damage) {
  {
    BONAFIDE_ASSIGN(Statement check, reader.prepare("pragma integrity_check(1000)"));
    for (;;) {
      const auto row = check.step();
      if (!row.ok()) {
        on_damage({reader.path(), row.error().message, {}});
        break;
      }
      if (!*row) break;
      if (check.bytes(0) != "ok") on_damage({reader.path(), std::string(check.bytes(0)), {}});
    }
  }
  const auto hash = schema_hash(reader);
  const auto sealed = reader.integer("select schema_hash from format");
  if (!hash.ok() || !sealed.ok() || *hash != *sealed)
    on_damage({reader.path(), "the schema of its tables is damaged", {}});

  BONAFIDE_ASSIGN(Statement rows, reader.prepare(read_progress));
  for (;;) {
    const auto row = rows.step();
    if (!row.ok()) {
      on_damage({reader.path() + " table progress", row.error().message, {}});
      break;
    }
    if (!*row) break;
    const ShardId shard = read_shard(rows);
    if (rows.integer(4) != progress_hash(shard, rows.bytes(3))) {
      on_damage({reader.path() + " table progress", "the row of shard " + shard.text() + " is damaged", {}});
    }
  }
  return Ok{};
}

}  // namespace bonafide::stores
