#pragma once
#include <memory>
#include <optional>
#include <string>

#include "app/pipeline.hpp"
#include "env/sim/clock.hpp"
#include "env/sim/files.hpp"
#include "sim/meddler.hpp"
#include "sim/sqlite_vfs.hpp"
#include "sim/trace.hpp"

namespace bonafide::sim {

/// One machine with one disk, on which the whole pipeline lives, dies and comes back: the real one, as
/// app::Pipeline puts it together, with a simulated disk under the journal, the archive, the states and
/// SQLite, and a clock that moves when told to. One thread; everything follows from the seed.
class World {
 public:
  World(uint64_t seed, Mutation mutation, bool print);
  ~World();

  [[nodiscard]] bool up() const { return pipeline_ != nullptr; }
  app::Pipeline& pipeline() { return *pipeline_; }
  /// How often the process was started: who asked an earlier one is not answered any more.
  [[nodiscard]] int life() const { return life_; }

  Status start();
  /// kill -9: what was written is there. Nothing happens where it is down.
  void kill();
  /// What was not synced is there, gone, or torn.
  void cut_power();
  /// As on SIGTERM. Errors: what kept it from ending.
  Status stop();

  /// One step of one of its parts, chosen by chance. True: something was done.
  Result<bool> step();
  /// Steps all of them until none has anything to do and `left` says that nothing is left ("").
  Status run_until(const std::function<std::string()>& left);
  void pass(Duration time);
  /// What the steps with history are at: where a fault falls.
  [[nodiscard]] const char* doing() const;

  env::SeededRandom random;  ///< of the history; what the pipeline draws has its own
  env::sim::ManualClock clock;
  env::sim::SimFiles disk;
  Trace trace;
  Meddler meddler;

 private:
  void end(bool power);
  [[nodiscard]] app::PipelineSettings settings();

  const Mutation mutation_;
  env::SeededRandom inner_random_;
  SqliteVfs vfs_;
  std::unique_ptr<env::Metrics> metrics_;
  std::unique_ptr<app::Pipeline> pipeline_;
  const bool keep_raw_;
  uint32_t partitions_ = 1;
  bool starting_ = false;
  int life_ = 0;
};

}  // namespace bonafide::sim
