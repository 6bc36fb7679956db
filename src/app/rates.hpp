#pragma once
#include <array>
#include <cstdint>
#include <deque>

#include "base/time.hpp"

namespace bonafide::app {

/// How many messages a second went by of late, from totals that only grow. Used under a lock.
class Rates {
 public:
  /// What is counted.
  struct Totals {
    uint64_t in = 0;      ///< accepted by the door
    uint64_t scored = 0;  ///< with a verdict that is durable
    uint64_t stored = 0;  ///< in the rows
  };
  struct PerSecond {
    double in = 0, scored = 0, stored = 0;
    Duration over;  ///< the last minute, or what there was of it; zero: nothing is known yet
  };
  static constexpr Duration window = Duration::minutes(1);
  static constexpr Duration every = Duration::seconds(1);

  /// The totals as they are now; about every second.
  void sample(Time steady, const Totals& totals);
  [[nodiscard]] PerSecond per_second() const;

 private:
  struct Sample {
    Time at;
    Totals totals;
  };
  std::deque<Sample> samples_;  // of the window, and the last one before it
};

}  // namespace bonafide::app
