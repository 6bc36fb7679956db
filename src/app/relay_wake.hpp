#pragma once
#include <atomic>

#include "env/wake.hpp"

namespace bonafide::app {

/// Passes a wake on to whoever steps the job now: a thread, once there is one.
class RelayWake final : public env::Wake {
 public:
  void wake() override {
    if (auto* target = target_.load()) target->wake();
  }
  void set_target(env::Wake* target) { target_.store(target); }

 private:
  std::atomic<env::Wake*> target_{nullptr};
};

}  // namespace bonafide::app
