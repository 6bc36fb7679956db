#include "stores/sqlite/row_store.hpp"

#include <algorithm>

#include "stores/sqlite/row_hash.hpp"

namespace bonafide::stores {
namespace {

constexpr const char* format = "bonafide-rows 1";

constexpr const char* side_tables =
    "create table if not exists changes(number integer primary key, id blob not null, revision integer not "
    "null, lane integer not null, body blob not null, row_hash integer not null);"
    // Of earlier versions, which never put anything there.
    "drop table if exists outbox;"
    "create table if not exists consumers(name text primary key, number integer not null,"
    " row_hash integer not null) without rowid;"
    "create table if not exists heartbeats(name text primary key, id blob not null, at integer not null,"
    " row_hash integer not null) without rowid;"
    "create table if not exists books(day integer primary key, count integer not null, sum integer not null,"
    " row_hash integer not null);";

const char* sql_of(ColumnType type) {
  switch (type) {
    case ColumnType::text:
      return "text";
    case ColumnType::integer:
      return "integer";
    case ColumnType::real:
      return "real";
  }
  return "";
}

std::string create_events(const std::vector<Column>& columns) {
  std::string sql =
      "create table if not exists events(id blob not null, revision integer not null, row_hash integer not "
      "null, event blob not null";
  for (const auto& column : columns) sql += ", " + column.name + " " + sql_of(column.type);
  // The event is large: the short columns stand before it in the file only if they are named before it. But a
  // column that is added later always comes last, so all come after it, and the order is the same in every
  // file.
  return sql + "); create unique index if not exists events_key on events(id, revision);";
}

int64_t day_of(const EventId& id) { return id.accepted_at().day(); }

}  // namespace

Result<std::unique_ptr<RowStore>> RowStore::open(RowStoreSettings settings) {
  std::unique_ptr<RowStore> store(new RowStore(std::move(settings)));
  const auto& s = store->settings_;
  BONAFIDE_ASSIGN(store->db_, ProgressDb::open({s.path, format, s.cache_bytes, s.log_bytes, s.log_age},
                                               create_events(s.columns) + side_tables));
  BONAFIDE_TRY(store->match_columns());
  BONAFIDE_TRY(store->prepare());
  BONAFIDE_TRY(store->register_consumers());
  BONAFIDE_TRY(store->load_books());
  BONAFIDE_ASSIGN(store->rows_, Rows::open(s.path, s.columns));
  return store;
}

/// Adds the columns that a file of an earlier version lacks.
Status RowStore::match_columns() {
  std::vector<std::string> there;
  {
    BONAFIDE_ASSIGN(Statement info,
                    db_->writer().prepare("select name from pragma_table_info('events') where cid >= 4"));
    for (;;) {
      BONAFIDE_ASSIGN(const bool more, info.step());
      if (!more) break;
      there.emplace_back(info.bytes(0));
    }
  }
  for (size_t i = 0; i < there.size(); ++i) {
    if (i < settings_.columns.size() && there[i] == settings_.columns[i].name) continue;
    return {Cause::invalid, settings_.path + ": column " + std::to_string(i) + " is \"" + there[i] +
                                "\", which this version does not know there: run a newer version"};
  }
  if (there.size() == settings_.columns.size()) return Ok{};
  return db_->transact([&]() -> Status {
    for (size_t i = there.size(); i < settings_.columns.size(); ++i) {
      const auto& column = settings_.columns[i];
      BONAFIDE_TRY(
          db_->writer().run("alter table events add column " + column.name + " " + sql_of(column.type)));
    }
    return db_->seal_schema();
  });
}

Status RowStore::prepare() {
  std::string marks, sets;
  for (size_t i = 0; i < settings_.columns.size(); ++i) {
    marks += ",?" + std::to_string(i + 5);
    sets += ", " + settings_.columns[i].name + "=?" + std::to_string(i + 5);
  }
  auto& db = db_->writer();
  BONAFIDE_ASSIGN(insert_, db.prepare("insert into events values(?1,?2,?3,?4" + marks +
                                      ") on conflict(id, revision) do nothing"));
  BONAFIDE_ASSIGN(
      update_, db.prepare("update events set row_hash=?3, event=?4" + sets + " where id=?1 and revision=?2"));
  BONAFIDE_ASSIGN(find_hash_, db.prepare("select row_hash from events where id=? and revision=?"));
  BONAFIDE_ASSIGN(change_, db.prepare("insert into changes values(?,?,?,?,?,?)"));
  BONAFIDE_ASSIGN(read_changes_, db.prepare("select number, id, revision, lane, body, row_hash from changes "
                                            "where number > ? order by number limit ?"));
  BONAFIDE_ASSIGN(consume_,
                  db.prepare("update consumers set number=?2, row_hash=?3 where name=?1 and number < ?2"));
  BONAFIDE_ASSIGN(forget_, db.prepare("delete from changes where number <= ?"));
  BONAFIDE_ASSIGN(heartbeat_, db.prepare("insert or replace into heartbeats values(?,?,?,?)"));
  BONAFIDE_ASSIGN(book_, db.prepare("insert or replace into books values(?,?,?,?)"));
  return Ok{};
}

Status RowStore::register_consumers() {
  auto& db = db_->writer();
  // Numbers are not used again: what was given out last stands in the table, or was consumed.
  BONAFIDE_ASSIGN(next_change_, db.integer("select max(coalesce((select max(number) from changes), 0), "
                                           "coalesce((select max(number) from consumers), 0))"));
  last_change_ = next_change_;
  BONAFIDE_ASSIGN(Statement insert, db.prepare("insert or ignore into consumers values(?,?,?)"));
  for (const auto& name : settings_.consumers) {
    insert.bind_text(1, name).bind(2, next_change_);
    BONAFIDE_TRY(insert.bind(3, static_cast<int64_t>(consumer_hash(name, next_change_))).run());
    if (db.changes() > 0) new_consumers_.push_back(name);
  }
  // Who is not configured any more must not hold the outbox for ever.
  std::string known = "''";
  for (const auto& name : settings_.consumers) known += ", '" + name + "'";
  BONAFIDE_TRY(db.run("delete from consumers where name not in (" + known + ")"));
  return forget_consumed();
}

// What all consumers have dealt with goes.
Status RowStore::forget_consumed() {
  BONAFIDE_ASSIGN(const int64_t first,
                  db_->writer().integer("select coalesce((select min(number) from consumers), " +
                                        std::to_string(INT64_MAX) + ")"));
  first_change_ = std::min(first, next_change_);
  return forget_.bind(1, first_change_).run();
}

bool RowStore::is_new(const std::string& consumer) const {
  return std::ranges::find(new_consumers_, consumer) != new_consumers_.end();
}

Status RowStore::load_books() {
  BONAFIDE_ASSIGN(Statement rows, db_->writer().prepare("select day, count, sum from books"));
  for (;;) {
    BONAFIDE_ASSIGN(const bool more, rows.step());
    if (!more) return Ok{};
    books_[rows.integer(0)] = {rows.integer(1), static_cast<uint64_t>(rows.integer(2))};
  }
}

Result<RowStore::Written> RowStore::write(std::span<const RowView> rows,
                                          std::span<const Heartbeat> heartbeats,
                                          const flow::Stretch& stretch) {
  Written written;
  Books books;  // of the days this batch touches
  const auto work = [&]() -> Status {
    for (const auto& row : rows) BONAFIDE_TRY(put(row, stretch.shard.lane, books, written));
    for (const auto& heartbeat : heartbeats) BONAFIDE_TRY(put_heartbeat(heartbeat));
    return save(books);
  };
  {
    const auto held = db_->lock();
    if (next_change_ - first_change_ >= static_cast<int64_t>(settings_.most_changes)) {
      return Error{Cause::exhausted, settings_.path + ": " + std::to_string(next_change_ - first_change_) +
                                         " changes wait to be captured"};
    }
    BONAFIDE_TRY(db_->begin());
    Status done = work();
    if (done.ok()) done = db_->commit(stretch);
    if (!done.ok()) {
      db_->rollback();  // numbers of changes that were given out stay unused
      return done.error();
    }
    for (const auto& [day, book] : books) books_[day] = book;
    if (last_change_.exchange(next_change_) == next_change_) return written;
  }
  if (on_changes_) on_changes_();
  return written;
}

Status RowStore::put(const RowView& row, flow::Lane lane, Books& books, Written& written) {
  if (row.values.size() != settings_.columns.size()) {
    return {Cause::internal, settings_.path + ": a row has " + std::to_string(row.values.size()) +
                                 " values for " + std::to_string(settings_.columns.size()) + " columns"};
  }
  const uint64_t hash = row_hash(row.id, row.revision, row.values, row.event, scratch_);
  insert_.bind_blob(1, row.id.view()).bind(2, int64_t{row.revision}).bind(3, static_cast<int64_t>(hash));
  insert_.bind_blob(4, row.event);
  for (size_t i = 0; i < row.values.size(); ++i) insert_.bind_value(static_cast<int>(i) + 5, row.values[i]);
  BONAFIDE_TRY(insert_.run());
  const int64_t day = day_of(row.id);
  books.try_emplace(day, books_[day]);
  if (db_->writer().changes() == 0) return already_there(row, hash, lane, books, written);
  books[day].add(hash);
  ++written.rows;
  return put_change(row, lane);
}

Status RowStore::put_change(const RowView& row, flow::Lane lane) {
  if (settings_.consumers.empty()) return Ok{};
  const int64_t number = ++next_change_;
  const auto hash = change_hash(number, row.id, row.revision, static_cast<int64_t>(lane), row.change);
  change_.bind(1, number).bind_blob(2, row.id.view()).bind(3, int64_t{row.revision});
  change_.bind(4, static_cast<int64_t>(lane)).bind_blob(5, row.change);
  return change_.bind(6, static_cast<int64_t>(hash)).run();
}

Status RowStore::already_there(const RowView& row, uint64_t hash, flow::Lane lane, Books& books,
                               Written& written) {
  find_hash_.bind_blob(1, row.id.view()).bind(2, int64_t{row.revision});
  BONAFIDE_ASSIGN(const bool found, find_hash_.step());
  if (!found)
    return {Cause::damaged,
            settings_.path + ": index events_key names a row that is not there, " + row.id.hex()};
  const auto old = static_cast<uint64_t>(find_hash_.integer(0));
  find_hash_.reset();
  if (old == hash) {
    ++written.duplicates;
    return Ok{};
  }
  update_.bind_blob(1, row.id.view()).bind(2, int64_t{row.revision}).bind(3, static_cast<int64_t>(hash));
  update_.bind_blob(4, row.event);
  for (size_t i = 0; i < row.values.size(); ++i) update_.bind_value(static_cast<int>(i) + 5, row.values[i]);
  BONAFIDE_TRY(update_.run());
  books[day_of(row.id)].take(old);
  books[day_of(row.id)].add(hash);
  ++written.replaced;
  return put_change(row, lane);
}

Status RowStore::put_heartbeat(const Heartbeat& heartbeat) {
  heartbeat_.bind_text(1, heartbeat.name).bind_blob(2, heartbeat.id.view()).bind(3, heartbeat.at.us);
  return heartbeat_.bind(4, static_cast<int64_t>(heartbeat_hash(heartbeat.name, heartbeat.id, heartbeat.at)))
      .run();
}

Status RowStore::save(const Books& books) {
  for (const auto& [day, book] : books) {
    book_.bind(1, day).bind(2, book.count).bind(3, static_cast<int64_t>(book.sum));
    BONAFIDE_TRY(book_.bind(4, static_cast<int64_t>(book_hash(day, book.count, book.sum))).run());
  }
  return Ok{};
}

// --- outbox and retention
// --------------------------------------------------------------------------------------------

Result<std::vector<RowStore::Change>> RowStore::changes(int64_t after, size_t most, size_t most_bytes) {
  const auto held = db_->lock();
  read_changes_.bind(1, after).bind(2, static_cast<int64_t>(most));
  std::vector<Change> out;
  for (size_t bytes = 0; bytes < most_bytes;) {
    BONAFIDE_ASSIGN(const bool more, read_changes_.step());
    if (!more) return out;
    const auto& row = read_changes_;
    Change change{row.integer(0),
                  {},
                  static_cast<int32_t>(row.integer(2)),
                  row.integer(3) == 0 ? flow::Lane::live : flow::Lane::backfill,
                  std::string(row.bytes(4))};
    const auto id = EventId::from_bytes(row.bytes(1));
    if (id.ok()) change.id = *id;
    change.damaged = !id.ok() || row.integer(5) != static_cast<int64_t>(
                                                       change_hash(change.number, change.id, change.revision,
                                                                   row.integer(3), change.body));
    bytes += change.body.size();
    out.push_back(std::move(change));
  }
  read_changes_.reset();
  return out;
}

Result<int64_t> RowStore::consumed(const std::string& consumer) {
  const auto held = db_->lock();
  BONAFIDE_ASSIGN(Statement select, db_->writer().prepare("select number from consumers where name=?"));
  BONAFIDE_ASSIGN(const bool found, select.bind_text(1, consumer).step());
  if (!found) return Error{Cause::not_found, settings_.path + ": there is no consumer \"" + consumer + "\""};
  return select.integer(0);
}

Status RowStore::consume(const std::string& consumer, int64_t number) {
  return db_->transact([&]() -> Status {
    consume_.bind_text(1, consumer).bind(2, number);
    BONAFIDE_TRY(consume_.bind(3, static_cast<int64_t>(consumer_hash(consumer, number))).run());
    return forget_consumed();
  });
}

Result<uint64_t> RowStore::remove_before(const EventId& before, size_t most) {
  Books books;
  uint64_t removed = 0;
  const auto held = db_->lock();
  BONAFIDE_TRY(db_->begin());
  Status done = remove_rows(before, most, books, removed);
  if (done.ok()) done = db_->commit();
  if (!done.ok()) {
    db_->rollback();
    return done.error();
  }
  for (const auto& [day, book] : books) {
    if (book.count == 0) {
      books_.erase(day);
    } else {
      books_[day] = book;
    }
  }
  return removed;
}

Status RowStore::remove_rows(const EventId& before, size_t most, Books& books, uint64_t& removed) {
  auto& db = db_->writer();
  BONAFIDE_ASSIGN(
      Statement select,
      db.prepare(
          "select rowid, id, row_hash from events where id < ?1 and id < coalesce((select min(id) from "
          "changes), ?1) order by id limit ?2"));
  select.bind_blob(1, before.view()).bind(2, static_cast<int64_t>(most));
  std::vector<int64_t> doomed;
  for (;;) {
    BONAFIDE_ASSIGN(const bool more, select.step());
    if (!more) break;
    doomed.push_back(select.integer(0));
    BONAFIDE_ASSIGN(const EventId id, EventId::from_bytes(select.bytes(1)));
    const int64_t day = day_of(id);
    books.try_emplace(day, books_[day]).first->second.take(static_cast<uint64_t>(select.integer(2)));
  }
  BONAFIDE_ASSIGN(Statement remove, db.prepare("delete from events where rowid=?"));
  for (const int64_t row : doomed) BONAFIDE_TRY(remove.bind(1, row).run());
  removed = doomed.size();
  BONAFIDE_TRY(save(books));
  return db.run("delete from books where count=0");
}

}  // namespace bonafide::stores
