#pragma once
#include <mutex>

#include "mail/event.hpp"

namespace bonafide::app {

/// One line per verdict on standard output: time, sender, recipient, verdict, trust, main reason, latency; or
/// one JSON object. Colours only on a terminal, and not with NO_COLOR. Safe from any thread.
class VerdictPrinter {
 public:
  explicit VerdictPrinter(bool json);
  void print(const mail::Scored& scored, Time now);

 private:
  bool json_, colours_;
  int width_;
  std::mutex mutex_;
};

}  // namespace bonafide::app
