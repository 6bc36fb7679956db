#include "stores/sqlite/parked_store.hpp"

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bonafide::stores {
namespace {

constexpr const char* format = "bonafide-parked 1";
// The short columns repeat what the record says, for whoever looks with SQLite's own tools.
constexpr const char* tables =
    "create table if not exists parked(number integer primary key autoincrement, name text not null unique,"
    " subject text not null, state integer not null, changed_at integer not null, step text not null,"
    " cause text not null, record blob not null, row_hash integer not null);"
    "create index if not exists parked_subject on parked(subject);";
constexpr const char* select_items =
    "select number, name, subject, state, changed_at, step, cause, record, row_hash from parked";

int64_t hash_of(std::string_view name, std::string_view subject, int64_t state, int64_t changed_at,
                ByteView record) {
  uint64_t hash = hash64(record, hash64(name));
  hash = hash64(subject, hash);
  std::string numbers;
  append_le(numbers, state);
  append_le(numbers, changed_at);
  return static_cast<int64_t>(hash64(numbers, hash));
}

}  // namespace

const char* to_string(ParkedState state) {
  switch (state) {
    case ParkedState::parked:
      return "parked";
    case ParkedState::retried:
      return "retried";
    case ParkedState::dropped:
      return "dropped";
  }
  return "";
}

std::string ParkedStore::name_of(const flow::ParkedRecord& record) {
  std::string bytes;
  append_be64(bytes, hash64(record.position.view(), hash64(record.shard.text(), hash64(record.step))));
  return to_hex(bytes);
}

Result<std::unique_ptr<ParkedStore>> ParkedStore::open(const ParkedStoreSettings& settings) {
  std::unique_ptr<ParkedStore> store(new ParkedStore);
  BONAFIDE_ASSIGN(
      store->db_,
      ProgressDb::open({settings.path, format, settings.cache_bytes, 16 << 20, settings.log_age}, tables));
  return store;
}

Result<uint64_t> ParkedStore::put(std::span<const NewItem> items, const flow::Stretch& stretch) {
  uint64_t fresh = 0;
  const auto work = [&]() -> Status {
    BONAFIDE_ASSIGN(
        Statement insert,
        db_->writer().prepare("insert into parked(name, subject, state, changed_at, step, cause, record, "
                              "row_hash) values(?,?,0,?,?,?,?,?) on conflict(name) do nothing"));
    for (const auto& item : items) {
      const std::string name = name_of(item.record), record = item.record.encode();
      const int64_t at = item.record.parked_at.us;
      insert.bind_text(1, name).bind_text(2, item.subject).bind(3, at).bind_text(4, item.record.step);
      insert.bind_text(5, item.record.cause).bind_blob(6, record);
      BONAFIDE_TRY(insert.bind(7, hash_of(name, item.subject, 0, at, record)).run());
      fresh += static_cast<uint64_t>(db_->writer().changes());
    }
    return Ok{};
  };
  BONAFIDE_TRY(db_->transact(work, &stretch));
  return fresh;
}

Result<ParkedItem> ParkedStore::read(const Statement& row) const {
  ParkedItem item;
  item.name = row.bytes(1);
  item.subject = row.bytes(2);
  const int64_t state = row.integer(3);
  item.changed_at = {row.integer(4)};
  auto record = flow::ParkedRecord::decode(row.bytes(7));
  if (!record.ok() || state < 0 || state > 2 ||
      row.integer(8) != hash_of(item.name, item.subject, state, item.changed_at.us, row.bytes(7)) ||
      row.bytes(5) != record->step || row.bytes(6) != record->cause) {
    return Error{Cause::damaged, db_->path() + " table parked: item " + std::to_string(row.integer(0)) +
                                     " (" + clean_text(item.name, 32) + ") is damaged"};
  }
  item.state = static_cast<ParkedState>(state);
  item.record = std::move(record).value();
  return item;
}

Result<ParkedStore::Page> ParkedStore::list(std::optional<ParkedState> state, int64_t cursor, size_t limit) {
  const auto held = db_->lock();
  const std::string where = state ? " where number > ?1 and state = ?3" : " where number > ?1";
  BONAFIDE_ASSIGN(Statement select,
                  db_->writer().prepare(select_items + where + " order by number limit ?2"));
  select.bind(1, cursor).bind(2, static_cast<int64_t>(limit));
  if (state) select.bind(3, static_cast<int64_t>(*state));
  Page page;
  for (size_t read_rows = 0;; ++read_rows) {
    BONAFIDE_ASSIGN(const bool more, select.step());
    if (!more) return page;
    if (read_rows + 1 == limit) page.cursor = select.integer(0);
    auto item = read(select);
    if (item.ok()) {
      page.items.push_back(std::move(item).value());
    } else {
      page.damaged.push_back({db_->path(), item.error().message, {}});
    }
  }
}

Result<ParkedItem> ParkedStore::get(const std::string& name_or_subject) {
  const auto held = db_->lock();
  BONAFIDE_ASSIGN(Statement select,
                  db_->writer().prepare(std::string(select_items) + " where name=?1 or subject=?1 order "
                                                                    "by number desc limit 1"));
  BONAFIDE_ASSIGN(const bool found, select.bind_text(1, name_or_subject).step());
  if (!found || name_or_subject.empty()) {
    return Error{Cause::not_found, "nothing is parked under \"" + clean_text(name_or_subject, 64) + "\""};
  }
  return read(select);
}

Status ParkedStore::set_state(const std::string& name, ParkedState from, ParkedState to, Time at) {
  return db_->transact([&]() -> Status {
    BONAFIDE_ASSIGN(Statement select, db_->writer().prepare(std::string(select_items) + " where name=?1"));
    BONAFIDE_ASSIGN(const bool found, select.bind_text(1, name).step());
    if (!found) return {Cause::not_found, "nothing is parked under \"" + clean_text(name, 64) + "\""};
    BONAFIDE_ASSIGN(const ParkedItem item, read(select));
    if (item.state != from) {
      return {Cause::conflict,
              "item " + item.name + " is " + to_string(item.state) + " already, not " + to_string(from)};
    }
    const auto state = static_cast<int64_t>(to);
    const int64_t hash = hash_of(item.name, item.subject, state, at.us, select.bytes(7));
    select.reset();
    BONAFIDE_ASSIGN(
        Statement update,
        db_->writer().prepare("update parked set state=?2, changed_at=?3, row_hash=?4 where name=?1"));
    return update.bind_text(1, name).bind(2, state).bind(3, at.us).bind(4, hash).run();
  });
}

Result<std::map<std::string, uint64_t>> ParkedStore::count_by_step(ParkedState state) {
  const auto held = db_->lock();
  BONAFIDE_ASSIGN(Statement select,
                  db_->writer().prepare("select step, count(*) from parked where state=? group by step"));
  select.bind(1, static_cast<int64_t>(state));
  std::map<std::string, uint64_t> counts;
  for (;;) {
    BONAFIDE_ASSIGN(const bool more, select.step());
    if (!more) return counts;
    counts[std::string(select.bytes(0))] = static_cast<uint64_t>(select.integer(1));
  }
}

Result<uint64_t> ParkedStore::count(ParkedState state) {
  const auto held = db_->lock();
  BONAFIDE_ASSIGN(Statement select, db_->writer().prepare("select count(*) from parked where state=?"));
  BONAFIDE_TRY(select.bind(1, static_cast<int64_t>(state)).step());
  return static_cast<uint64_t>(select.integer(0));
}

Result<uint64_t> ParkedStore::remove_settled(Time before) {
  uint64_t removed = 0;
  const Status done = db_->transact([&]() -> Status {
    BONAFIDE_ASSIGN(Statement remove,
                    db_->writer().prepare("delete from parked where state<>0 and changed_at<?"));
    BONAFIDE_TRY(remove.bind(1, before.us).run());
    removed = static_cast<uint64_t>(db_->writer().changes());
    return Ok{};
  });
  BONAFIDE_TRY(done);
  return removed;
}

Status ParkedStore::verify(const OnDamage& on_damage) {
  {
    const auto held = db_->lock();
    BONAFIDE_TRY(ProgressDb::verify(db_->writer(), on_damage));
  }
  for (int64_t cursor = 0;;) {
    auto page = list(std::nullopt, cursor, 256);
    if (!page.ok()) {
      on_damage({db_->path() + " table parked", page.error().message, {}});
      return Ok{};
    }
    for (const auto& damage : page->damaged) on_damage(damage);
    if (page->cursor == 0) return Ok{};
    cursor = page->cursor;
  }
}

}  // namespace bonafide::stores
