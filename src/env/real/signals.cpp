#include "env/real/signals.hpp"

#include <atomic>
#include <cerrno>

namespace bonafide::env {
namespace {

// A signal handler has no argument of its own: these are the way to reach the object, and safe in a handler.
std::atomic<EventWake*> target{nullptr};
std::atomic<int> caught_signal{0};
static_assert(std::atomic<EventWake*>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void on_signal(int number) {
  const int saved_errno = errno;
  if (caught_signal.exchange(number) != 0) {
    ::signal(number, SIG_DFL);
    ::raise(number);
  } else if (EventWake* wake = target.load()) {
    wake->wake();
  }
  errno = saved_errno;
}

}  // namespace

StopSignals::StopSignals(EventWake& wake) {
  caught_signal = 0;
  target = &wake;
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, &former_int_);
  ::sigaction(SIGTERM, &action, &former_term_);
}

StopSignals::~StopSignals() {
  ::sigaction(SIGINT, &former_int_, nullptr);
  ::sigaction(SIGTERM, &former_term_, nullptr);
  target = nullptr;
}

std::optional<int> StopSignals::caught() {
  const int number = caught_signal.load();
  return number == 0 ? std::nullopt : std::optional(number);
}

void ignore_broken_pipes() { ::signal(SIGPIPE, SIG_IGN); }

}  // namespace bonafide::env
