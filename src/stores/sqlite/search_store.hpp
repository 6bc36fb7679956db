#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stores/sqlite/progress_db.hpp"
#include "stores/sqlite/search_chunk.hpp"

namespace bonafide::stores {

/// The texts of a message that can be searched, in the order of SearchDoc::texts.
enum class SearchText : uint8_t { subject, sender, recipients, text, files, links };
constexpr std::array<std::string_view, 6> search_text_names = {"subject", "sender", "recipients",
                                                               "text",    "files",  "links"};

/// A message as the index takes it. What it views must live during the call.
struct SearchDoc {
  EventId id;
  int32_t revision = 0;
  Time at;  ///< event time
  std::string_view tenant, domain;
  search::Labels labels;
  std::array<std::string_view, search_text_names.size()> texts;

  [[nodiscard]] uint64_t text_hash() const;
};

/// A message as the index has it.
struct SearchEntry {
  EventId id;
  int32_t revision = 0;
  Time at;
  std::string tenant, domain;
  search::Labels labels;
  uint64_t text_hash = 0;
};

struct SearchFilter {
  std::string match;                  ///< an expression of FTS5 over the texts; "" = all
  std::optional<std::string> tenant;  ///< nothing = all
  std::vector<std::string> domains;   ///< any of them, or a name below it; empty = all
  uint32_t verdicts = ~0U, attacks = ~0U, directions = ~0U, judgements = ~0U;  ///< bit n: label n
  bool attachment = false;
  std::optional<Time> from, to;  ///< event time, [from, to)
};

struct SearchPage {
  struct Hit {
    EventId id;
    int32_t revision = 0;
  };
  std::vector<Hit> hits;  ///< newest ids first
  std::string cursor;     ///< "" after the last page; a page may be short, or empty, and not be the last
};

enum class SearchGroupBy : uint8_t { quarter_hour, domain, verdict, attack, direction, judgement, tenant };
struct SearchGroup {
  int64_t number = 0;  ///< quarter hours since 1970, or the label
  std::string text;    ///< the domain, or the tenant
  std::array<uint64_t, 4> by_verdict = {};
};

struct SearchStoreSettings {
  std::string path;
  size_t text_bytes = 128;  ///< so much of SearchText::text is indexed
  size_t cache_bytes = 32 << 20;
  uint64_t log_bytes = 64 << 20;
  Duration log_age = Duration::seconds(10);
};

/// The search index: full text (FTS5, a table for each week of acceptance, so that retention drops tables)
/// and facts for filters and counts, beside the progress of change capture, in one SQLite file. Of an id the
/// newest revision counts. Safe from several threads.
class SearchStore {
 public:
  /// Errors: as ProgressDb::open.
  static Result<std::unique_ptr<SearchStore>> open(const SearchStoreSettings& settings);
  ~SearchStore();

  struct Applied {
    uint64_t added = 0, replaced = 0, old = 0;
  };
  /// Docs and progress, all or nothing; with labels.removed the message is not found any more. A doc of an
  /// older revision than what is there changes nothing; nor, unless `again`, does one of the same revision.
  Result<Applied> apply(std::span<const SearchDoc> docs, const flow::Stretch* stretch, bool again = true);
  [[nodiscard]] flow::Position written(const flow::ShardId& shard) const { return db_->written(shard); }
  [[nodiscard]] flow::Position durable(const flow::ShardId& shard) const { return db_->durable(shard); }
  Status settle(Time steady, bool drain) { return db_->settle(steady, drain); }
  [[nodiscard]] Time settle_due() const { return db_->settle_due(); }
  [[nodiscard]] const std::string& path() const { return settings_.path; }

  /// Does it hold all rows there were when it was made? Kept in the file.
  [[nodiscard]] Result<bool> complete();
  Status set_complete(bool complete);

  /// Forgets ids below `before`, oldest first, at most about `most`, and takes none of them any more.
  /// Returns how many.
  Result<uint64_t> remove_before(const EventId& before, size_t most);

  /// Errors: invalid (the cursor is none; FTS5 does not understand `match`).
  Result<SearchPage> search(const SearchFilter& filter, const std::string& cursor, size_t limit);
  /// In the order of number or text.
  Result<std::vector<SearchGroup>> count(const SearchFilter& filter, SearchGroupBy by);
  /// Every message that can be found, in the order of ids. Reads and checks every fact.
  Status entries(const std::function<void(const SearchEntry&)>& each, const OnDamage& on_damage);
  /// Errors: not_found, damaged.
  Result<SearchEntry> entry(const EventId& id);
  /// SQLite's own check of all pages, the schema, the progress.
  Status verify(const OnDamage& on_damage);

 private:
  struct Reader;
  class Lease;
  struct Dirty {
    search::Chunk chunk;
    int64_t next = INT64_MAX;  ///< where the next chunk begins
    bool changed = false;
  };
  using Chunks = std::map<int64_t, Dirty>;  // by the lowest doc that belongs there

  explicit SearchStore(SearchStoreSettings settings);
  Status prepare();
  Status put(const SearchDoc& doc, bool again, Applied& applied);
  Result<Chunks::iterator> chunk_for(int64_t doc);
  Status insert(const search::Fact& fact, const search::Key& key);
  Status put_text(int64_t doc, const SearchDoc& texts);
  Result<Statement*> text_table(int64_t week);
  Result<uint32_t> number_of(std::string_view table, std::string_view name);
  Status save_chunks();
  Status remove_some(int64_t before, size_t most, uint64_t& removed);
  Status drop_texts(int64_t before_week);
  void forget_cached();

  const SearchStoreSettings settings_;
  std::unique_ptr<ProgressDb> db_;
  Statement find_chunk_, put_chunk_, delete_chunk_, set_meta_;
  // With the lock of db_ held:
  Chunks chunks_;  // read or changed lately
  std::map<int64_t, Statement> texts_;
  std::unordered_map<std::string, uint32_t> numbers_;  // "d" or "t" and the name
  int64_t removed_before_ = 0;                         // doc
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;
};

}  // namespace bonafide::stores
