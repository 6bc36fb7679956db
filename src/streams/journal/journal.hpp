#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flow/log.hpp"
#include "flow/step.hpp"
#include "streams/journal/damage.hpp"
#include "streams/journal/settings.hpp"

namespace bonafide::streams::journal {

class Core;
class Flusher;

/// What opening the journal has found.
struct Opened {
  std::vector<Damage> damages;
  uint64_t torn_bytes = 0;  ///< cut off behind the last good frame: was never synced
  uint64_t frames_walked = 0;
  uint64_t segments = 0;
};

/// What verify() has read.
struct Verified {
  uint64_t segments = 0, frames = 0, records = 0, bytes = 0;
  std::vector<Damage> damages;  ///< at most max_damages of them; `damage_count` has all
  uint64_t damage_count = 0;
  static constexpr size_t max_damages = 1000;
};

/// The embedded log: one append-only journal of many topics on one disk. Keeps the contract of flow::Log with
/// Traits{atomic, replayable}. Its bytes are described in README.md in this folder.
///
/// Whoever opens it also steps flusher(), on one thread, until close(). Safe from any thread otherwise.
class Journal final : public flow::Log {
 public:
  /// Opens the journal in `settings.folder` or makes a new one; cuts a torn tail off. The caller holds the
  /// folder's lock. Errors: invalid (unknown format, bad settings); not_found (read_only and there is none);
  /// those of the disk.
  static Result<std::unique_ptr<Journal>> open(const Settings& settings, const Outside& outside);
  ~Journal() override;

  [[nodiscard]] flow::Traits traits() const override;
  flow::Inlet& inlet() override;
  Result<std::unique_ptr<flow::Session>> join(const flow::Join& join) override;
  Result<std::unique_ptr<flow::Reader>> reader(const flow::ShardId& shard, flow::Position after) override;
  Result<std::unique_ptr<flow::Reader>> written_reader(const flow::ShardId& shard,
                                                       flow::Position after) override;
  Result<std::vector<flow::Shard>> shards(const std::string& topic) override;
  Result<std::vector<flow::Backlog>> backlog(const std::string& group) override;
  Result<flow::Position> synced(const flow::ShardId& shard) override;
  Result<flow::Position> written(const flow::ShardId& shard) override;

  /// Writes and syncs what was appended, and keeps house.
  flow::Stepper& flusher();
  /// Woken when the flusher has something to do. Outlives the journal; null (the default) when stepped by
  /// hand.
  void set_flusher_wake(env::Wake* wake);
  /// Makes everything durable and refuses what comes later. The flusher is not stepped any more.
  Status close();

  /// What somebody who is no group (a state with its checkpoints, say) still needs of a topic: all that lies
  /// behind these positions. A shard without one is needed whole.
  struct Hold {
    std::string topic;
    std::map<flow::ShardId, flow::Position> behind;
  };
  /// Segments with such records are kept for `name` until the hold is moved or released. Not remembered over
  /// a restart: set it before the flusher is first stepped.
  void hold(const std::string& name, const Hold& hold);
  void release(const std::string& name);
  /// A group that joined once is waited for by retention and by the inlet until it is forgotten. Its sessions
  /// are fenced. Errors: not_found.
  Status forget_group(const std::string& name);
  [[nodiscard]] std::vector<std::string> groups();
  /// Gives a topic another number of shards in each lane: those it has end, new ones follow them, and order
  /// per key is kept because a group reads a shard only when it is through with those before. Opening does
  /// the same where the settings want another number. Errors: invalid; exhausted (the topic has had too
  /// many).
  Status repartition(const std::string& topic, uint32_t shards);

  /// Reads every live byte: headers, frames, records, footers, catalogue, and whether anything is missing in
  /// between. `report`, where given, is told each damage as it is found. May run beside everything else.
  /// Errors: none so far as single places cannot be read (they are damages).
  Result<Verified> verify(const std::function<void(const Damage&)>& report = {});
  /// All retained and synced records of a topic, both lanes, in the order they were written. `each` may end
  /// it with an error, which is returned; damaged stretches go to `damaged` and are skipped. Errors:
  /// not_found (no such topic).
  Status scan(const std::string& topic, const std::function<Status(const flow::Delivery&)>& each,
              const std::function<void(const Damage&)>& damaged = {});

  [[nodiscard]] const Opened& opened() const { return opened_; }

 private:
  class JournalInlet;
  Journal(std::shared_ptr<Core> core, std::unique_ptr<Flusher> flusher, Opened opened);
  Result<std::unique_ptr<flow::Reader>> make_reader(const flow::ShardId& shard, flow::Position after,
                                                    flow::Visibility visibility);

  std::shared_ptr<Core> core_;
  std::unique_ptr<Flusher> flusher_;
  std::unique_ptr<JournalInlet> inlet_;
  Opened opened_;
};

}  // namespace bonafide::streams::journal
