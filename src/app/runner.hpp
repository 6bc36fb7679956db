#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/pipeline.hpp"
#include "env/real/event_wake.hpp"
#include "env/real/loop_thread.hpp"

namespace bonafide::app {

/// Runs a pipeline's jobs on threads, and stops them in order.
class Runner {
 public:
  /// `wake` is woken when a job fails for good.
  Runner(Pipeline& pipeline, Outside outside, env::EventWake& wake);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void start();
  /// A failure that ends the process, if there was one.
  [[nodiscard]] std::optional<Error> failure() const;
  /// Has the fold over what the door accepted caught up, so that a door may open? Waits for it. Errors:
  /// unavailable after a minute; failure().
  Status wait_until_ready();
  /// Stops the workers when they have read everything (or after `patience` at their next commit), sinks after
  /// processors, then brings everything to the disk. Nothing may be appended any more.
  Status stop(Duration patience);

  struct Stuck {
    std::string worker, doing;
    Duration since;
  };
  /// Workers that have had work for longer than `longest` without getting on (issue: unhealthy within 5 s).
  [[nodiscard]] std::vector<Stuck> stuck(Duration longest) const;

 private:
  bool wait_stopped(const std::vector<flow::Worker*>& workers, Time until);
  Status wait_until_outputs_are_synced(Time until);
  void wait_until_captured(Time until) const;
  Status stop_workers(const std::vector<flow::Worker*>& workers, Time until);

  Pipeline& pipeline_;
  Outside outside_;
  env::EventWake& wake_;
  std::vector<std::unique_ptr<env::LoopThread>> threads_;
  mutable std::mutex mutex_;
  std::optional<Error> failure_;
  bool running_ = false;
};

}  // namespace bonafide::app
