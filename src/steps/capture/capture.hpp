#pragma once
#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "env/clock.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"
#include "env/wake.hpp"
#include "flow/log.hpp"
#include "flow/step.hpp"
#include "flow/worker.hpp"
#include "stores/sqlite/row_store.hpp"

namespace bonafide::steps {

/// Change capture: what the primary store says has changed goes to the log, in the order it was written.
/// The consumer's mark moves once the records are synced, so after a crash some are written again, and none
/// is left out; whoever reads keeps the newest revision of each id. The outbox is emptied as the mark moves.
/// Like every step it is not refused when the log is full (doors are); where the log takes nothing, the
/// outbox grows to its bound, and import waits.
class Capture final : public flow::Stepper {
 public:
  struct Settings {
    std::string consumer;  ///< of the row store
    std::string topic;
    size_t max_records = 2000;
    size_t max_bytes = size_t{2} << 20;
    /// Looks at most once in this time, so that one append takes what came meanwhile; a full batch is
    /// followed at once.
    Duration pace = Duration::millis(25);
    Duration first_retry = Duration::millis(100), last_retry = Duration::seconds(5);
  };
  struct Parts {
    stores::RowStore& rows;
    flow::Log& log;
    env::Clock& clock;
    env::Logger& logger;
    env::Metrics& metrics;
    env::Wake& wake;  ///< of this job; outlives the log
  };
  /// Errors: not_found (the store has no such consumer).
  static Result<std::unique_ptr<Capture>> open(Settings settings, Parts parts);

  [[nodiscard]] const char* name() const override { return "capture"; }
  Result<flow::Progress> step() override;
  [[nodiscard]] Time due() const override;

  /// Is all that was written in the log, synced? From any thread.
  [[nodiscard]] bool caught_up() const { return mark_.load() >= parts_.rows.last_change(); }
  /// Rows that are not captured yet, about. From any thread.
  [[nodiscard]] uint64_t behind() const {
    return static_cast<uint64_t>(std::max<int64_t>(0, parts_.rows.last_change() - mark_.load()));
  }

 private:
  /// An append that is under way. The log's thread writes `result`.
  struct Flight {
    std::mutex mutex;
    std::optional<Result<flow::Inlet::Landed>> result;
    int64_t upto = 0;
    bool full = false;
  };
  Capture(Settings settings, Parts parts, int64_t mark);
  Result<bool> land();
  Result<bool> take_off();
  Status retry(const Error& error);

  const Settings settings_;
  const Parts parts_;
  flow::StepMetrics metrics_;
  env::Gauge& waiting_;
  std::atomic<int64_t> mark_;
  std::shared_ptr<Flight> flight_;
  flow::Backoff backoff_;
  Time due_{INT64_MIN};
};

}  // namespace bonafide::steps
