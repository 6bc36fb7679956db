#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/reprocess/run.hpp"
#include "env/clock.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"
#include "env/wake.hpp"
#include "flow/log.hpp"
#include "flow/step.hpp"

namespace bonafide::control {

/// Runs stored messages through the pipeline again, one run at a time: a small window into the backfill lane,
/// then nothing until its rows are there, then a rest as long as that took, or four times as long where live
/// mail came meanwhile. So live mail never waits behind more than a window, and mostly behind nothing.
///
/// What has come through is remembered in a file. After a crash some of it is sent once more, and dropped by
/// the step, which knows what this run has done (steps/reprocess).
///
/// One thread steps it; the rest may be called from any.
class Reprocessor final : public flow::Stepper {
 public:
  struct Page {
    std::vector<flow::Record> records;
    std::string cursor;    ///< behind it; "": that was all
    uint64_t damaged = 0;  ///< messages that could not be read
  };
  using Landed = flow::Inlet::Landed;
  struct Parts {
    env::Files& files;
    env::Clock& clock;
    env::Logger& log;
    env::Metrics& metrics;
    env::Wake& wake;
    flow::Inlet& inlet;
    std::string topic;
    std::string path;  ///< of the file
    /// At most `most` records behind run.cursor ("": from the start). May be short.
    std::function<Result<Page>(const ReprocessRun& run, size_t most)> read;
    std::function<Result<uint64_t>(const ReprocessPlan& plan)> count;
    /// How much mail the doors have taken: moves while live mail flows.
    std::function<uint64_t()> taken;
    /// Has what landed there come through to the rows? Asked again and again.
    std::function<Result<bool>(const Landed& landed)> came_through;
  };
  static constexpr size_t window = 32;

  /// Goes on with a run that was under way. Errors: invalid (written by a newer version).
  static Result<std::unique_ptr<Reprocessor>> open(Parts parts);

  /// Durable once it returns. Errors: conflict (one is under way), invalid (the plan), the file's.
  Result<ReprocessRun> start(const ReprocessPlan& plan);
  /// What is in the lane already comes through. Errors: conflict (none is under way), the file's.
  Result<ReprocessRun> cancel();
  [[nodiscard]] ReprocessRun run() const;
  /// Writes nothing to the log any more: the service is stopping. The run goes on at the next start.
  void hold();

  [[nodiscard]] const char* name() const override { return "reprocess"; }
  /// Never fails: what could not be done is tried again.
  Result<flow::Progress> step() override;
  [[nodiscard]] Time due() const override;

 private:
  enum class Phase { read, write, wait };
  /// Where the answer of the log arrives, maybe from another thread, maybe at once.
  struct Mailbox {
    std::mutex mutex;
    std::optional<Result<Landed>> landed;
  };
  explicit Reprocessor(Parts parts);
  Status work();
  Status send();
  Status follow();
  Status end(RunState state);
  Status save(bool now);

  Parts parts_;
  env::Counter& messages_;
  env::Counter& failures_;
  mutable std::mutex mutex_;  // guards all below
  ReprocessRun run_;          // as far as it has come through
  bool held_ = false;
  Phase phase_ = Phase::read;
  bool counted_ = false;
  uint64_t taken_ = 0;                // when the window was begun
  Page page_;                         // under way
  std::shared_ptr<Mailbox> mailbox_;  // of its append
  Landed landed_;                     // then
  Time due_{INT64_MIN}, began_, saved_at_{INT64_MIN};
};

}  // namespace bonafide::control
