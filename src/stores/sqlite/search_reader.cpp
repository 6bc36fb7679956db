#include "stores/sqlite/search_reader.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "base/text.hpp"

namespace bonafide::stores {

using search::Fact;
using search::Key;
using search::Labels;

namespace {

// Event time lies at most five minutes after acceptance (steps/import), whatever the clock's slack.
constexpr Duration most_ahead = Duration::minutes(6);
// What one page looks at before it is given as it is, with a cursor to go on.
constexpr size_t most_looked_at = 200'000;
constexpr int64_t quarter_hour_us = int64_t{15} * 60 * 1'000'000;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

Error damaged_at(const Connection& db, int64_t first) {
  return {Cause::damaged, db.path() + ": the facts at " + std::to_string(first) +
                              " are damaged: `bonafide reindex` makes the index anew"};
}

}  // namespace

// --- leases

Result<SearchStore::Lease> SearchStore::Lease::take(SearchStore& store) {
  std::unique_ptr<Reader> reader;
  {
    const std::lock_guard lock(store.readers_mutex_);
    if (!store.idle_.empty()) {
      reader = std::move(store.idle_.back());
      store.idle_.pop_back();
    }
  }
  if (!reader) {
    reader = std::make_unique<Reader>();
    BONAFIDE_ASSIGN(reader->db, Connection::open(store.settings_.path, Connection::Mode::read, 8 << 20));
    BONAFIDE_ASSIGN(reader->chunk,
                    reader->db->prepare("select first, fact_hash, facts, key_hash, keys, coalesce((select "
                                        "min(first) from facts n where n.first > facts.first), " +
                                        std::to_string(INT64_MAX) +
                                        ") from facts where first <= ? order by first desc limit 1"));
  }
  reader->at_first = reader->at_next = -1;
  BONAFIDE_TRY(reader->db->run("begin"));
  return Lease(store, std::move(reader));
}

SearchStore::Lease::~Lease() {
  if (!reader_) return;
  reader_->chunk.reset();
  if (!reader_->db->run("commit").ok()) return;  // a reader that cannot end is not used again
  const std::lock_guard lock(store_->readers_mutex_);
  if (store_->idle_.size() < most_idle) store_->idle_.push_back(std::move(reader_));
}

// --- one reader

bool SearchStore::Reader::Resolved::passes(const Fact& fact) const {
  const Labels labels = Labels::of(fact.labels);
  if (labels.removed || (filter->tenant && fact.tenant != tenant)) return false;
  if ((filter->verdicts >> labels.told_verdict() & 1) == 0 || (filter->attacks >> labels.attack & 1) == 0 ||
      (filter->directions >> labels.direction & 1) == 0 || (filter->judgements >> labels.judgement & 1) == 0)
    return false;
  if (filter->attachment && !labels.attachment) return false;
  if (filter->from && fact.at_us < filter->from->us) return false;
  if (filter->to && fact.at_us >= filter->to->us) return false;
  return domains.empty() || (fact.domain < domains.size() && domains[fact.domain]);
}

Result<SearchStore::Reader::Resolved> SearchStore::Reader::resolve(const SearchFilter& filter) {
  Resolved resolved;
  resolved.filter = &filter;
  if (filter.from)
    resolved.lowest = search::first_doc(std::max<int64_t>(0, (*filter.from - most_ahead).millis()));
  if (filter.tenant) {
    BONAFIDE_ASSIGN(Statement find, db->prepare("select number from tenants where name=?"));
    BONAFIDE_ASSIGN(const bool found, find.bind_text(1, *filter.tenant).step());
    resolved.none |= !found;
    if (found) resolved.tenant = static_cast<uint16_t>(find.integer(0));
  }
  for (const auto& domain : filter.domains) {
    BONAFIDE_ASSIGN(Statement find, db->prepare("select number from domains where name=?1 or substr(name, "
                                                "-length(?2)) = ?2"));
    const std::string below = "." + domain;
    find.bind_text(1, domain).bind_text(2, below);
    for (;;) {
      BONAFIDE_ASSIGN(const bool more, find.step());
      if (!more) break;
      const auto number = static_cast<size_t>(find.integer(0));
      if (resolved.domains.size() <= number) resolved.domains.resize(number + 1);
      resolved.domains[number] = true;
    }
  }
  resolved.none |= !filter.domains.empty() && resolved.domains.empty();
  return resolved;
}

// `row`: hash and bytes of the facts, hash and bytes of the keys, from `hash_column` on.
Status SearchStore::Reader::read_chunk(const Statement& row, int hash_column) {
  at_first = row.integer(hash_column - 1);
  const bool sound = search::read_facts(row.bytes(hash_column + 1), row.integer(hash_column), at.facts) &&
                     search::read_keys(row.bytes(hash_column + 3), row.integer(hash_column + 2), at.keys) &&
                     at.facts.size() == at.keys.size();
  if (sound) return Ok{};
  const int64_t first = std::exchange(at_first, -1);
  at_next = -1;
  return damaged_at(*db, first);
}

Result<bool> SearchStore::Reader::go_to(int64_t doc) {
  if (at_first >= 0 && doc >= at_first && doc < at_next) return true;
  at_first = at_next = -1;
  BONAFIDE_ASSIGN(const bool found, chunk.bind(1, doc).step());
  if (!found) return false;
  at_next = chunk.integer(5);
  const Status read = read_chunk(chunk, 1);
  chunk.reset();
  BONAFIDE_TRY(read);
  return true;
}

Result<std::vector<int64_t>> SearchStore::Reader::weeks() {
  BONAFIDE_ASSIGN(Statement rows, db->prepare("select week from weeks order by week desc"));
  std::vector<int64_t> found;
  for (;;) {
    BONAFIDE_ASSIGN(const bool more, rows.step());
    if (!more) return found;
    found.push_back(rows.integer(0));
  }
}

Status SearchStore::Reader::each_match(const Resolved& resolved, int64_t below, const Each& each) {
  BONAFIDE_ASSIGN(const auto all, weeks());
  for (const int64_t week : all) {
    if (week > week_of(below - 1)) continue;
    if (week < week_of(resolved.lowest)) break;
    const std::string table = text_table_name(week);
    auto prepared = db->prepare("select rowid from " + table + " where " + table +
                                " match ?1 and rowid < ?2 and rowid >= ?3 order by rowid desc");
    if (!prepared.ok()) return prepared.error();
    Statement& rows = *prepared;
    rows.bind_text(1, resolved.filter->match).bind(2, below).bind(3, resolved.lowest);
    for (;;) {
      const auto more = rows.step();
      if (!more.ok()) {
        // What FTS5 does not understand comes as a plain error.
        if (more.error().cause != Cause::internal) return more.error();
        return {Cause::invalid, "the query cannot be answered: " + more.error().message};
      }
      if (!*more) break;
      const int64_t doc = rows.integer(0);
      BONAFIDE_ASSIGN(const bool there, go_to(doc));
      if (!there) continue;
      const size_t place = at.place(doc);
      if (place == at.keys.size() || at.keys[place].doc != doc) continue;  // retention has taken it
      if (!each(at.keys[place], at.facts[place])) return Ok{};
    }
  }
  return Ok{};
}

Status SearchStore::Reader::each_fact(const Resolved& resolved, int64_t below, const Each& each) {
  BONAFIDE_ASSIGN(Statement rows,
                  db->prepare("select first, fact_hash, facts, key_hash, keys from facts where "
                              "first < ? order by first desc"));
  rows.bind(1, below);
  for (;;) {
    BONAFIDE_ASSIGN(const bool more, rows.step());
    if (!more) return Ok{};
    BONAFIDE_TRY(read_chunk(rows, 1));
    at_next = -1;
    for (size_t i = at.place(below); i-- > 0;) {
      if (at.keys[i].doc < resolved.lowest) return Ok{};
      if (!each(at.keys[i], at.facts[i])) return Ok{};
    }
  }
}

Result<std::string> SearchStore::Reader::name_of(const char* table, int64_t number) {
  BONAFIDE_ASSIGN(Statement find, db->prepare(std::string("select name from ") + table + " where number=?"));
  BONAFIDE_ASSIGN(const bool found, find.bind(1, number).step());
  return found ? std::string(find.bytes(0)) : std::string();
}

// --- questions

Result<SearchPage> SearchStore::search(const SearchFilter& filter, const std::string& cursor, size_t limit) {
  int64_t below = INT64_MAX;
  if (!cursor.empty()) {
    const auto given = parse_int(cursor);
    if (!given.ok() || *given <= 0)
      return Error{Cause::invalid, "the cursor is not one that a page before has given"};
    below = *given;
  }
  BONAFIDE_ASSIGN(Lease reader, Lease::take(*this));
  BONAFIDE_ASSIGN(const auto resolved, reader->resolve(filter));
  SearchPage page;
  if (resolved.none || limit == 0) return page;
  size_t looked_at = 0;
  const auto take = [&](const Key& key, const Fact& fact) {
    ++looked_at;
    if (resolved.passes(fact)) page.hits.push_back({key.id(), key.revision});
    if (page.hits.size() < limit && looked_at < most_looked_at) return true;
    page.cursor = std::to_string(key.doc);
    return false;
  };
  BONAFIDE_TRY(filter.match.empty() ? reader->each_fact(resolved, below, take)
                                    : reader->each_match(resolved, below, take));
  return page;
}

namespace {

/// Counts by a number, in the order they come: runs of one number are the rule.
class Tally {
 public:
  void add(int64_t number, uint8_t verdict) {
    if (number != last_number_ || last_ == nullptr) {
      last_ = &counts_[number];
      last_number_ = number;
    }
    ++(*last_)[verdict & 3];
  }
  [[nodiscard]] const std::unordered_map<int64_t, std::array<uint64_t, 4>>& counts() const { return counts_; }

 private:
  std::unordered_map<int64_t, std::array<uint64_t, 4>> counts_;
  std::array<uint64_t, 4>* last_ = nullptr;
  int64_t last_number_ = 0;
};

int64_t group_of(const Fact& fact, SearchGroupBy by) {
  const Labels labels = Labels::of(fact.labels);
  switch (by) {
    case SearchGroupBy::quarter_hour:
      return floor_div(fact.at_us, quarter_hour_us);
    case SearchGroupBy::domain:
      return fact.domain;
    case SearchGroupBy::verdict:
      return labels.told_verdict();
    case SearchGroupBy::attack:
      return labels.attack;
    case SearchGroupBy::direction:
      return labels.direction;
    case SearchGroupBy::judgement:
      return labels.judgement;
    case SearchGroupBy::tenant:
      return fact.tenant;
  }
  return 0;
}

}  // namespace

Result<std::vector<SearchGroup>> SearchStore::count(const SearchFilter& filter, SearchGroupBy by) {
  BONAFIDE_ASSIGN(Lease reader, Lease::take(*this));
  BONAFIDE_ASSIGN(const auto resolved, reader->resolve(filter));
  Tally tally;
  const auto add = [&](const Fact& fact) {
    if (resolved.passes(fact)) tally.add(group_of(fact, by), Labels::of(fact.labels).told_verdict());
  };
  if (!resolved.none && !filter.match.empty()) {
    BONAFIDE_TRY(reader->each_match(resolved, INT64_MAX, [&](const Key&, const Fact& fact) {
      add(fact);
      return true;
    }));
  } else if (!resolved.none) {
    // The facts alone, without the keys: a third of the bytes. Of the first chunk a part may lie below
    // `lowest`; its event times say so too.
    BONAFIDE_ASSIGN(Statement rows,
                    reader->db->prepare("select fact_hash, facts, first from facts where first "
                                        ">= coalesce((select max(first) from facts where first "
                                        "<= ?1), 0) order by first"));
    rows.bind(1, resolved.lowest);
    std::vector<Fact> facts;
    for (;;) {
      BONAFIDE_ASSIGN(const bool more, rows.step());
      if (!more) break;
      if (!search::read_facts(rows.bytes(1), rows.integer(0), facts))
        return damaged_at(*reader->db, rows.integer(2));
      for (const auto& fact : facts) add(fact);
    }
  }
  const char* names = by == SearchGroupBy::domain   ? "domains"
                      : by == SearchGroupBy::tenant ? "tenants"
                                                    : nullptr;
  std::vector<SearchGroup> groups;
  for (const auto& [number, by_verdict] : tally.counts()) {
    groups.push_back({number, "", by_verdict});
    if (names == nullptr) continue;
    BONAFIDE_ASSIGN(groups.back().text, reader->name_of(names, number));
    groups.back().number = 0;
  }
  std::ranges::sort(groups, [](const SearchGroup& a, const SearchGroup& b) {
    return std::tie(a.number, a.text) < std::tie(b.number, b.text);
  });
  return groups;
}

namespace {

SearchEntry entry_of(const Key& key, const Fact& fact) {
  SearchEntry entry;
  entry.id = key.id();
  entry.revision = key.revision;
  entry.at = {fact.at_us};
  entry.labels = Labels::of(fact.labels);
  entry.text_hash = key.text_hash;
  return entry;
}

using Names = std::unordered_map<int64_t, std::string>;

Result<Names> all_names(const Connection& db, const std::string& table) {
  BONAFIDE_ASSIGN(Statement rows, db.prepare("select number, name from " + table));
  Names names;
  for (;;) {
    BONAFIDE_ASSIGN(const bool more, rows.step());
    if (!more) return names;
    names[rows.integer(0)] = std::string(rows.bytes(1));
  }
}

}  // namespace

Status SearchStore::entries(const std::function<void(const SearchEntry&)>& each, const OnDamage& on_damage) {
  BONAFIDE_ASSIGN(Lease reader, Lease::take(*this));
  BONAFIDE_ASSIGN(Names tenants, all_names(*reader->db, "tenants"));
  BONAFIDE_ASSIGN(Names domains, all_names(*reader->db, "domains"));
  BONAFIDE_ASSIGN(Statement rows,
                  reader->db->prepare("select first, fact_hash, facts, key_hash, keys from facts "
                                      "order by first"));
  for (;;) {
    BONAFIDE_ASSIGN(const bool more, rows.step());
    if (!more) return Ok{};
    if (const Status read = reader->read_chunk(rows, 1); !read.ok()) {
      on_damage({settings_.path, read.error().message, {}});
      continue;
    }
    for (size_t i = 0; i < reader->at.keys.size(); ++i) {
      const Fact& fact = reader->at.facts[i];
      SearchEntry entry = entry_of(reader->at.keys[i], fact);
      if (entry.labels.removed) continue;
      entry.tenant = tenants[fact.tenant];
      entry.domain = domains[fact.domain];
      each(entry);
    }
  }
}

Result<SearchEntry> SearchStore::entry(const EventId& id) {
  BONAFIDE_ASSIGN(Lease reader, Lease::take(*this));
  for (int attempt = 0; attempt < 1 << search::tail_bits; ++attempt) {
    const int64_t doc = search::doc_of(id, attempt);
    BONAFIDE_ASSIGN(const bool there, reader->go_to(doc));
    const size_t place = there ? reader->at.place(doc) : 0;
    if (!there || place == reader->at.keys.size() || reader->at.keys[place].doc != doc) break;
    const Key& key = reader->at.keys[place];
    const Fact& fact = reader->at.facts[place];
    if (key.id() != id || Labels::of(fact.labels).removed) continue;
    SearchEntry entry = entry_of(key, fact);
    BONAFIDE_ASSIGN(entry.tenant, reader->name_of("tenants", fact.tenant));
    BONAFIDE_ASSIGN(entry.domain, reader->name_of("domains", fact.domain));
    return entry;
  }
  return Error{Cause::not_found, id.hex() + " is not in the index"};
}

Status SearchStore::verify(const OnDamage& on_damage) {
  BONAFIDE_ASSIGN(const auto reader, Connection::open(settings_.path, Connection::Mode::read, 8 << 20));
  return ProgressDb::verify(*reader, on_damage);
}

}  // namespace bonafide::stores
