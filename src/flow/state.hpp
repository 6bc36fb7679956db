#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "flow/buckets.hpp"
#include "flow/record.hpp"

namespace bonafide::flow {

/// One addition to one value of a record of history. The first byte of `field` is its group (a trait), the
/// rest its value (an empty `field` is ignored: it has no group); `bucket` is an event-time bucket chosen by
/// the writer (say, a day number). Additions commute; opposites leave no trace.
struct Increment {
  std::string field;
  int32_t bucket = 0;
  int64_t n = 1;
  friend bool operator==(const Increment&, const Increment&) = default;
};

/// The additions one output record makes to one key.
struct Delta {
  std::string key;
  std::vector<Increment> increments;
  friend bool operator==(const Delta&, const Delta&) = default;
};

/// What is known under one key: counts per field and bucket, bounded per group. Decay is the reader's
/// business.
class History {
 public:
  using Bucket = flow::Bucket;
  struct Field {
    std::string name;  ///< group byte + value
    Buckets buckets;   ///< ascending
    [[nodiscard]] int64_t total() const;
    friend bool operator==(const Field&, const Field&) = default;
  };
  /// Bounds that keep a record small. Past `max_fields` (in a group, "other" not counted) the group's field
  /// with the oldest last bucket (then the smallest total, then the smallest name) is folded into the group's
  /// "other" field (the group byte alone); past `max_buckets` the two oldest buckets are added up in the
  /// newer one. Both depend only on the increments and their order.
  static constexpr size_t max_fields = 64;
  static constexpr size_t max_buckets = 32;

  void add(const Increment& increment);
  /// A copy to be changed: with room for some more fields.
  [[nodiscard]] History with_room() const;
  /// Null if nothing is known of it.
  [[nodiscard]] const Field* find(std::string_view field) const;
  /// All fields of a group in byte order, "other" first.
  [[nodiscard]] std::span<const Field> group(char group) const;
  [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }
  [[nodiscard]] bool empty() const { return fields_.empty(); }
  [[nodiscard]] size_t memory_bytes() const;

  /// Compact form (varints, version byte first); decode errors: damaged.
  void encode(std::string& out) const;
  static Result<History> decode(ByteView bytes);
  friend bool operator==(const History&, const History&) = default;

 private:
  std::vector<Field> fields_;  // by name
};

/// Answers in the order of the keys. Null: not known in time, or the store did not answer ("unknown", which
/// is not the same as an empty history).
using Answers = std::vector<std::shared_ptr<const History>>;

enum class Applied { now, already };

/// The store of histories: a fold over the output stream. Embedded (stores/state), in memory, later Redis and
/// DynamoDB. Contract: flow/contract/state_contract.hpp. Safe from several threads.
class State {
 public:
  virtual ~State() = default;
  /// Answers all keys in one round trip, at once or later, exactly once; null for those unanswered at
  /// `deadline` (steady).
  virtual void ask(std::span<const std::string> keys, Time deadline, std::function<void(Answers)> then) = 0;
  /// Adds the deltas of the outputs in `stretch` and remembers its end, both or neither. `already` if the
  /// stretch ends at or before what was applied of that shard. Otherwise it must begin exactly there: a gap
  /// or an overlap is an error (conflict) and changes nothing.
  virtual Result<Applied> apply(const Stretch& stretch, std::span<const Delta> deltas) = 0;
  /// How far a shard has been applied; all zero if never.
  virtual Result<Position> applied(const ShardId& shard) = 0;
  /// How far a shard's deltas survive a crash: records up to there need not be kept for this store.
  virtual Result<Position> durable(const ShardId& shard) = 0;
};

}  // namespace bonafide::flow
