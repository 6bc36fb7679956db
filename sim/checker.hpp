#pragma once
#include <string>
#include <vector>

#include "sim/recorder.hpp"
#include "sim/world.hpp"

namespace bonafide::sim {

/// What must hold once nothing goes wrong any more and everything has come to rest (ARCHITECTURE.md, "What
/// must always hold"). Returns what does not, in words.
std::vector<std::string> check(World& world, const Recorder& recorder);

/// Deletes a row behind everybody's back: the ledger must name it. Nothing where there is no row. For the end
/// of a history.
std::vector<std::string> check_ledger_sees_a_lost_row(World& world, Mutation mutation);

}  // namespace bonafide::sim
