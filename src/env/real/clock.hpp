#pragma once
#include "env/clock.hpp"

namespace bonafide::env {

/// The machine's clocks: CLOCK_REALTIME and CLOCK_MONOTONIC.
class RealClock final : public Clock {
 public:
  Time now() override;
  Time steady() override;
};

}  // namespace bonafide::env
