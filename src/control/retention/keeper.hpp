#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "control/retention/horizons.hpp"
#include "env/clock.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"
#include "flow/step.hpp"

namespace bonafide::control {

/// One store that things are removed from.
struct RetainedStore {
  std::string name;  ///< of the step that writes it: "import", "archive" …
  Time Horizons::*horizon = nullptr;
  /// Removes at most `most` things accepted before `before`, oldest first. Returns how many; fewer than
  /// `most`: that was all.
  std::function<Result<uint64_t>(Time before, size_t most)> remove;
  size_t most = 1;  ///< in one step: a few milliseconds' work
  /// Where a size is given: before which time of acceptance all must go that what is left fits; the beginning
  /// of time: it fits.
  std::function<Result<Time>()> fit = {};
};

/// Looks from time to time, moves the horizons, and removes what lies behind them, a little in each step (see
/// README.md). One thread steps it; horizons() and damage() may be asked from any.
class RetentionKeeper final : public flow::Stepper {
 public:
  struct Parts {
    env::Files& files;
    env::Clock& clock;
    env::Logger& log;
    env::Metrics& metrics;
    std::string path;                         ///< of the file of the horizons
    std::vector<RetainedStore> stores;        ///< in this order
    std::function<Result<Time>()> under_way;  ///< RetentionView::under_way
    // For RetentionSettings::archive_bytes:
    std::function<Result<std::vector<int64_t>>()> archive_days;
    std::function<Result<uint64_t>(int64_t day)> archive_bytes;
  };
  /// Reads the horizons. Errors: invalid (written by a newer version).
  static Result<std::unique_ptr<RetentionKeeper>> open(Parts parts, const RetentionSettings& settings);

  [[nodiscard]] const char* name() const override { return "retention"; }
  /// Never fails: what could not be done is tried again in the next pass.
  Result<flow::Progress> step() override;
  [[nodiscard]] Time due() const override { return due_; }

  /// What is removed, or about to be. Durable before the first removal: whoever has looked into a store and
  /// asks afterwards misses nothing that these do not explain.
  [[nodiscard]] Horizons horizons() const;
  /// What is wrong with the file of the horizons; "" if nothing is.
  [[nodiscard]] std::string damage() const;

 private:
  RetentionKeeper(Parts parts, const RetentionSettings& settings);
  Status look();
  Status measure();
  Status move(const Horizons& next);
  Status remove_some();
  void end_pass();
  void show();

  struct Seen {
    env::Counter& removed;
    env::Gauge& horizon;
  };

  Parts parts_;
  const RetentionSettings settings_;
  std::vector<Seen> seen_;
  env::Counter& failures_;
  mutable std::mutex mutex_;  // guards horizons_ and damage_
  Horizons horizons_;
  std::string damage_;

  enum class Phase { wait, measure, remove };
  Phase phase_ = Phase::wait;
  Time due_, next_pass_;
  std::vector<int64_t> to_measure_;       // days, the next one last
  std::map<int64_t, uint64_t> measured_;  // days do not change once they are past
  size_t store_ = 0;                      // that is being cleared
  std::vector<uint64_t> removed_;         // in this pass, by store
};

}  // namespace bonafide::control
