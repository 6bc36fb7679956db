#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "stores/sqlite/progress_db.hpp"

namespace bonafide::stores {

enum class ColumnType { text, integer, real };

struct Column {
  std::string name;
  ColumnType type = ColumnType::text;
};

/// A row to be written. What it views must live during the call.
struct RowView {
  EventId id;
  int32_t revision = 0;
  std::span<const ValueView> values;  ///< one for each column
  ByteView event;                     ///< the encoded event
  ByteView change = {};               ///< what the consumers of changes are told; "" = nothing
};

struct StoredRow {
  EventId id;
  int32_t revision = 0;
  std::vector<Value> values;
  std::string event;

  /// The text of a column; "" where it is null.
  [[nodiscard]] std::string_view text(size_t column) const {
    const auto* found = std::get_if<std::string>(&values[column]);
    return found == nullptr ? std::string_view() : *found;
  }
};

/// The one row of a heartbeat, overwritten by the next of its name.
struct Heartbeat {
  std::string name;
  EventId id;
  Time at;
};

/// Look-ups in the rows. Safe from several threads, beside the writer and in another process. Every row that
/// is read is compared with its hash: what does not match is never served.
class Rows {
 public:
  static Result<std::unique_ptr<Rows>> open(const std::string& path, std::vector<Column> columns);
  ~Rows();

  /// The newest revision, or the one asked for. Errors: not_found; damaged (names the id).
  Result<StoredRow> get(const EventId& id, std::optional<int32_t> revision = std::nullopt);

  struct Query {
    EventId from;                   ///< first id
    std::optional<EventId> before;  ///< ids from here on are left out
    bool newest_revision = true;    ///< only; else all revisions
    bool backwards = false;         ///< newest ids first
    size_t limit = 100;
    std::string cursor = {};  ///< of the page before; "" for the first
  };
  struct Page {
    std::vector<StoredRow> rows;
    std::vector<Damage> damaged;  ///< rows that had to be left out
    std::string cursor;           ///< "" after the last page
  };
  /// Errors: invalid (the cursor is none), damaged (pages of the file; rows alone are told in the page).
  Result<Page> page(const Query& query);
  /// All rows of a query, whatever its limit, page by page. `each` returns false to end it.
  Status scan(Query query, const std::function<bool(const StoredRow&)>& each, const OnDamage& on_damage);
  /// Revisions count as one unless `query.newest_revision` is false; limit and cursor are not looked at.
  Result<uint64_t> count(const Query& query);
  Result<std::vector<Heartbeat>> heartbeats();

  /// From which id on the rows would fit into so many bytes of the file; nothing where they do. What lies in
  /// free pages does not count: they are used again. By the average size of a row, so another look may find a
  /// little more.
  Result<std::optional<EventId>> fits_from(uint64_t bytes);

  /// Reads every live byte: SQLite's own check, then each row. `each` (may be empty) is told of every sound
  /// row.
  Status verify(const std::function<void(const StoredRow&)>& each, const OnDamage& on_damage);

 private:
  struct Reader;
  class Lease;
  Rows(std::string path, std::vector<Column> columns);
  Result<std::unique_ptr<Reader>> make_reader() const;

  const std::string path_;
  const std::vector<Column> columns_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;
};

struct RowStoreSettings {
  std::string path;
  /// New columns may be added at the end; rows written before have null there.
  std::vector<Column> columns;
  size_t cache_bytes = 32 << 20;
  uint64_t log_bytes = 64 << 20;
  Duration log_age = Duration::seconds(10);
  /// Who reads the outbox. Without any, nothing is put there. A new one sees what is written from then on.
  std::vector<std::string> consumers = {};
  /// Entries of the outbox at which write() says "exhausted" until the consumers have come on.
  uint64_t most_changes = 2'000'000;
};

/// The primary store: one clean row for each revision of an event, in SQLite. Rows, outbox entries and
/// progress of a batch land in one transaction. The row is keyed by (id, revision); ids are in time order.
/// Safe from several threads.
class RowStore {
 public:
  /// Errors: as ProgressDb::open; invalid (other columns than the file has).
  static Result<std::unique_ptr<RowStore>> open(RowStoreSettings settings);

  struct Written {
    uint64_t rows = 0;
    uint64_t duplicates = 0;  ///< were there with the same content
    uint64_t replaced = 0;    ///< were there with another content; the new one counts
  };
  /// All of it or nothing. Errors: exhausted, unavailable, damaged.
  Result<Written> write(std::span<const RowView> rows, std::span<const Heartbeat> heartbeats,
                        const flow::Stretch& stretch);
  [[nodiscard]] flow::Position written(const flow::ShardId& shard) const { return db_->written(shard); }
  [[nodiscard]] flow::Position durable(const flow::ShardId& shard) const { return db_->durable(shard); }
  Status settle(Time steady, bool drain) { return db_->settle(steady, drain); }
  [[nodiscard]] Time settle_due() const { return db_->settle_due(); }

  Rows& rows() { return *rows_; }

  /// A row that was written or replaced.
  struct Change {
    int64_t number = 0;  ///< ascending, not dense
    EventId id;
    int32_t revision = 0;
    flow::Lane lane = flow::Lane::live;  ///< of the record the row came from
    std::string body;                    ///< RowView::change
    bool damaged = false;                ///< not what was written: the rest tells no more than the number
  };
  /// In the order they were written: for change capture. At most so many, and about so many bytes.
  Result<std::vector<Change>> changes(int64_t after, size_t most, size_t most_bytes = SIZE_MAX);
  /// The number of the newest change that was ever written.
  [[nodiscard]] int64_t last_change() const { return last_change_.load(); }
  [[nodiscard]] bool has_consumers() const { return !settings_.consumers.empty(); }
  /// Was the consumer registered when the store was opened, so that it does not know of earlier rows?
  [[nodiscard]] bool is_new(const std::string& consumer) const;
  /// Called after changes were written, on the writer's thread. Set before the first write().
  void on_changes(std::function<void()> call) { on_changes_ = std::move(call); }
  /// How far a consumer has come. Errors: not_found.
  Result<int64_t> consumed(const std::string& consumer);
  /// A consumer has dealt with everything up to `number`; what all have is forgotten.
  Status consume(const std::string& consumer, int64_t number);

  /// Deletes rows with ids below `before`, oldest first, at most `most`, and none that a consumer has not
  /// seen. Returns how many.
  Result<uint64_t> remove_before(const EventId& before, size_t most);

 private:
  /// Count and sum of row hashes of one day of ids: tells that a row is missing or too many.
  struct Book {
    int64_t count = 0;
    uint64_t sum = 0;
    void add(uint64_t hash) { ++count, sum += hash; }
    void take(uint64_t hash) { --count, sum -= hash; }
  };
  using Books = std::map<int64_t, Book>;

  explicit RowStore(RowStoreSettings settings) : settings_(std::move(settings)) {}
  Status prepare();
  Status match_columns();
  Status register_consumers();
  Status forget_consumed();
  Status load_books();
  Status put(const RowView& row, flow::Lane lane, Books& books, Written& written);
  Status already_there(const RowView& row, uint64_t hash, flow::Lane lane, Books& books, Written& written);
  Status put_change(const RowView& row, flow::Lane lane);
  Status put_heartbeat(const Heartbeat& heartbeat);
  Status save(const Books& books);
  Status remove_rows(const EventId& before, size_t most, Books& books, uint64_t& removed);

  const RowStoreSettings settings_;
  std::unique_ptr<ProgressDb> db_;
  std::unique_ptr<Rows> rows_;
  Statement insert_, find_hash_, update_, change_, heartbeat_, book_, read_changes_, consume_, forget_;
  std::vector<std::string> new_consumers_;
  std::function<void()> on_changes_;
  std::atomic<int64_t> last_change_{0};  // as committed
  // With the lock of db_ held:
  Books books_;               // as committed
  int64_t next_change_ = 0;   // the last number given out
  int64_t first_change_ = 0;  // what all consumers have dealt with
  std::string scratch_;
};

}  // namespace bonafide::stores
