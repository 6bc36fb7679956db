#pragma once
#include "base/time.hpp"

namespace bonafide::env {

/// The only source of time. Handed in; nothing below `app` reaches for a clock. Safe from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall clock, UTC. May jump.
  virtual Time now() = 0;
  /// Never goes back; its zero means nothing. For deadlines and durations.
  virtual Time steady() = 0;
};

}  // namespace bonafide::env
