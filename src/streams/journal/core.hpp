#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "flow/log.hpp"
#include "streams/journal/damage.hpp"
#include "streams/journal/frame.hpp"
#include "streams/journal/settings.hpp"
#include "streams/journal/tables.hpp"

namespace bonafide::streams::journal {

using Landed = flow::Inlet::Landed;

/// A session as the group sees it.
struct Member {
  flow::Join join;
  uint16_t group = 0;
  std::vector<uint16_t> topics;
  /// Held shards, each with the serial of the holding: another serial means it was lost in between.
  std::map<ShardKey, uint64_t> held;
  std::vector<flow::ShardId> gained, lost;
  bool fenced = false;
  bool hungry = true;  ///< has read since it was last woken
};

/// A record in memory.
struct TailRecord {
  std::shared_ptr<Frame> frame;
  uint32_t index = 0;
  std::shared_ptr<const flow::Payload> payload;
};

/// The newest records of a shard: offsets [first, first + records.size()).
struct Tail {
  uint64_t first = 0;
  std::deque<TailRecord> records;
  flow::Position synced;
};

struct JournalMetrics {
  explicit JournalMetrics(env::Metrics& metrics);
  env::Counter &written_bytes, &frames, &records, &syncs, &damages, &torn_tails, &retired, &refused_no_room,
      &refused_behind;
  env::Histogram& sync_seconds;
  env::Gauge &segments, &bytes, &unsynced_bytes, &free_bytes;
  void refused(Cause cause) { (cause == Cause::unavailable ? refused_no_room : refused_behind).add(); }
};

/// What sessions, readers, the inlet and the flusher share. All members are guarded by `mutex` unless they
/// say otherwise; functions say whether they take it.
class Core {
 public:
  Core(Settings settings_in, Outside outside_in)
      : settings(std::move(settings_in)), outside(outside_in), metrics(outside_in.metrics) {}

  const Settings settings;
  const Outside outside;
  JournalMetrics metrics;
  uint64_t journal_id = 0;  ///< fixed once opened

  std::mutex mutex;
  Tables tables;
  std::map<ShardKey, Tail> tails;
  std::vector<std::shared_ptr<Segment>> segments;  ///< ascending; frames are appended to the last one
  std::deque<std::shared_ptr<Frame>> pending;      ///< not yet taken by the flusher
  std::deque<std::shared_ptr<Frame>> unsynced;     ///< pending ones and written ones
  std::deque<std::shared_ptr<Frame>> recent;       ///< all that are in memory
  size_t pending_bytes = 0, unsynced_bytes = 0, recent_bytes = 0;
  Time unsynced_since;  ///< steady; when `unsynced` began to fill
  uint64_t next_lsn = 0;
  uint64_t durable = 0;
  uint64_t last_data_end = 0;  ///< behind the last frame that is more than a mark
  struct Waiter {
    uint64_t end;
    std::function<void(Result<Landed>)> then;
    Landed landed;
  };
  std::deque<Waiter> waiters;
  std::optional<Error> failed;  ///< the disk failed, or the journal is closed
  std::vector<std::shared_ptr<Member>> members;
  uint64_t holding_serial = 0;
  struct Hold {
    std::string topic;
    std::map<ShardKey, flow::Position> behind;
  };
  std::map<std::string, Hold> holds;
  std::optional<flow::Inlet::Admission> full;  ///< why the inlet refuses for lack of room
  bool all_but_full = false;                   ///< steps wait, too: what they would write might not fit
  env::Wake* flusher_wake = nullptr;
  uint64_t record_count = 0;  ///< appended since the start
  // The last look at how far groups are behind.
  std::optional<flow::Inlet::Admission> behind;
  uint64_t behind_checked_lsn = 0, behind_checked_records = 0;
  bool progress_moved = false;
  bool tables_changed = false;  ///< since the catalogue was written

  // With the mutex held:
  Result<uint16_t> topic_number(const std::string& name);
  Result<uint16_t> group_number(const std::string& name);
  [[nodiscard]] flow::ShardId shard_id(ShardKey shard) const;
  /// Errors: not_found.
  [[nodiscard]] Result<ShardKey> shard_key(const flow::ShardId& shard) const;
  /// The oldest offset of a shard that is still stored; the next one if none is.
  [[nodiscard]] uint64_t first_offset(ShardKey shard) const;
  /// About where a stored record lies.
  [[nodiscard]] uint64_t lsn_near(ShardKey shard, uint64_t offset) const;
  /// Gives the prepared frame its place. The topics of `entries` are known already.
  Landed place(const std::shared_ptr<Frame>& frame, std::vector<flow::Entry>& entries,
               const std::vector<ProgressEntry>& progress);
  void append_control(FrameKind kind, std::vector<Definition> definitions,
                      const std::vector<ProgressEntry>& progress);
  void wake_readers(flow::Visibility visibility, const Frame& frame);
  void drop_old_frames();
  /// A message is asked for before its bytes are there, and others come between: what was let in has a
  /// quarter more room than the door sees, so that it is not turned away when it is appended.
  enum class Asked { at_the_door, at_append };
  /// Why a message of this size cannot be taken now; nothing if it can.
  [[nodiscard]] std::optional<flow::Inlet::Admission> refusal(size_t bytes, Asked asked);
  void enter(const std::shared_ptr<Member>& member);
  void leave(const std::shared_ptr<Member>& member);
  /// Takes all shards from a session for good.
  void expel(Member& member);
  /// Gives the shards nobody holds, and which the group may read, to its members with the fewest.
  void deal(uint16_t group);
  /// Ends a topic's shards; new ones follow them. Errors: invalid, exhausted (the topic has had too many).
  Status repartition(uint16_t topic, uint32_t shards);
  /// What the settings want a topic to have; 0: as it is.
  [[nodiscard]] uint32_t shards_wanted(const std::string& topic) const;

  // Without it:
  /// Appends through the front door; `then` as Inlet::append.
  void append(std::vector<flow::Entry> entries, std::function<void(Result<Landed>)> then);
  struct Consumed {
    ShardKey shard;
    flow::Position position;
    uint64_t next_offset;
    uint64_t serial;  ///< of the holding under which it was read: lost and gained again, it is void
  };
  /// A session's commit.
  std::pair<flow::Fate, Landed> commit(Member& member, std::vector<flow::Entry> entries,
                                       const std::vector<Consumed>& consumed);

 private:
  Status know_topics(std::vector<flow::Entry>& entries, Frame& frame);
  [[nodiscard]] std::optional<flow::Inlet::Admission> behind_refusal(size_t bytes, Asked asked) const;
  void make_room(size_t bytes);
  void enqueue(const std::shared_ptr<Frame>& frame);
  void roll();
  void give(Member& member, ShardKey shard);
  Member* heir(uint16_t group, ShardKey shard);
  void revoke(uint16_t group);
};

}  // namespace bonafide::streams::journal
