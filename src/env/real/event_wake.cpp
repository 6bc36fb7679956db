#include "env/real/event_wake.hpp"

#include <algorithm>
#include <cstdlib>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "env/real/errno.hpp"

namespace bonafide::env {

EventWake::EventWake() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) std::abort();  // no descriptors left while starting up
}
EventWake::~EventWake() { ::close(fd_); }

void EventWake::wake() {
  // The flag saves the system call while a wake is already waiting to be seen.
  if (woken_.exchange(true, std::memory_order_acq_rel)) return;
  const uint64_t one = 1;
  (void)uninterrupted([&] { return ::write(fd_, &one, sizeof one); });
}

void EventWake::wait(std::optional<Duration> longest) {
  int timeout_ms = -1;
  if (longest) {
    // Rounded up: waking a moment too early would make the caller turn in circles.
    timeout_ms = static_cast<int>(std::clamp<int64_t>((longest->us + 999) / 1000, 0, 60'000));
  }
  pollfd poll_fd{fd_, POLLIN, 0};
  if (::poll(&poll_fd, 1, timeout_ms) > 0) {
    uint64_t count = 0;
    (void)uninterrupted([&] { return ::read(fd_, &count, sizeof count); });
    // An exchange and not a store: what the waker wrote before must be seen after.
    woken_.exchange(false, std::memory_order_acq_rel);
  }
}

}  // namespace bonafide::env
