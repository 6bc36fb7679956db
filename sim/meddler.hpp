#pragma once
#include <functional>
#include <map>
#include <memory>
#include <vector>

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
  Meddler(const Meddler&) = delete;
  Meddler& operator=(const Meddler&) = delete;

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
  class MeddledCommit;
  class MeddledInlet;
  class MeddledLog;
  class MeddledSession;
  class MeddledState;
  class MeddledTransaction;
  class Resumption;
  struct Behind;
  struct HeldAnswers;

  [[nodiscard]] bool armed(Fault fault) const { return armed_.contains(fault); }
  /// An armed fault happens now.
  void happens(Fault fault);
  /// If it is armed, it happens now.
  bool strikes(Fault fault);

  env::Clock& clock_;
  Mutation mutation_;
  std::map<Fault, int> armed_;                      ///< how often it is still to happen
  std::vector<std::weak_ptr<HeldAnswers>> states_;  ///< of the states that are still there
};

}  // namespace bonafide::sim
