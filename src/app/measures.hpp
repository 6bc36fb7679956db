#pragma once
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/recent.hpp"
#include "flow/worker.hpp"

namespace bonafide::app {

/// What went through the pipeline of late, hop by hop: for status and top. Heartbeats are in none of the
/// messages' counts. Safe from any thread.
class Measures {
 public:
  /// `hops`: the names that steps count under. They and the metrics outlive this.
  Measures(env::Metrics& metrics, const std::vector<std::string>& hops);

  /// To be called every Recent::every.
  void sample(Time steady);

  struct Lag {
    Duration p50, p90, p99;
    uint64_t count = 0;
  };
  struct Hop {
    std::string name;
    uint64_t in = 0, out = 0;  ///< since the process began
    double in_per_second = 0, out_per_second = 0;
    Lag lag;  ///< from acceptance to when the hop was done with a message
  };
  struct Seen {
    Duration over;                          ///< zero: nothing is known yet
    double in = 0, scored = 0, stored = 0;  ///< messages a second
    std::array<uint64_t, 4> verdicts{};     ///< by number of mail::ShownVerdict
    Lag lag;                                ///< from acceptance to the durable verdict
    std::vector<Hop> hops;
  };
  /// Of the last `length`, as long as Recent::window at most.
  [[nodiscard]] Seen last(Duration length) const;

 private:
  enum Count : size_t { in, stored, first_verdict, first_hop = first_verdict + 4 };  // then two each hop
  [[nodiscard]] Lag lag_of(const Recent::Passed& passed, size_t which) const;

  std::vector<env::Counter*> counters_;
  std::vector<env::Histogram*> lags_;  // end to end, then each hop
  std::vector<std::string> hops_;
  std::vector<std::unique_ptr<flow::StepMetrics>> steps_;
  mutable std::mutex mutex_;
  Recent recent_;
};

}  // namespace bonafide::app
