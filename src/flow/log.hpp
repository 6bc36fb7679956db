#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "env/wake.hpp"
#include "flow/record.hpp"

// The contract every stream keeps; flow/contract/log_contract.hpp holds it as tests. The journal, memory,
// Kafka and Kinesis implement it. Callers adapt to Traits, never to a product.
namespace bonafide::flow {

/// What a log promises.
struct Traits {
  bool atomic = false;      ///< a transaction's outputs and progress land all or not at all
  bool headers = false;     ///< records keep their headers
  bool replayable = false;  ///< a reader may start at any retained position
  bool reshards = false;    ///< shards may end (split, merged), and others follow them; else they stay
  size_t max_record_bytes = 0;
};

/// What became of a commit. `unknown`: drop the session, rejoin, and read what was committed.
enum class Fate { done, not_done, unknown, fenced };

/// One record to be written. `shard` comes from the key's hash over the topic's shards.
struct Entry {
  std::string topic;
  Lane lane = Lane::live;
  Record record;
};

/// A commit under way. Several of one session may be; they settle in order, and one lands only if those
/// before it have: after a commit that is not done, the session's later ones are not done either.
class Commit {
 public:
  virtual ~Commit() = default;
  /// Nothing while it is under way. Once settled, always the same answer. Does not block.
  virtual std::optional<Fate> poll() = 0;
  /// After Fate::done: where each appended record landed, in the order of append().
  [[nodiscard]] virtual const std::vector<std::pair<ShardId, Position>>& landed() const = 0;
};

/// Outputs and progress that land together (all or nothing where Traits::atomic). Dropped without commit() =
/// nothing happened. One open transaction a session.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual void append(Entry entry) = 0;
  /// Everything of `shard` up to `position` is dealt with for this session's group.
  virtual void consumed(const ShardId& shard, Position position) = 0;
  virtual std::unique_ptr<Commit> commit() = 0;
};

/// Which records a session sees. Steps that only write back to the log read what is written; whoever lets
/// something out (sinks, waiting callers, live views) sees only what is synced (invariant 12).
enum class Visibility { written, synced };

struct Join {
  std::string group;
  std::vector<std::string> topics;
  Visibility visibility = Visibility::synced;
  /// Woken when there may be something to read. Outlives the session.
  env::Wake* wake = nullptr;
};

/// One worker's share of a group. Used by one thread at a time. Destroying it gives its shards back; what was
/// read and not committed will be read again by whoever gains the shard.
class Session {
 public:
  virtual ~Session() = default;
  /// Whatever has arrived after the last read (never waits), in order per shard, at most `max_records` and
  /// about `max_bytes` (always at least one record if there is one). Errors: fenced (rejoin); damaged (names
  /// the place; the damaged stretch is skipped by the next read); unavailable.
  virtual Result<std::vector<Delivery>> read(Lane lane, size_t max_records, size_t max_bytes) = 0;
  /// Shards gained or lost since the last call; at first all that are held. A shard with parents is held by
  /// the session that holds these, which gives their records first, or by any once the group has committed
  /// them to their ends: so order per key is kept. A lost shard's uncommitted work is void: a commit of
  /// records that were read before the loss is fenced, also when the shard has come back meanwhile. Callers
  /// look at lost() first.
  virtual std::vector<ShardId> gained() = 0;
  virtual std::vector<ShardId> lost() = 0;
  /// The group's committed progress in a held shard.
  virtual Position committed(const ShardId& shard) = 0;
  /// The next read of the shard begins after `position`: for sinks, which keep their own progress.
  virtual Status seek(const ShardId& shard, Position position) = 0;
  virtual std::unique_ptr<Transaction> begin() = 0;
};

/// Reads one shard without a group: tail, verify, reprocess (what is synced), rebuilding a state (what is
/// written).
class Reader {
 public:
  virtual ~Reader() = default;
  /// As Session::read for one shard. Empty: nothing more for now.
  virtual Result<std::vector<Delivery>> read(size_t max_records, size_t max_bytes) = 0;
};

/// What a group still has to do in one shard.
struct Backlog {
  ShardId shard;
  Position committed;
  uint64_t records = 0;        ///< not yet committed by the group
  std::optional<Time> oldest;  ///< timestamp of the first of them
};

/// Where front doors write. Safe from any thread.
class Inlet {
 public:
  virtual ~Inlet() = default;
  struct Admission {
    bool now = true;
    Duration retry_after;  ///< when not now
    std::string reason;    ///< e.g. "the disk has only 800 MiB free", "score is 20,000 messages behind"
    /// exhausted: more is under way than is good, slow down; unavailable: nothing can be taken, whoever asks.
    Cause cause = Cause::exhausted;
  };
  /// May a message of about `bytes` be taken? Asked before it is read, and again before append().
  virtual Admission admit(size_t bytes) = 0;
  /// The entries land together or not at all; `when_synced` is called exactly once, on any thread, after they
  /// survive a power cut (with where they landed) or could not be written. Never blocks on the disk.
  using Landed = std::vector<std::pair<ShardId, Position>>;
  virtual void append(std::vector<Entry> entries, std::function<void(Result<Landed>)> when_synced) = 0;
};

/// A stream engine. Safe from any thread; sessions and readers are not. Topics are made when first named.
class Log {
 public:
  virtual ~Log() = default;
  [[nodiscard]] virtual Traits traits() const = 0;
  virtual Inlet& inlet() = 0;
  /// Sessions of one group share the shards: each shard is held by one, a newcomer always gets at least one
  /// (with a single shard: takes it over). Once this returns, no commit of an earlier holder of a held shard
  /// can land any more: it is fenced.
  virtual Result<std::unique_ptr<Session>> join(const Join& join) = 0;
  /// Errors: not_found (no such shard).
  virtual Result<std::unique_ptr<Reader>> reader(const ShardId& shard, Position after) = 0;
  /// As reader(), but sees all that is written, and every commit that is known to be done. For bringing a
  /// state up to the last committed output, which need not be synced yet; nothing read here may leave the
  /// process. A log that shows only what is synced keeps the default.
  virtual Result<std::unique_ptr<Reader>> written_reader(const ShardId& shard, Position after) {
    return reader(shard, after);
  }
  virtual Result<std::vector<Shard>> shards(const std::string& topic) = 0;
  /// One entry for each shard of the topics the group has joined.
  virtual Result<std::vector<Backlog>> backlog(const std::string& group) = 0;
  /// The last position of a shard that survives a power cut.
  virtual Result<Position> synced(const ShardId& shard) = 0;
  /// The last position of a shard, synced or not: what a written_reader() can see.
  virtual Result<Position> written(const ShardId& shard) { return synced(shard); }
};

}  // namespace bonafide::flow
