#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "env/clock.hpp"
#include "env/real/event_wake.hpp"

namespace bonafide::env {

/// A named thread that steps its jobs in turn while any of them works, and sleeps until one is due or it is
/// woken.
class LoopThread {
 public:
  /// One thing to be stepped. Only the thread calls these.
  struct Job {
    std::string name;
    /// Does what can be done now; true: it worked, step again. An error is fatal for the process.
    std::function<Result<bool>()> step;
    /// When it wants to be stepped next without being woken (steady clock); empty function: only when woken.
    std::function<Time()> due;
  };
  /// Called once on the thread, with the job's name, when a step fails; the thread steps nothing any more.
  using Fatal = std::function<void(const std::string& job, const Error& error)>;

  /// `name` is cut to 15 bytes for the kernel. `clock` and what the jobs use must outlive stop().
  LoopThread(std::string name, Clock& clock, Fatal fatal);
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  /// Before start().
  void add(Job job);
  void start();
  /// Ends the thread after the present step and joins it. Harmless when repeated or not started.
  void stop();
  /// Wakes the thread; usable before start() and after stop().
  Wake& wake() { return wake_; }

  /// The job being stepped now and for how long; nothing while the thread sleeps. For health: a step is
  /// short.
  struct Busy {
    std::string job;
    Duration since;
  };
  [[nodiscard]] std::optional<Busy> busy() const;

 private:
  void run();
  bool turn();
  void sleep_until_due();

  std::string name_;
  Clock& clock_;
  Fatal fatal_;
  std::vector<Job> jobs_;
  EventWake wake_;
  std::atomic<bool> stop_{false};
  std::atomic<int> current_job_{-1};
  std::atomic<int64_t> step_began_us_{0};
  std::thread thread_;
};

}  // namespace bonafide::env
