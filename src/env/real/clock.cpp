#include "env/real/clock.hpp"

#include <ctime>

namespace bonafide::env {
namespace {

Time read_clock(clockid_t id) {
  timespec at{};
  clock_gettime(id, &at);
  return {int64_t{at.tv_sec} * 1'000'000 + at.tv_nsec / 1000};
}

}  // namespace

Time RealClock::now() { return read_clock(CLOCK_REALTIME); }
Time RealClock::steady() { return read_clock(CLOCK_MONOTONIC); }

}  // namespace bonafide::env
