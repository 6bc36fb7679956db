#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flow/component.hpp"
#include "flow/worker.hpp"

namespace bonafide::flow {

/// A further topic that a worker reads, and the steps its records go through.
struct Feed {
  std::string from = {};
  std::vector<std::string> steps = {};
};

/// One worker as the configuration names it: a chain of steps between two topics, or a sink behind one.
struct WorkerEntry {
  std::string name = {};
  std::string from = {};
  std::vector<std::string> steps = {};  ///< neighbouring steps are fused: no hop between them
  std::string to = {};
  std::string sink = {};
  std::string parked = {};      ///< "": the topology's
  Duration pace = {};           ///< see WorkerOptions::pace; of sinks only
  std::vector<Feed> also = {};  ///< end in the same `to`, on the same worker: it has one writer
  std::string where = {};       ///< in the file, for errors
};

/// Who reads what and writes what.
struct Topology {
  std::string group_prefix = "bonafide.";
  std::string parked = "parked";
  std::vector<WorkerEntry> workers;
};

/// All that is wrong with a topology: names that are missing, doubled or unknown, topics nobody writes,
/// streams that feed themselves. `inputs`: topics written from outside (front doors, change capture).
std::vector<Problem> check(const Topology& topology, const Registry& registry,
                           const std::vector<std::string>& inputs);

/// What a worker is given, by its name.
using PartsFor = std::function<WorkerParts(const std::string& worker)>;
/// The settings of a component, by its name.
using SettingsFor = std::function<const Settings&(const std::string& component)>;

/// Makes the workers of a checked topology, processors and sinks in the order of the file. `state` is the
/// store of histories for steps that have any; may be null if none has. Errors: invalid (see check()), those
/// of the components.
Result<std::vector<std::unique_ptr<Worker>>> build(const Topology& topology, const Registry& registry,
                                                   const std::vector<std::string>& inputs,
                                                   const PartsFor& parts, const SettingsFor& settings,
                                                   State* state, const WorkerOptions& options = {});

/// The topology as a picture in text, one line a worker: "score: mail.received -> enrich + score ->
/// mail.scored".
std::string describe(const Topology& topology);

}  // namespace bonafide::flow
