#pragma once

namespace bonafide::env {

/// How one part tells another that there is something to do. May be called from any thread, also too often,
/// never blocks.
class Wake {
 public:
  virtual ~Wake() = default;
  virtual void wake() = 0;
};

/// For owners that are stepped by hand (simulation, replay, tests).
class NoWake final : public Wake {
 public:
  void wake() override {}
};

}  // namespace bonafide::env
