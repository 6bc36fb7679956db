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

  /// Writes and syncs what was appended, and keeps house.
  flow::Stepper& flusher();
  /// Woken when the flusher has something to do. Outlives the journal; null (the default) when stepped by
  /// hand.
  void set_flusher_wake(env::Wake* wake);
  /// Makes everything durable and refuses what comes later. The flusher is not stepped any more.
  Status close();

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
