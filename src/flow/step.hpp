#pragma once
#include "base/result.hpp"
#include "base/time.hpp"

namespace bonafide::flow {

enum class Progress { worked, idle };

/// Something that is driven by being stepped: a worker, the journal's flusher, retention. Production runs
/// step() in a loop on a thread, the simulator picks who steps. Owns no thread; step() is bounded and used by
/// one thread at a time.
class Stepper {
 public:
  virtual ~Stepper() = default;
  /// For logs and health: "score", "import", "journal".
  [[nodiscard]] virtual const char* name() const = 0;
  /// Does what can be done now. Errors are fatal for the process (a failed sync); all else is handled inside.
  virtual Result<Progress> step() = 0;
  /// When it wants to be stepped next without being woken (steady clock); far future if only when woken.
  [[nodiscard]] virtual Time due() const { return {INT64_MAX}; }
};

}  // namespace bonafide::flow
