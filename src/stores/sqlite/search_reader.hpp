#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stores/sqlite/search_store.hpp"

namespace bonafide::stores {

/// One connection to the index.
struct SearchStore::Reader {
  std::unique_ptr<Connection> db;
  Statement chunk;  ///< of a doc

  // The chunk that was looked at last, within one transaction.
  search::Chunk at;
  int64_t at_first = -1;
  int64_t at_next = -1;  ///< the chunk ends before it

  /// A filter with the numbers that stand for its words.
  struct Resolved {
    const SearchFilter* filter = nullptr;
    bool none = false;  ///< nothing can match
    uint16_t tenant = 0;
    std::vector<bool> domains;  ///< by number; empty = all
    int64_t lowest = 0;         ///< no doc below can match
    [[nodiscard]] bool passes(const search::Fact& fact) const;
  };
  Result<Resolved> resolve(const SearchFilter& filter);
  /// Brings `at` to the chunk that holds `doc`. False: there is none. Errors: damaged.
  Result<bool> go_to(int64_t doc);
  Status read_chunk(const Statement& row, int hash_column);
  /// Weeks that have texts, newest first.
  Result<std::vector<int64_t>> weeks();
  /// Calls `each` (doc, fact) for what the texts match, newest first, until it returns false.
  using Each = std::function<bool(const search::Key&, const search::Fact&)>;
  Status each_match(const Resolved& resolved, int64_t below, const Each& each);
  /// Likewise for everything.
  Status each_fact(const Resolved& resolved, int64_t below, const Each& each);
  Result<std::string> name_of(const char* table, int64_t number);
};

/// A reader for the time of one call, in one transaction.
class SearchStore::Lease {
 public:
  static constexpr size_t most_idle = 4;
  static Result<Lease> take(SearchStore& store);
  Lease(Lease&&) = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease();
  Reader& operator*() { return *reader_; }
  Reader* operator->() { return reader_.get(); }

 private:
  Lease(SearchStore& store, std::unique_ptr<Reader> reader) : store_(&store), reader_(std::move(reader)) {}
  SearchStore* store_;
  std::unique_ptr<Reader> reader_;
};

/// Weeks are counted from 1970 by the milliseconds of ids.
constexpr int64_t week_millis = int64_t{7} * 86'400'000;
constexpr int64_t week_of(int64_t doc) { return search::millis_of(doc) / week_millis; }
inline std::string text_table_name(int64_t week) { return "text_" + std::to_string(week); }

}  // namespace bonafide::stores
