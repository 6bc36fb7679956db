#pragma once
#include <mutex>
#include <optional>

#include "app/demo/terminal.hpp"
#include "mail/event.hpp"

namespace bonafide::app {

/// One line per verdict on standard output: time, sender, recipient, verdict, trust, main reason, latency; or
/// one JSON object. Colours only on a terminal, and not with NO_COLOR. Safe from any thread.
class VerdictPrinter {
 public:
  explicit VerdictPrinter(bool json);
  /// `attack`: what a simulator knows of it; a wrong verdict is marked.
  void print(const mail::Scored& scored, Time now, std::optional<bool> attack = std::nullopt);

 private:
  const bool json_;
  const demo::Terminal terminal_;
  std::mutex mutex_;
};

}  // namespace bonafide::app
