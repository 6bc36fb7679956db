#pragma once
#include <atomic>
#include <optional>

#include "base/time.hpp"
#include "env/wake.hpp"

namespace bonafide::env {

/// A Wake one thread can wait on (eventfd + poll). Wakes that come while nobody waits are kept, as one.
class EventWake final : public Wake {
 public:
  EventWake();
  ~EventWake() override;
  EventWake(const EventWake&) = delete;
  EventWake& operator=(const EventWake&) = delete;

  void wake() override;
  /// Returns when woken, or after `longest`; without it only when woken.
  void wait(std::optional<Duration> longest);

 private:
  int fd_;
  std::atomic<bool> woken_{false};
};

}  // namespace bonafide::env
