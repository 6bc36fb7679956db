#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/time.hpp"
#include "env/metrics.hpp"

namespace bonafide::app {

/// A histogram's counts by bucket.
using Buckets = std::array<uint64_t, env::Histogram::bucket_count>;
/// As env::Histogram::quantile().
Duration quantile(const Buckets& buckets, double q);

/// What went by of late, from totals that only grow. Used under a lock.
class Recent {
 public:
  static constexpr Duration window = Duration::minutes(1);
  static constexpr Duration every = Duration::seconds(1);

  /// Always as many of each.
  struct Totals {
    std::vector<uint64_t> counts;
    std::vector<Buckets> lags;
  };
  /// What was added in a stretch of time.
  struct Passed {
    Duration over;  ///< zero: nothing is known yet, and the rest is empty
    Totals added;
    [[nodiscard]] uint64_t count(size_t which) const { return over.us == 0 ? 0 : added.counts[which]; }
    [[nodiscard]] double per_second(size_t which) const;
    [[nodiscard]] Duration quantile(size_t which, double q) const;
  };

  /// The totals as they are now; about every second.
  void sample(Time steady, Totals totals);
  /// Up to the last sample, from about so long before it; of more where there was a pause.
  [[nodiscard]] Passed last(Duration length) const;

 private:
  struct Sample {
    Time at;
    Totals totals;
  };
  std::deque<Sample> samples_;  // of the window, and the last one before it
};

}  // namespace bonafide::app
