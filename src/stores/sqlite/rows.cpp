#include <algorithm>
#include <utility>

#include "stores/sqlite/row_hash.hpp"
#include "stores/sqlite/rows_reader.hpp"

namespace bonafide::stores {
namespace {

constexpr size_t reader_cache_bytes = 4 << 20;
constexpr size_t scan_page = 256;

struct Key {
  EventId id;
  int32_t revision = 0;
};

Result<Key> parse_cursor(const std::string& cursor) {
  const Error error = {Cause::invalid,
                       "\"" + cursor.substr(0, 64) + "\" is not a cursor: take the one of the page before"};
  const size_t dot = cursor.find('.');
  if (dot == std::string::npos) return error;
  const auto id = EventId::parse(cursor.substr(0, dot));
  const auto revision = parse_int(std::string_view(cursor).substr(dot + 1));
  if (!id.ok() || !revision.ok() || *revision != static_cast<int32_t>(*revision)) return error;
  return Key{*id, static_cast<int32_t>(*revision)};
}

/// The rows of a query; ?1 and ?2 are the range of ids, ?3 and ?4 the key to go on after.
std::string where_of(const Rows::Query& query, bool cursor) {
  std::string sql = " where id >= ?1";
  if (query.before) sql += " and id < ?2";
  if (cursor) sql += query.backwards ? " and (id, revision) < (?3, ?4)" : " and (id, revision) > (?3, ?4)";
  if (query.newest_revision)
    sql += " and revision = (select max(revision) from events n where n.id = events.id)";
  return sql;
}

}  // namespace

Rows::Rows(std::string path, std::vector<Column> columns)
    : path_(std::move(path)), columns_(std::move(columns)) {}
Rows::~Rows() = default;

Result<std::unique_ptr<Rows>> Rows::open(const std::string& path, std::vector<Column> columns) {
  std::unique_ptr<Rows> rows(new Rows(path, std::move(columns)));
  BONAFIDE_ASSIGN(auto first, rows->make_reader());
  // Also finds out whether the file and its columns are as they should be.
  BONAFIDE_ASSIGN(const Statement probe, first->db->prepare(first->select()));
  rows->idle_.push_back(std::move(first));
  return rows;
}

Result<std::unique_ptr<Rows::Reader>> Rows::make_reader() const {
  auto reader = std::make_unique<Reader>();
  BONAFIDE_ASSIGN(reader->db, Connection::open(path_, Connection::Mode::read, reader_cache_bytes));
  reader->count = columns_.size();
  for (const auto& column : columns_) reader->columns += ", " + column.name;
  return reader;
}

Result<StoredRow> Rows::Reader::read(const Statement& at) {
  StoredRow row;
  const auto id = EventId::from_bytes(at.bytes(0));
  if (!id.ok())
    return Error{Cause::damaged,
                 db->path() + " table events: an id is damaged (" + to_hex(at.bytes(0).substr(0, 32)) + ")"};
  row.id = *id;
  row.revision = static_cast<int32_t>(at.integer(1));
  row.event = at.bytes(3);
  row.values.reserve(count);
  std::vector<ValueView> views;
  views.reserve(count);
  for (size_t i = 0; i < count; ++i) row.values.push_back(at.value(static_cast<int>(i) + 4));
  for (const auto& value : row.values) views.push_back(view(value));
  if (static_cast<uint64_t>(at.integer(2)) != row_hash(row.id, row.revision, views, row.event, scratch)) {
    return Error{Cause::damaged, db->path() + " table events: the row of " + row.id.hex() + " revision " +
                                     std::to_string(row.revision) + " is damaged: its hash does not match"};
  }
  return row;
}

Result<StoredRow> Rows::get(const EventId& id, std::optional<int32_t> revision) {
  BONAFIDE_ASSIGN(auto reader, Lease::take(*this));
  const std::string tail =
      revision ? " where id=?1 and revision=?2" : " where id=?1 order by revision desc limit 1";
  BONAFIDE_ASSIGN(Statement select, reader->db->prepare(reader->select() + tail));
  select.bind_blob(1, id.view());
  if (revision) select.bind(2, int64_t{*revision});
  BONAFIDE_ASSIGN(const bool found, select.step());
  if (!found) return Error{Cause::not_found, "there is no event " + id.hex()};
  auto row = reader->read(select);
  if (row.ok() && row->id != id) {
    return Error{Cause::damaged, path_ + " index events_key: leads from " + id.hex() + " to another row"};
  }
  return row;
}

Result<Rows::Page> Rows::page(const Query& query) {
  Key after;
  if (!query.cursor.empty()) {
    BONAFIDE_ASSIGN(after, parse_cursor(query.cursor));
  }
  BONAFIDE_ASSIGN(auto reader, Lease::take(*this));
  const char* order =
      query.backwards ? " order by id desc, revision desc limit ?5" : " order by id, revision limit ?5";
  BONAFIDE_ASSIGN(Statement select,
                  reader->db->prepare(reader->select() + where_of(query, !query.cursor.empty()) + order));
  select.bind_blob(1, query.from.view());
  if (query.before) select.bind_blob(2, query.before->view());
  if (!query.cursor.empty()) select.bind_blob(3, after.id.view()).bind(4, int64_t{after.revision});
  select.bind(5, static_cast<int64_t>(query.limit));
  Page page;
  for (size_t read = 0;; ++read) {
    BONAFIDE_ASSIGN(const bool more, select.step());
    if (!more) break;
    const auto id = EventId::from_bytes(select.bytes(0));
    if (id.ok() && read + 1 == query.limit) {
      page.cursor = id->hex() + "." + std::to_string(static_cast<int32_t>(select.integer(1)));
    }
    auto row = reader->read(select);
    if (row.ok()) {
      page.rows.push_back(std::move(row).value());
    } else {
      page.damaged.push_back(
          {path_, row.error().message, id.ok() ? std::vector{*id} : std::vector<EventId>()});
    }
  }
  return page;
}

Status Rows::scan(Query query, const std::function<bool(const StoredRow&)>& each, const OnDamage& on_damage) {
  query.limit = scan_page;
  for (;;) {
    BONAFIDE_ASSIGN(const Page found, page(query));
    for (const auto& damage : found.damaged) on_damage(damage);
    for (const auto& row : found.rows) {
      if (!each(row)) return Ok{};
    }
    if (found.cursor.empty()) return Ok{};
    query.cursor = found.cursor;
  }
}

Result<uint64_t> Rows::count(const Query& query) {
  BONAFIDE_ASSIGN(auto reader, Lease::take(*this));
  const std::string what = query.newest_revision ? "select count(distinct id)" : "select count(*)";
  Query all = query;
  all.newest_revision = false;
  BONAFIDE_ASSIGN(Statement select, reader->db->prepare(what + " from events" + where_of(all, false)));
  select.bind_blob(1, query.from.view());
  if (query.before) select.bind_blob(2, query.before->view());
  BONAFIDE_TRY(select.step());
  return static_cast<uint64_t>(select.integer(0));
}

Result<std::optional<EventId>> Rows::fits_from(uint64_t bytes) {
  BONAFIDE_ASSIGN(auto reader, Lease::take(*this));
  const Connection& db = *reader->db;
  BONAFIDE_ASSIGN(const int64_t pages, db.integer("pragma page_count"));
  BONAFIDE_ASSIGN(const int64_t free, db.integer("pragma freelist_count"));
  BONAFIDE_ASSIGN(const int64_t page_bytes, db.integer("pragma page_size"));
  const uint64_t used = static_cast<uint64_t>(pages - free) * static_cast<uint64_t>(page_bytes);
  if (used <= bytes) return std::optional<EventId>();
  BONAFIDE_ASSIGN(const int64_t rows, db.integer("select count(*) from events"));
  if (rows == 0) return std::optional<EventId>();
  const double share = static_cast<double>(used - bytes) / static_cast<double>(used);
  const auto too_many = static_cast<int64_t>(share * static_cast<double>(rows)) + 1;
  BONAFIDE_ASSIGN(Statement select, db.prepare("select id from events order by id limit 1 offset ?"));
  BONAFIDE_ASSIGN(const bool found, select.bind(1, std::min(too_many, rows - 1)).step());
  if (!found) return std::optional<EventId>();
  BONAFIDE_ASSIGN(const EventId id, EventId::from_bytes(select.bytes(0)));
  return std::optional(id);
}

Result<std::vector<Heartbeat>> Rows::heartbeats() {
  BONAFIDE_ASSIGN(auto reader, Lease::take(*this));
  BONAFIDE_ASSIGN(Statement select, reader->db->prepare("select name, id, at, row_hash from heartbeats"));
  std::vector<Heartbeat> out;
  for (;;) {
    BONAFIDE_ASSIGN(const bool more, select.step());
    if (!more) return out;
    Heartbeat heartbeat{std::string(select.bytes(0)), {}, Time{select.integer(2)}};
    const auto id = EventId::from_bytes(select.bytes(1));
    if (id.ok()) heartbeat.id = *id;
    if (!id.ok() || select.integer(3) !=
                        static_cast<int64_t>(heartbeat_hash(heartbeat.name, heartbeat.id, heartbeat.at))) {
      return Error{Cause::damaged, path_ + " table heartbeats: the row \"" + clean_text(heartbeat.name, 64) +
                                       "\" is damaged"};
    }
    out.push_back(std::move(heartbeat));
  }
}

}  // namespace bonafide::stores
