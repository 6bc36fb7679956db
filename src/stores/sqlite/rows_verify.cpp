#include <map>

#include "stores/sqlite/row_hash.hpp"
#include "stores/sqlite/rows_reader.hpp"

namespace bonafide::stores {
namespace {

/// Count and sum of hashes of each day of ids, as they are found.
class Audit {
 public:
  void add(const EventId& id, int64_t hash) {
    auto& day = found_[id.accepted_at().day()];
    ++day.count;
    day.sum += static_cast<uint64_t>(hash);
  }
  void compare(int64_t day, int64_t count, uint64_t sum, const std::string& path, const OnDamage& on_damage) {
    const Day found = found_[day];
    found_.erase(day);
    const std::string place =
        path + " table events, ids of " + format_rfc3339(Time{} + Duration::days(day)).substr(0, 10);
    if (found.count < count) {
      on_damage({place,
                 std::to_string(count - found.count) + " rows are missing: compare with the door's list",
                 {}});
    } else if (found.count > count) {
      on_damage(
          {place, std::to_string(found.count - count) + " rows are there that were not written here", {}});
    } else if (found.sum != sum) {
      on_damage({place, "the number of rows is right, but they are not those that were written", {}});
    }
  }
  void compare_rest(const std::string& path, const OnDamage& on_damage) {
    while (!found_.empty()) compare(found_.begin()->first, 0, 0, path, on_damage);
  }

 private:
  struct Day {
    int64_t count = 0;
    uint64_t sum = 0;
  };
  std::map<int64_t, Day> found_;
};

using Check = std::function<bool(const Statement&)>;

/// Calls `sound` for every row of a small table; a row for which it is false, or that cannot be read, is
/// damage.
Status check_table(const Connection& db, const std::string& table, const std::string& columns,
                   const Check& sound, const OnDamage& on_damage) {
  BONAFIDE_ASSIGN(Statement rows, db.prepare("select " + columns + " from " + table));
  for (;;) {
    const auto more = rows.step();
    if (!more.ok()) {
      on_damage({db.path() + " table " + table, more.error().message, {}});
      return Ok{};
    }
    if (!*more) return Ok{};
    if (sound(rows)) continue;
    on_damage(
        {db.path() + " table " + table, "the row \"" + clean_text(rows.bytes(0), 64) + "\" is damaged", {}});
  }
}

bool sound_consumer(const Statement& row) {
  return row.integer(2) == static_cast<int64_t>(consumer_hash(row.bytes(0), row.integer(1)));
}
bool sound_heartbeat(const Statement& row) {
  const auto id = EventId::from_bytes(row.bytes(1));
  return id.ok() &&
         row.integer(3) == static_cast<int64_t>(heartbeat_hash(row.bytes(0), *id, Time{row.integer(2)}));
}
bool sound_change(const Statement& row) {
  const auto id = EventId::from_bytes(row.bytes(1));
  return id.ok() && row.integer(5) == static_cast<int64_t>(change_hash(row.integer(0), *id,
                                                                       static_cast<int32_t>(row.integer(2)),
                                                                       row.integer(3), row.bytes(4)));
}

/// Reads each row of `events` and tells of it.
class RowAudit {
 public:
  using Each = std::function<void(const StoredRow&)>;
  using Read = std::function<Result<StoredRow>(const Statement&)>;
  RowAudit(const Connection& db, Read read, const Each& each, const OnDamage& on_damage)
      : db_(db), read_(std::move(read)), each_(each), on_damage_(on_damage) {}

  /// `select` gives the rows in the order of their numbers, the number in column `number`.
  Status all(const std::string& select, int number) {
    BONAFIDE_ASSIGN(Statement rows, db_.prepare(select + " order by rowid"));
    int64_t last = INT64_MIN;
    for (;;) {
      const auto more = rows.step();
      if (!more.ok()) {
        on_damage_({db_.path() + " table events",
                    "cannot be read after row " + std::to_string(last) + ": " + more.error().message,
                    {}});
        return one_by_one(select, last);
      }
      if (!*more) return Ok{};
      last = rows.integer(number);
      take(rows);
    }
  }
  Audit& audit() { return audit_; }

 private:
  void take(const Statement& row) {
    const auto id = EventId::from_bytes(row.bytes(0));
    if (id.ok()) audit_.add(*id, row.integer(2));
    const auto read = read_(row);
    if (!read.ok()) {
      on_damage_({db_.path() + " table events", read.error().message,
                  id.ok() ? std::vector{*id} : std::vector<EventId>()});
    } else if (each_) {
      each_(*read);
    }
  }

  /// Goes by the index, which names the rows on pages that cannot be read.
  Status one_by_one(const std::string& select, int64_t after) {
    BONAFIDE_ASSIGN(Statement keys, db_.prepare("select rowid, id from events indexed by events_key"));
    BONAFIDE_ASSIGN(Statement one, db_.prepare(select + " where rowid=?"));
    for (;;) {
      const auto more = keys.step();
      if (!more.ok()) {
        on_damage_({db_.path() + " index events_key", more.error().message, {}});
        return Ok{};
      }
      if (!*more) return Ok{};
      if (keys.integer(0) <= after) continue;
      const auto id = EventId::from_bytes(keys.bytes(1));
      const auto found = one.bind(1, keys.integer(0)).step();
      if (found.ok() && *found) {
        take(one);
        one.reset();
      } else {
        on_damage_({db_.path() + " table events",
                    "row " + std::to_string(keys.integer(0)) + " cannot be read",
                    id.ok() ? std::vector{*id} : std::vector<EventId>()});
      }
    }
  }

  const Connection& db_;
  Read read_;
  const Each& each_;
  const OnDamage& on_damage_;
  Audit audit_;
};

}  // namespace

Status Rows::verify(const std::function<void(const StoredRow&)>& each, const OnDamage& on_damage) {
  BONAFIDE_ASSIGN(auto reader, Lease::take(*this));
  auto& db = *reader->db;
  BONAFIDE_TRY(db.run("begin"));  // one state of all tables
  const Status done = [&]() -> Status {
    BONAFIDE_TRY(ProgressDb::verify(db, on_damage));
    RowAudit rows(
        db, [&](const Statement& row) { return reader->read(row); }, each, on_damage);
    BONAFIDE_TRY(rows.all("select id, revision, row_hash, event" + reader->columns + ", rowid from events",
                          static_cast<int>(reader->count) + 4));
    const auto sound_book = [&](const Statement& row) {
      const auto sum = static_cast<uint64_t>(row.integer(2));
      rows.audit().compare(row.integer(0), row.integer(1), sum, path_, on_damage);
      return row.integer(3) == static_cast<int64_t>(book_hash(row.integer(0), row.integer(1), sum));
    };
    BONAFIDE_TRY(check_table(db, "books", "day, count, sum, row_hash", sound_book, on_damage));
    rows.audit().compare_rest(path_, on_damage);
    BONAFIDE_TRY(check_table(db, "consumers", "name, number, row_hash", sound_consumer, on_damage));
    BONAFIDE_TRY(check_table(db, "heartbeats", "name, id, at, row_hash", sound_heartbeat, on_damage));
    return check_table(db, "changes", "number, id, revision, lane, body, row_hash", sound_change, on_damage);
  }();
  BONAFIDE_TRY(db.run("rollback"));
  return done;
}

}  // namespace bonafide::stores
