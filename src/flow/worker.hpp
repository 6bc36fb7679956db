#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/clock.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"
#include "flow/health.hpp"
#include "flow/log.hpp"
#include "flow/step.hpp"

namespace bonafide::flow {

/// What every worker is given.
struct WorkerParts {
  Log& log;
  env::Clock& clock;
  env::Logger& logger;
  env::Metrics& metrics;
  env::Wake& wake;  ///< of this worker alone; outlives it
};

struct WorkerOptions {
  /// A batch is whatever has arrived, at most this.
  size_t max_records = 512;
  size_t max_bytes = size_t{4} << 20;
  /// While live records wait, backfill gets this part of a batch: it never starves, live always goes first.
  size_t backfill_one_in = 8;
  /// What a step() should take; a worker that is slower takes smaller batches.
  Duration time_budget = Duration::millis(100);
  /// How long to wait for the answers of the state; what has not come by then is unknown.
  Duration ask_deadline = Duration::millis(250);
  /// Commits under way before the worker reads no further.
  size_t max_commits = 4;
  /// Waits before trying again what failed; doubles up to the second.
  Duration first_retry = Duration::millis(100);
  Duration last_retry = Duration::seconds(5);
  /// A sink reads at most once in this time, so that under load one transaction of its store takes what came
  /// meanwhile. What comes after a pause is taken at once.
  Duration pace;
  /// How often a sink's progress is committed.
  Duration progress_every = Duration::millis(200);
};

/// How a worker is to end.
enum class Stop {
  running,
  at_commit,  ///< takes nothing new, finishes what it has begun
  when_read,  ///< goes on until nothing is left to read, then as at_commit
};

/// Waits that double.
class Backoff {
 public:
  Backoff(Duration first, Duration last) : first_(first), last_(last), next_(first) {}
  Duration next() {
    const Duration wait = next_;
    next_ = std::min(next_ * 2, last_);
    return wait;
  }
  void reset() { next_ = first_; }

 private:
  Duration first_, last_, next_;
};

/// What processor and sink workers share: a session, and one way to recover from anything: drop it, join
/// again, read from what was committed. Own no thread; step() is bounded.
class Worker : public Stepper {
 public:
  [[nodiscard]] const char* name() const override { return name_.c_str(); }
  [[nodiscard]] const Health& health() const { return health_; }
  [[nodiscard]] const std::string& group() const { return join_.group; }
  /// From any thread. Afterwards step() until stopped().
  void stop(Stop how);
  [[nodiscard]] bool stopped() const { return stopped_.load(); }

  Result<Progress> step() final;
  [[nodiscard]] Time due() const override;

 protected:
  Worker(std::string name, Join join, WorkerParts parts, WorkerOptions options);

  /// A session has just been joined: bring yourself in line with what was committed.
  virtual Status joined() = 0;
  /// Forget all that belongs to the session, which is about to be dropped.
  virtual void left() = 0;
  /// One bounded piece of work. Errors: fenced (the session is dropped and joined again), unavailable and
  /// exhausted (tried again after a wait); all others end the process.
  virtual Result<Progress> work() = 0;
  /// Nothing is under way: may the worker stop here?
  [[nodiscard]] virtual bool finished() const = 0;
  /// The last call before the worker is stopped, with or without a session.
  virtual Status ending() { return Ok{}; }
  /// When work() wants to be called though nothing arrived.
  [[nodiscard]] virtual Time work_due() const { return {INT64_MAX}; }

  /// Whatever has arrived, live first, within the batch's bounds.
  Result<std::vector<Delivery>> read();
  /// What a reader gives next, past damage, which is named and counted.
  Result<std::vector<Delivery>> read_on(Reader& reader);
  /// Adapts the size of batches to the time one took.
  void took(Duration time, size_t records);
  /// Sets backlog_seconds, at most once a second.
  void measure_backlog();
  [[nodiscard]] bool stopping() const { return stop_.load() != Stop::running; }
  /// May anything new be taken up?
  [[nodiscard]] bool takes_more() const { return stop_.load() != Stop::at_commit; }
  /// Sets `step`'s record aside: the entry for the parked topic.
  [[nodiscard]] Entry parked_entry(const std::string& topic, const std::string& step,
                                   const Delivery& delivery, const Error& error);

  std::string name_;
  Join join_;
  WorkerParts parts_;
  WorkerOptions options_;
  Health health_;
  std::unique_ptr<Session> session_;
  bool nothing_to_read_ = false;  ///< the last read() found nothing

 private:
  Result<Progress> try_work();
  void end();
  Result<std::vector<Delivery>> read_lanes();
  void note_damage(const Error& error);
  Result<Progress> recover(const Error& error);

  std::atomic<Stop> stop_{Stop::running};
  std::atomic<bool> stopped_{false};
  Backoff backoff_;
  Time retry_at_{INT64_MIN};
  Time backlog_due_{INT64_MIN};
  size_t batch_records_;
  env::Gauge& backlog_seconds_;
  env::Counter &rejoins_, &damaged_;
};

/// Counters and lags of one step; one set per name.
struct StepMetrics {
  StepMetrics(env::Metrics& metrics, const std::string& step);
  env::Counter &received, &processed, &emitted, &dropped, &duplicate, &parked;
  env::Histogram &lag_in, &lag_out;
};

}  // namespace bonafide::flow
