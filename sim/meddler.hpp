#pragma once
#include <functional>
#include <memory>

#include "env/clock.hpp"
#include "flow/log.hpp"
#include "flow/state.hpp"
#include "sim/faults.hpp"

namespace bonafide::sim {

/// Stands between a log, or a history, and their users: makes the faults happen that lie there, and breaks
/// promises where a mutation says so. Outlives the pipelines it is put into. One thread.
class Meddler {
 public:
  Meddler(env::Clock& clock, Mutation mutation) : clock_(clock), mutation_(mutation) {}

  std::unique_ptr<flow::Log> around(flow::Log& log);
  std::unique_ptr<flow::State> around(flow::State& state);

  /// The fault happens at the next occasion; once, or `times` times where that makes sense (refused_apply,
  /// slow_answers, no_answers: of the calls that follow). Those not made here are ignored.
  void arm(Fault fault, int times = 1);
  void disarm();
  /// Called as one happens.
  std::function<void(Fault)> fired = [](Fault) {};
  /// Answers that are held back and due by now are given. To be called whenever time has passed.
  void give_answers();

 private:
  env::Clock& clock_;
  Mutation mutation_;
};

}  // namespace bonafide::sim
