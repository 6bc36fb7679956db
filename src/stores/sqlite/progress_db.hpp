#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "flow/record.hpp"
#include "stores/damage.hpp"
#include "stores/sqlite/connection.hpp"

namespace bonafide::stores {

/// A database with one writer, that keeps beside its rows how far each source shard has come: both land in
/// the same transaction. A commit is not synced; it survives a power cut once settle() has brought the
/// write-ahead log into the database, and only then does durable() tell so. Of the transactions those that
/// survive are a prefix.
class ProgressDb {
 public:
  struct Settings {
    std::string path;
    std::string format;  ///< e.g. "bonafide-rows 1"; a file of another format is refused
    size_t cache_bytes = 32 << 20;
    uint64_t log_bytes = 64 << 20;  ///< size of the write-ahead log at which it is brought into the database
    Duration log_age = Duration::seconds(10);
  };
  /// Makes the tables `tables` (SQL, "create table if not exists …") where they are missing. Errors: as
  /// Connection::open; invalid (another format: says what to do).
  static Result<std::unique_ptr<ProgressDb>> open(const Settings& settings, const std::string& tables);

  /// The writer; hold lock() while using it.
  Connection& writer() { return *writer_; }
  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  // With the lock held:
  Status begin() { return writer_->run("begin immediate"); }
  /// Ends the transaction with the progress of `stretch`.
  Status commit(const flow::Stretch& stretch);
  Status commit();
  void rollback();

  /// After the schema was changed on purpose: what it is now is what verify() expects.
  Status seal_schema();

  /// Runs `work` in a transaction under the lock; commits if it succeeds.
  template <class Work>
  Status transact(Work&& work, const flow::Stretch* stretch = nullptr) {
    const auto held = lock();
    BONAFIDE_TRY(begin());
    Status done = work();
    if (done.ok()) done = stretch != nullptr ? commit(*stretch) : commit();
    if (!done.ok()) rollback();
    return done;
  }

  // From any thread:
  [[nodiscard]] flow::Position written(const flow::ShardId& shard) const;
  [[nodiscard]] flow::Position durable(const flow::ShardId& shard) const;
  Status settle(Time steady, bool drain);
  [[nodiscard]] Time settle_due() const;
  [[nodiscard]] const std::string& path() const { return settings_.path; }

  /// SQLite's own check of all pages and indexes, the schema, and the progress rows.
  static Status verify(Connection& reader, const OnDamage& on_damage);

 private:
  using Positions = std::map<flow::ShardId, flow::Position>;
  explicit ProgressDb(Settings settings) : settings_(std::move(settings)) {}
  Status check_format();
  static Result<int64_t> schema_hash(const Connection& db);
  Status load();
  Status sync();

  const Settings settings_;
  std::unique_ptr<Connection> writer_;
  Statement advance_;
  mutable std::mutex mutex_;
  mutable std::mutex positions_mutex_;
  Positions written_, durable_;
  bool unsynced_ = false;
  Time last_sync_{INT64_MIN}, last_step_;
};

}  // namespace bonafide::stores
