#pragma once
#include <csignal>
#include <optional>

#include "env/real/event_wake.hpp"

namespace bonafide::env {

/// Turns the first SIGINT or SIGTERM into a wake, so that the process can stop in order; a second one ends it
/// at once. One at a time in a process. `wake` must outlive it; destruction puts the former handlers back.
class StopSignals {
 public:
  explicit StopSignals(EventWake& wake);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  /// The signal that came, if one did.
  [[nodiscard]] static std::optional<int> caught();

 private:
  struct sigaction former_int_ {
  }, former_term_{};
};

/// Writing to a closed connection shall be an error to handle, not the end of the process.
void ignore_broken_pipes();

}  // namespace bonafide::env
