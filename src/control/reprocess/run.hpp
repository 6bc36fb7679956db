#pragma once
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "env/files.hpp"

namespace bonafide::control {

/// What is to be processed again.
struct ReprocessPlan {
  Time from, to;                ///< of acceptance, [from, to)
  std::string step = "enrich";  ///< from which step on: "enrich" or "score"
  std::string tenant;           ///< "" = all
};

enum class RunState : uint8_t { none, running, done, cancelled };
const char* to_string(RunState state);

/// One reprocess, as far as it has come. Durable, so that it goes on after a restart.
struct ReprocessRun {
  int32_t number = 0;  ///< each is higher than all before
  RunState state = RunState::none;
  ReprocessPlan plan;
  std::string cursor;     ///< of the source: what lies before has its new revision
  uint64_t of = 0;        ///< messages that stood in the rows of that time when it began
  uint64_t messages = 0;  ///< processed again
  uint64_t damaged = 0;   ///< could not be read
  Time started_at, ended_at;
};

/// Errors: not_found; damaged; invalid (written by a newer version).
Result<ReprocessRun> read_run(env::Files& files, const std::string& path);
Status write_run(env::Files& files, const std::string& path, const ReprocessRun& run);

}  // namespace bonafide::control
