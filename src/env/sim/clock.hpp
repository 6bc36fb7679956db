#pragma once
#include <atomic>

#include "env/clock.hpp"

namespace bonafide::env::sim {

/// A clock that moves only when told to. Safe from any thread.
class ManualClock final : public Clock {
 public:
  /// 2026-01-01T00:00:00Z by default; the steady clock begins at zero.
  explicit ManualClock(Time now = Time::from_seconds(1'767'225'600)) : now_us_(now.us) {}

  Time now() override { return {now_us_.load()}; }
  Time steady() override { return {steady_us_.load()}; }

  /// Time passes: both clocks move.
  void advance(Duration by) {
    now_us_ += by.us;
    steady_us_ += by.us;
  }
  /// Somebody sets the wall clock, forwards or back; the steady clock does not notice.
  void jump_to(Time now) { now_us_ = now.us; }

 private:
  std::atomic<int64_t> now_us_;
  std::atomic<int64_t> steady_us_{0};
};

}  // namespace bonafide::env::sim
