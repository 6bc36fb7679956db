#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flow/parked.hpp"
#include "stores/sqlite/progress_db.hpp"

namespace bonafide::stores {

enum class ParkedState : uint8_t { parked, retried, dropped };
const char* to_string(ParkedState state);

/// A parked record as the store keeps it.
struct ParkedItem {
  std::string name;     ///< 16 hex digits, from the record's step, shard and position
  std::string subject;  ///< what it is about, e.g. the event id in hex; "" where it cannot be told
  flow::ParkedRecord record;
  ParkedState state = ParkedState::parked;
  Time changed_at;  ///< of the state
};

struct ParkedStoreSettings {
  std::string path;
  size_t cache_bytes = 2 << 20;
  Duration log_age = Duration::seconds(10);
};

/// The records that wait alone, and what became of them. Safe from several threads.
class ParkedStore {
 public:
  /// Errors: as ProgressDb::open.
  static Result<std::unique_ptr<ParkedStore>> open(const ParkedStoreSettings& settings);

  struct NewItem {
    std::string subject;
    flow::ParkedRecord record;
  };
  /// Items and progress, all or nothing; an item that is there already stays as it is. Returns how many were
  /// new.
  Result<uint64_t> put(std::span<const NewItem> items, const flow::Stretch& stretch);
  [[nodiscard]] flow::Position written(const flow::ShardId& shard) const { return db_->written(shard); }
  [[nodiscard]] flow::Position durable(const flow::ShardId& shard) const { return db_->durable(shard); }
  Status settle(Time steady, bool drain) { return db_->settle(steady, drain); }
  [[nodiscard]] Time settle_due() const { return db_->settle_due(); }

  struct Page {
    std::vector<ParkedItem> items;
    std::vector<Damage> damaged;  ///< items that had to be left out
    int64_t cursor = 0;           ///< 0 after the last page
  };
  /// In the order they came; of one state, or all. `cursor`: of the page before, 0 for the first.
  Result<Page> list(std::optional<ParkedState> state, int64_t cursor, size_t limit);
  /// By name, or the newest of a subject. Errors: not_found, damaged.
  Result<ParkedItem> get(const std::string& name_or_subject);
  /// Errors: not_found; conflict (it is not in state `from` any more).
  Status set_state(const std::string& name, ParkedState from, ParkedState to, Time at);
  Result<uint64_t> count(ParkedState state);
  /// By the step that set them aside.
  Result<std::map<std::string, uint64_t>> count_by_step(ParkedState state);
  /// Deletes items that are not parked any more and changed before `before`. Returns how many.
  Result<uint64_t> remove_settled(Time before);

  /// Reads every live byte.
  Status verify(const OnDamage& on_damage);

  [[nodiscard]] static std::string name_of(const flow::ParkedRecord& record);

 private:
  ParkedStore() = default;
  Result<ParkedItem> read(const Statement& row) const;

  std::unique_ptr<ProgressDb> db_;
};

}  // namespace bonafide::stores
