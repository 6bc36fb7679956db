#pragma once
#include <atomic>

#include "base/time.hpp"

namespace bonafide::flow {

/// What a worker is doing.
enum class Doing { idle, joining, catching_up, asking, processing, committing, applying };
const char* to_string(Doing doing);

/// Written by the worker that is stepped, read from any thread: who is stuck, since when, and with what. A
/// worker is stuck when it has work and makes no progress: its step() does not return, a store does not
/// answer, a commit does not settle.
class Health {
 public:
  /// Work is at hand; `who`: the step inside the worker that has it (must outlive this object).
  void working(Doing doing, const char* who) {
    who_.store(who, std::memory_order_relaxed);
    doing_.store(doing, std::memory_order_relaxed);
  }
  /// Something was finished, or there is nothing to do.
  void progress(Time steady) { last_progress_us_.store(steady.us, std::memory_order_relaxed); }
  void idle(Time steady) {
    progress(steady);
    doing_.store(Doing::idle, std::memory_order_relaxed);
  }

  [[nodiscard]] Doing doing() const { return doing_.load(std::memory_order_relaxed); }
  /// The name of the step that works, or last did.
  [[nodiscard]] const char* who() const { return who_.load(std::memory_order_relaxed); }
  /// Steady time of the last progress.
  [[nodiscard]] Time last_progress() const { return {last_progress_us_.load(std::memory_order_relaxed)}; }
  /// For how long it has had work without getting on; zero when idle.
  [[nodiscard]] Duration stuck_for(Time steady) const {
    return doing() == Doing::idle ? Duration{} : steady - last_progress();
  }

 private:
  std::atomic<Doing> doing_{Doing::idle};
  std::atomic<const char*> who_{""};
  std::atomic<int64_t> last_progress_us_{0};
};

}  // namespace bonafide::flow
