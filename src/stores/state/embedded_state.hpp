#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.hpp"
#include "env/clock.hpp"
#include "env/wake.hpp"
#include "flow/state.hpp"
#include "stores/damage.hpp"
#include "stores/state/tables.hpp"

namespace bonafide::stores {

struct EmbeddedStateSettings {
  std::string folder;
  /// Of everything: decoded records, RocksDB's tables in memory and its block cache.
  size_t memory_bytes = 96 << 20;
  /// A checkpoint is due after so many deltas (25,000 messages at ten a message: about a second to replay) or
  /// so much time, whichever comes first; a restart replays what came since, before the first verdict.
  uint64_t checkpoint_deltas = 250'000;
  Duration checkpoint_every = Duration::seconds(5);
  Tables::Open open_tables;  ///< null: RocksDB
  /// Records whose newest bucket (a day number) lies further back are forgotten.
  std::optional<int32_t> keep_days;
  /// Are the streams the deltas come from on the disk up to these positions? Asked before a checkpoint gets
  /// there, and again until they are: the state is never ahead of them. Null: they always are.
  std::function<Result<bool>(const std::map<flow::ShardId, flow::Position>&)> streams_synced;
  /// Woken when settle() has something to do sooner than settle_due() last said. Null when it is stepped
  /// anyway.
  env::Wake* wake = nullptr;
};

/// Histories on this machine's disk: a write-back cache of decoded records over RocksDB. The disk always
/// holds exactly the fold of each shard up to the position stored with it, never anything in between, so that
/// a replay from there counts nothing twice, however it is cut into stretches. What was applied since is
/// replayed after a crash; a lost or damaged store is deleted and rebuilt the same way. Safe from several
/// threads.
class EmbeddedState final : public flow::State {
 public:
  /// `clock` (wall clock, for keep_days) outlives the state. Errors: conflict (in use), damaged, unavailable;
  /// invalid (written by a newer version). Each says what to do.
  static Result<std::unique_ptr<EmbeddedState>> open(EmbeddedStateSettings settings, env::Clock& clock);
  ~EmbeddedState() override;

  /// Answers at once; `deadline` is not needed. Null only for what cannot be read: damaged() is true then.
  void ask(std::span<const std::string> keys, Time deadline,
           std::function<void(flow::Answers)> then) override;
  /// Errors: conflict (a gap, or a stretch that begins inside what was applied); damaged, exhausted,
  /// unavailable.
  Result<flow::Applied> apply(const flow::Stretch& stretch, std::span<const flow::Delta> deltas) override;
  Result<flow::Position> applied(const flow::ShardId& shard) override;
  Result<flow::Position> durable(const flow::ShardId& shard) override;

  /// Brings everything applied so far to the disk. Errors: unavailable while the streams are not there.
  Status checkpoint();
  /// Does a bounded part of a checkpoint that is due or under way, about a millisecond. `drain`: all of it.
  /// Errors are those of the disk (exhausted: may be called again) and of streams_synced.
  Status settle(Time steady, bool drain);
  /// When settle() wants to be called next (steady clock).
  [[nodiscard]] Time settle_due() const;

  struct Size {
    uint64_t cached_records = 0, dirty_records = 0, memory_bytes = 0, disk_bytes = 0;
  };
  [[nodiscard]] Size size() const;
  /// Has anything been found unreadable?
  [[nodiscard]] bool damaged() const { return damaged_.load(); }
  /// Reads every byte on the disk. Errors: could not be read at all.
  Status verify(const OnDamage& on_damage);

 private:
  struct Entry {
    std::shared_ptr<flow::History> history;
    const std::string* key = nullptr;
    Entry* newer = nullptr;  // in the list of those that may be evicted
    Entry* older = nullptr;
    size_t bytes = 0;
    bool dirty = false;    // changed since it was last taken for a checkpoint
    bool writing = false;  // taken, not yet written
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return hash64(key); }
  };
  struct Write {
    Entry* entry;
    std::shared_ptr<const flow::History> history;
  };
  using Positions = std::map<flow::ShardId, flow::Position>;
  enum class Phase { idle, writing, written, flushing };

  EmbeddedState(EmbeddedStateSettings settings, env::Clock& clock);
  Status load_positions();

  // With mutex_ held:
  template <class KeyOf>
  Status find(size_t count, const KeyOf& key_of, std::vector<Entry*>& found);
  Status load(const std::vector<std::string>& keys);
  flow::History& writable(Entry& entry);
  void evict();
  void unlink(Entry& entry);
  void link_newest(Entry& entry);
  void set_bytes(Entry& entry);
  [[nodiscard]] bool expired(const flow::History& history) const;
  Status gap(const flow::Stretch& stretch, flow::Position at) const;

  // With checkpoint_mutex_ held:
  Status begin();
  Status write_some(size_t most);
  Status start_flush();
  Status finish(bool wait);
  Status run_to_end();
  [[nodiscard]] bool due(Time steady) const;
  [[nodiscard]] bool much_has_changed() const;

  const EmbeddedStateSettings settings_;
  env::Clock& clock_;
  std::unique_ptr<Tables> tables_;
  std::atomic<bool> damaged_{false};
  std::atomic<int32_t> oldest_kept_;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry, KeyHash, std::equal_to<>> entries_;
  Entry* newest_ = nullptr;
  Entry* oldest_ = nullptr;
  std::vector<Entry*> dirty_;
  std::vector<Entry*> found_;  // scratch
  std::atomic<size_t> bytes_{0}, dirty_bytes_{0};
  std::atomic<uint64_t> deltas_since_{0};
  std::atomic<bool> moved_{false};      // positions or records changed since the last begin()
  std::atomic<bool> much_told_{false};  // whoever steps this was woken because much_has_changed()
  Positions applied_;

  std::mutex checkpoint_mutex_;  // taken before mutex_
  std::atomic<Phase> phase_{Phase::idle};
  std::vector<Write> writes_;
  size_t written_ = 0;
  Positions taken_;
  std::atomic<int64_t> last_begin_us_{INT64_MIN}, last_step_us_{0};
  mutable std::mutex durable_mutex_;
  Positions durable_;
};

}  // namespace bonafide::stores
