#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/faults.hpp"

namespace bonafide::sim {

/// How often each fault fell upon what the pipeline was doing.
using Coverage = std::map<std::pair<Fault, std::string>, uint64_t>;

struct Outcome {
  std::vector<std::string> wrong;  ///< empty: everything held
  uint64_t digest = 0;             ///< the same for the same seed
  uint64_t acked = 0, starts = 0;
  Coverage coverage;
};

/// One history: mail, faults, and at the end the check. All of it follows from the seed. `print`: line by
/// line on standard output.
Outcome simulate(uint64_t seed, Mutation mutation, bool print);

}  // namespace bonafide::sim
