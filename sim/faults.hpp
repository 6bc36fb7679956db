#pragma once
#include <array>
#include <string_view>

namespace bonafide::sim {

/// What can go wrong in a simulated history. Each must fire in a run of many.
enum class Fault {
  kill,         ///< the process dies; the disk keeps what was written
  power_cut,    ///< the power goes at some change of the disk; unsynced writes are lost, torn, reordered
  restart,      ///< a clean stop and a start
  commit_lost,  ///< a commit never reached the log, and the worker is told it does not know
  commit_unanswered,  ///< a commit took effect, and the worker is told it does not know
  fenced,             ///< another one joins a live worker's group and takes its shards just before it commits
  rebalance,          ///< another member comes and goes between two reads
  slow_answers,       ///< the history answers after the deadline
  no_answers,         ///< the history answers that it does not know
  refused_apply,      ///< the history takes nothing for a while
  full_disk,          ///< until some time later
  sync_error,         ///< fdatasync fails once, what it should have saved is gone
  clock_jump,         ///< the wall clock is set, by up to an hour
  poison,             ///< a record that is no event
  row_removed,        ///< somebody deletes a row behind our back: the ledger must name it
};
constexpr std::array<std::string_view, 15> fault_names = {
    "kill",      "power cut",  "restart",      "commit lost", "commit unanswered",
    "fenced",    "rebalance",  "slow answers", "no answers",  "refused apply",
    "full disk", "sync error", "clock jump",   "poison",      "row removed"};
constexpr std::string_view to_string(Fault fault) { return fault_names[static_cast<size_t>(fault)]; }

/// Ways to break the pipeline on purpose: a simulator that does not notice them proves nothing.
enum class Mutation {
  none,
  fencing_off,     ///< a fenced worker's outputs reach the log all the same
  kept_session,    ///< a worker goes on after a commit that was not done
  loose_history,   ///< histories reach the disk without the position they belong to
  early_ack,       ///< the door acknowledges before the sync
  resume_too_far,  ///< whoever takes over a shard begins one record too late
  dedupe_off,      ///< repeats are taken as new
  blind_ledger,    ///< the ledger does not look at the rows
};
constexpr std::array<std::string_view, 8> mutation_names = {"none",          "fencing-off", "kept-session",
                                                            "loose-history", "early-ack",   "resume-too-far",
                                                            "dedupe-off",    "blind-ledger"};
constexpr std::string_view to_string(Mutation mutation) {
  return mutation_names[static_cast<size_t>(mutation)];
}

}  // namespace bonafide::sim
