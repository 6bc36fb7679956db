#include "stores/sqlite/search_store.hpp"

#include <algorithm>
#include <tuple>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "stores/sqlite/search_reader.hpp"

// The writing side; search_reader.cpp reads.
namespace bonafide::stores {

using search::Chunk;
using search::Fact;
using search::Key;
using search::Labels;

namespace {

constexpr const char* format = "bonafide-search 1";
constexpr size_t chunks_kept = 8;
constexpr size_t numbers_kept = 200'000;
constexpr size_t texts_kept = 4;
constexpr int most_attempts = 1 << search::tail_bits;

constexpr const char* tables =
    "create table if not exists facts(first integer primary key, fact_hash integer not null, key_hash "
    "integer "
    "not null, facts blob not null, keys blob not null);"
    "create table if not exists tenants(number integer primary key, name text not null unique);"
    "create table if not exists domains(number integer primary key, name text not null unique);"
    "create table if not exists weeks(week integer primary key);"
    "create table if not exists meta(name text primary key, value integer not null) without rowid;";

std::string create_text_table(int64_t week) {
  const std::string name = text_table_name(week);
  // Contentless: the rows hold the texts. Positions are kept (detail=full) for phrases.
  return "create virtual table if not exists " + name +
         " using fts5(subject, sender, recipients, text, files, links, content='', columnsize=0, "
         "detail=full, tokenize='unicode61 remove_diacritics 2'); insert into " +
         name + "(" + name + ", rank) values('automerge', 16); insert into " + name + "(" + name +
         ", rank) values('pgsz', 8000); insert or ignore into weeks values(" + std::to_string(week) + ")";
}

}  // namespace

uint64_t SearchDoc::text_hash() const {
  uint64_t hash = 0;
  for (const auto text : texts) hash = hash64(text, hash + 0x9E3779B97F4A7C15);
  return hash;
}

SearchStore::SearchStore(SearchStoreSettings settings) : settings_(std::move(settings)) {}
SearchStore::~SearchStore() = default;

Result<std::unique_ptr<SearchStore>> SearchStore::open(const SearchStoreSettings& settings) {
  std::unique_ptr<SearchStore> store(new SearchStore(settings));
  const auto& s = store->settings_;
  BONAFIDE_ASSIGN(store->db_,
                  ProgressDb::open({s.path, format, s.cache_bytes, s.log_bytes, s.log_age}, tables));
  BONAFIDE_TRY(store->prepare());
  return store;
}

Status SearchStore::prepare() {
  auto& db = db_->writer();
  BONAFIDE_ASSIGN(
      find_chunk_,
      db.prepare("select first, fact_hash, key_hash, facts, keys, coalesce((select min(first) from "
                 "facts n where n.first > facts.first), " +
                 std::to_string(INT64_MAX) + ") from facts where first <= ? order by first desc limit 1"));
  BONAFIDE_ASSIGN(put_chunk_, db.prepare("insert or replace into facts values(?,?,?,?,?)"));
  BONAFIDE_ASSIGN(delete_chunk_, db.prepare("delete from facts where first = ?"));
  BONAFIDE_ASSIGN(set_meta_, db.prepare("insert or replace into meta values(?,?)"));
  BONAFIDE_ASSIGN(removed_before_, db.integer("select value from meta where name='removed_before'"));
  return Ok{};
}

Result<bool> SearchStore::complete() {
  const auto held = db_->lock();
  BONAFIDE_ASSIGN(const int64_t value, db_->writer().integer("select value from meta where name='complete'"));
  return value != 0;
}

Status SearchStore::set_complete(bool complete) {
  return db_->transact([&] { return set_meta_.bind_text(1, "complete").bind(2, complete ? 1 : 0).run(); });
}

// --- taking docs

Result<SearchStore::Applied> SearchStore::apply(std::span<const SearchDoc> docs, const flow::Stretch* stretch,
                                                bool again) {
  // In the order of their numbers: the full-text index takes them without sorting, and each chunk is touched
  // once.
  std::vector<std::tuple<int64_t, int32_t, const SearchDoc*>> order;
  order.reserve(docs.size());
  for (const auto& doc : docs) order.emplace_back(search::doc_of(doc.id, 0), doc.revision, &doc);
  std::ranges::stable_sort(order, [](const auto& a, const auto& b) {
    return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
  });
  Applied applied;
  const auto work = [&]() -> Status {
    for (const auto& one : order) BONAFIDE_TRY(put(*std::get<2>(one), again, applied));
    return save_chunks();
  };
  const auto held = db_->lock();
  BONAFIDE_TRY(db_->begin());
  Status done = work();
  if (done.ok()) done = stretch != nullptr ? db_->commit(*stretch) : db_->commit();
  if (!done.ok()) {
    texts_.clear();  // statements that have not ended would hold the transaction
    db_->rollback();
    forget_cached();
    return done.error();
  }
  while (chunks_.size() > chunks_kept) chunks_.erase(chunks_.begin());
  while (texts_.size() > texts_kept) texts_.erase(texts_.begin());
  if (numbers_.size() > numbers_kept) numbers_.clear();
  return applied;
}

void SearchStore::forget_cached() {
  chunks_.clear();
  numbers_.clear();
  texts_.clear();
}

// Another revision of what is there replaces its facts. Its text is nearly always the same; where it is not,
// the old text cannot be taken out of the index (which keeps no copy of it): the message gets a new place,
// and the old one is marked, so that it is never served.
Status SearchStore::put(const SearchDoc& doc, bool again, Applied& applied) {
  const uint64_t text_hash = doc.text_hash();
  const std::string_view tail(doc.id.bytes.data() + 6, 10);
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    const int64_t number = search::doc_of(doc.id, attempt);
    if (number < removed_before_) {
      ++applied.old;
      return Ok{};
    }
    BONAFIDE_ASSIGN(auto at, chunk_for(number));
    Dirty& dirty = at->second;
    const size_t place = dirty.chunk.place(number);
    const bool taken = place < dirty.chunk.keys.size() && dirty.chunk.keys[place].doc == number;
    Labels labels = doc.labels;
    if (!taken) {
      if (labels.removed) return Ok{};  // never was here
      BONAFIDE_ASSIGN(const uint32_t tenant, number_of("tenants", doc.tenant));
      if (tenant > UINT16_MAX) return {Cause::exhausted, settings_.path + ": too many tenants"};
      BONAFIDE_ASSIGN(const uint32_t domain, number_of("domains", doc.domain));
      Key key{number, text_hash, doc.revision, {}, 0};
      std::ranges::copy(tail, key.tail.begin());
      BONAFIDE_TRY(insert({doc.at.us, domain, static_cast<uint16_t>(tenant), labels.packed()}, key));
      ++applied.added;
      return put_text(number, doc);
    }
    Key& key = dirty.chunk.keys[place];
    Fact& fact = dirty.chunk.facts[place];
    if (std::string_view(key.tail.data(), key.tail.size()) != tail || key.revision == INT32_MIN) continue;
    if (doc.revision < key.revision || (doc.revision == key.revision && !again)) {
      ++applied.old;
      return Ok{};
    }
    dirty.changed = true;
    ++applied.replaced;
    if (!labels.removed && key.text_hash != text_hash) {
      Labels gone = Labels::of(fact.labels);
      gone.removed = true;
      fact.labels = gone.packed();
      key.revision = INT32_MIN;  // a place that is given up
      continue;
    }
    BONAFIDE_ASSIGN(const uint32_t tenant, number_of("tenants", doc.tenant));
    if (tenant > UINT16_MAX) return {Cause::exhausted, settings_.path + ": too many tenants"};
    BONAFIDE_ASSIGN(const uint32_t domain, number_of("domains", doc.domain));
    fact = {doc.at.us, domain, static_cast<uint16_t>(tenant), labels.packed()};
    key.revision = doc.revision;
    return Ok{};
  }
  return {Cause::exhausted, settings_.path + ": too many messages in one millisecond"};
}

Result<SearchStore::Chunks::iterator> SearchStore::chunk_for(int64_t doc) {
  auto at = chunks_.upper_bound(doc);
  if (at != chunks_.begin() && std::prev(at)->second.next > doc) return std::prev(at);
  BONAFIDE_ASSIGN(const bool found, find_chunk_.bind(1, doc).step());
  Dirty dirty;
  int64_t first = 0;
  if (found) {
    first = find_chunk_.integer(0);
    dirty.next = find_chunk_.integer(5);
    const bool sound = search::read_facts(find_chunk_.bytes(3), find_chunk_.integer(1), dirty.chunk.facts) &&
                       search::read_keys(find_chunk_.bytes(4), find_chunk_.integer(2), dirty.chunk.keys) &&
                       dirty.chunk.facts.size() == dirty.chunk.keys.size();
    find_chunk_.reset();
    if (!sound) {
      return Error{Cause::damaged, settings_.path + ": the facts at " + std::to_string(first) +
                                       " are damaged: `bonafide reindex` makes the index anew"};
    }
  } else {
    BONAFIDE_ASSIGN(dirty.next, db_->writer().integer("select coalesce(min(first), " +
                                                      std::to_string(INT64_MAX) + ") from facts"));
  }
  // What is in memory and not saved yet may have been split from it.
  if (at != chunks_.end()) dirty.next = std::min(dirty.next, at->first);
  return chunks_.insert_or_assign(first, std::move(dirty)).first;
}

Status SearchStore::insert(const Fact& fact, const Key& key) {
  BONAFIDE_ASSIGN(auto at, chunk_for(key.doc));
  if (at->second.chunk.keys.size() >= Chunk::most) {
    Dirty& full = at->second;
    const size_t place = full.chunk.place(key.doc);
    const bool at_end = place == full.chunk.keys.size();
    const size_t from = at_end ? place : full.chunk.keys.size() / 2;
    Dirty upper;
    upper.chunk = full.chunk.split(from);
    upper.next = full.next;
    upper.changed = full.changed = true;
    const int64_t first = at_end ? key.doc : upper.chunk.keys.front().doc;
    full.next = first;
    const auto above = chunks_.insert_or_assign(first, std::move(upper)).first;
    if (key.doc >= first) at = above;
  }
  Dirty& dirty = at->second;
  dirty.chunk.insert(dirty.chunk.place(key.doc), fact, key);
  dirty.changed = true;
  return Ok{};
}

Status SearchStore::save_chunks() {
  for (auto& [first, dirty] : chunks_) {
    if (!dirty.changed) continue;
    const ByteView facts = dirty.chunk.fact_bytes(), keys = dirty.chunk.key_bytes();
    put_chunk_.bind(1, first).bind(2, search::chunk_hash(facts)).bind(3, search::chunk_hash(keys));
    BONAFIDE_TRY(put_chunk_.bind_blob(4, facts).bind_blob(5, keys).run());
    dirty.changed = false;
  }
  return Ok{};
}

Status SearchStore::put_text(int64_t doc, const SearchDoc& texts) {
  BONAFIDE_ASSIGN(Statement * insert, text_table(week_of(doc)));
  insert->bind(1, doc);
  for (size_t i = 0; i < texts.texts.size(); ++i) {
    const bool body = i == static_cast<size_t>(SearchText::text);
    insert->bind_text(static_cast<int>(i) + 2,
                      body ? cut_utf8(texts.texts[i], settings_.text_bytes) : texts.texts[i]);
  }
  return insert->run();
}

Result<Statement*> SearchStore::text_table(int64_t week) {
  if (const auto known = texts_.find(week); known != texts_.end()) return &known->second;
  auto& db = db_->writer();
  BONAFIDE_ASSIGN(const int64_t there,
                  db.integer("select count(*) from weeks where week=" + std::to_string(week)));
  if (there == 0) {
    BONAFIDE_TRY(db.run(create_text_table(week)));
    BONAFIDE_TRY(db_->seal_schema());
  }
  BONAFIDE_ASSIGN(
      Statement insert,
      db.prepare("insert into " + text_table_name(week) +
                 "(rowid, subject, sender, recipients, text, files, links) values(?,?,?,?,?,?,?)"));
  return &texts_.insert_or_assign(week, std::move(insert)).first->second;
}

Result<uint32_t> SearchStore::number_of(std::string_view table, std::string_view name) {
  std::string known_as(1, table[0]);
  known_as += name;
  if (const auto known = numbers_.find(known_as); known != numbers_.end()) return known->second;
  auto& db = db_->writer();
  const std::string of(table);
  BONAFIDE_ASSIGN(Statement find, db.prepare("select number from " + of + " where name=?"));
  BONAFIDE_ASSIGN(const bool found, find.bind_text(1, name).step());
  int64_t number = found ? find.integer(0) : 0;
  if (!found) {
    BONAFIDE_ASSIGN(Statement insert, db.prepare("insert into " + of + "(name) values(?)"));
    BONAFIDE_TRY(insert.bind_text(1, name).run());
    BONAFIDE_ASSIGN(number, db.integer("select last_insert_rowid()"));
  }
  numbers_.emplace(std::move(known_as), static_cast<uint32_t>(number));
  return static_cast<uint32_t>(number);
}

// --- retention

Result<uint64_t> SearchStore::remove_before(const EventId& before, size_t most) {
  const int64_t bound = search::first_doc(before.accepted_at().millis());
  uint64_t removed = 0;
  const auto held = db_->lock();
  BONAFIDE_TRY(db_->begin());
  Status done = remove_some(bound, most, removed);
  if (done.ok()) done = db_->commit();
  forget_cached();
  if (done.ok()) return removed;
  db_->rollback();
  return done.error();
}

Status SearchStore::remove_some(int64_t before, size_t most, uint64_t& removed) {
  auto& db = db_->writer();
  forget_cached();
  if (before > removed_before_) {
    BONAFIDE_TRY(set_meta_.bind_text(1, "removed_before").bind(2, before).run());
    removed_before_ = before;
  }
  BONAFIDE_ASSIGN(Statement oldest,
                  db.prepare("select first, key_hash, keys from facts order by first limit 1"));
  while (removed < most) {
    BONAFIDE_ASSIGN(const bool more, oldest.step());
    if (!more) break;
    const int64_t first = oldest.integer(0);
    std::vector<Key> keys;
    const bool sound = search::read_keys(oldest.bytes(2), oldest.integer(1), keys);
    oldest.reset();
    if (!sound) {
      return {Cause::damaged, settings_.path + ": the facts at " + std::to_string(first) +
                                  " are damaged: `bonafide reindex` makes the index anew"};
    }
    const auto kept = std::ranges::lower_bound(keys, before, {}, &Key::doc);
    const auto count = static_cast<size_t>(kept - keys.begin());
    if (count == 0) break;
    removed += count;
    if (kept == keys.end()) {
      BONAFIDE_TRY(delete_chunk_.bind(1, first).run());
      continue;
    }
    BONAFIDE_ASSIGN(auto at, chunk_for(keys.front().doc));
    at->second.chunk.erase_front(count);
    at->second.changed = true;
    BONAFIDE_TRY(save_chunks());
    break;
  }
  return removed < most ? drop_texts(week_of(before)) : Status(Ok{});
}

// Of a week that is kept in part the texts stay, and lead nowhere; they go with the week.
Status SearchStore::drop_texts(int64_t before_week) {
  auto& db = db_->writer();
  std::vector<int64_t> gone;
  {
    BONAFIDE_ASSIGN(Statement weeks, db.prepare("select week from weeks where week < ?"));
    weeks.bind(1, before_week);
    for (;;) {
      BONAFIDE_ASSIGN(const bool more, weeks.step());
      if (!more) break;
      gone.push_back(weeks.integer(0));
    }
  }
  if (gone.empty()) return Ok{};
  for (const int64_t week : gone) {
    BONAFIDE_TRY(db.run("drop table if exists " + text_table_name(week)));
    BONAFIDE_TRY(db.run("delete from weeks where week=" + std::to_string(week)));
  }
  return db_->seal_schema();
}

}  // namespace bonafide::stores
