#include "sim/history.hpp"

#include <algorithm>
#include <array>

#include "control/reprocess/reprocessor.hpp"
#include "sim/checker.hpp"
#include "sim/workload.hpp"
#include "sim/world.hpp"

namespace bonafide::sim {
namespace {

constexpr uint64_t plenty = uint64_t{1} << 40;

class History {
 public:
  History(uint64_t seed, Mutation mutation, bool print)
      : world_(seed, mutation, print), mutation_(mutation), load_(world_, recorder_) {
    world_.meddler.fired = [this](Fault fault) { note(fault); };
    // Each history has faults of its own: some hide others.
    for (size_t i = 0; i < fault_names.size(); ++i) {
      if (world_.random.below(3) != 0) faults_.push_back(static_cast<Fault>(i));
    }
    restless_ = 1 + static_cast<int>(world_.random.below(12));
  }

  Outcome run() {
    const auto steps = 200 + world_.random.below(600);
    revive();
    for (uint64_t i = 0; i < steps && wrong_.empty(); ++i) turn();
    if (wrong_.empty()) come_to_rest();
    if (wrong_.empty()) wrong_ = check(world_, recorder_);
    if (wrong_.empty() && world_.random.below(4) == 0) {
      note(Fault::row_removed);
      wrong_ = check_ledger_sees_a_lost_row(world_, mutation_);
    }
    if (!load_.wrong().empty()) wrong_.push_back(load_.wrong());
    for (const auto& what : wrong_) world_.trace.line("WRONG", what);
    outcome_.wrong = std::move(wrong_);
    outcome_.digest = world_.trace.digest();
    outcome_.acked = recorder_.acks();
    return std::move(outcome_);
  }

 private:
  void note(Fault fault) {
    ++outcome_.coverage[{fault, world_.doing()}];
    world_.trace.line("fault", to_string(fault));
  }

  /// Some mail, some steps, some time, and now and then a fault.
  void turn() {
    auto& dice = world_.random;
    if (!world_.up()) return revive();
    if (dice.below(100) < static_cast<uint64_t>(restless_)) make_fault();
    if (!world_.up()) return;
    if (dice.below(100) < 25 && knows_what_it_took()) must(load_.act());
    for (uint64_t n = dice.below(12); n > 0 && world_.up(); --n) must(world_.step());
    world_.pass(dice.below(30) == 0 ? Duration::seconds(static_cast<int64_t>(dice.below(8)))
                                    : Duration::micros(static_cast<int64_t>(dice.below(20'000))));
    if (full_until_ && world_.clock.steady() >= *full_until_) make_room();
    look_at_power();
  }

  // As app::Runner waits before the door is opened.
  bool knows_what_it_took() { return world_.pipeline().door_memory_is_whole().value_or(false); }

  template <class Done>
  void must(const Done& done) {
    if (!done.ok()) ended_by(done.error());
  }

  /// A part of the pipeline has ended the process. It may, while the disk is at fault.
  void ended_by(const Error& error) {
    const bool off = world_.disk.powered_off();
    world_.trace.line("ended", error.message);
    if (off) return world_.cut_power();
    if (disk_failed_) {
      // The next process finds in the kernel's cache what never reached the disk.
      world_.disk.clear_faults();
      disk_failed_ = false;
      return world_.random.below(2) == 0 ? world_.kill() : world_.cut_power();
    }
    if (full_until_ && error.cause == Cause::exhausted) return world_.kill();
    wrong_.push_back("the process ended: " + error.message);
  }

  void look_at_power() {
    if (world_.up() && world_.disk.powered_off()) world_.cut_power();
  }

  void make_fault() {
    if (faults_.empty()) return;
    auto& dice = world_.random;
    const Fault fault = faults_[dice.below(faults_.size())];
    switch (fault) {
      case Fault::kill:
        note(fault);
        return world_.kill();
      case Fault::power_cut:
        note(fault);
        if (dice.below(3) == 0) return world_.cut_power();
        return world_.disk.power_off_after(dice.below(80));
      case Fault::restart: {
        note(fault);
        if (full_until_ || disk_failed_) return;
        const Status stopped = world_.stop();
        if (!stopped.ok()) ended_by(stopped.error());
        return;
      }
      case Fault::full_disk: {
        if (full_until_) return;
        note(fault);
        const auto space = world_.disk.space("data");
        if (!space.ok()) return;
        world_.disk.set_capacity(space->total_bytes - space->free_bytes + dice.below(3 << 20));
        full_until_ = world_.clock.steady() + Duration::millis(static_cast<int64_t>(dice.below(4000)));
        return;
      }
      case Fault::sync_error: {
        note(fault);
        env::sim::Fault failure;
        failure.call = env::sim::Call::sync;
        failure.skip = dice.below(6);
        failure.error = {Cause::internal, "injected: fdatasync: input/output error"};
        world_.disk.inject(failure);
        disk_failed_ = true;
        return;
      }
      case Fault::clock_jump:
        note(fault);
        return world_.clock.jump_to(world_.clock.now() +
                                    Duration::minutes(static_cast<int64_t>(dice.below(121)) - 60));
      case Fault::poison:
        note(fault);
        return must(load_.poison());
      case Fault::row_removed:
        return;  // at the end
      default:
        return world_.meddler.arm(fault, 1 + static_cast<int>(dice.below(4)));
    }
  }

  void make_room() {
    world_.disk.set_capacity(plenty);
    full_until_.reset();
    world_.trace.line("room again");
  }

  /// Starts the process, until it stays up: the power may go while it comes back.
  void revive() {
    if (full_until_ && world_.random.below(4) == 0) make_room();
    if (world_.random.below(8) == 0) world_.disk.power_off_after(world_.random.below(60));
    ++outcome_.starts;
    const Status started = world_.start();
    if (world_.disk.powered_off()) {
      ++outcome_.coverage[{Fault::power_cut, "starting"}];
      return world_.cut_power();
    }
    if (started.ok()) return;
    if (full_until_ && started.error().cause == Cause::exhausted) {
      world_.kill();
      return make_room();
    }
    wrong_.push_back("it does not start: " + started.error().message);
  }

  /// Nothing goes wrong any more: everything that was taken must come through.
  void come_to_rest() {
    world_.trace.line("coming to rest");
    world_.meddler.disarm();
    make_room();
    if (world_.up()) {
      // Errors that were to come are gone with the process.
      if (disk_failed_ || world_.random.below(2) == 0) world_.kill();
    }
    for (int tries = 0; !world_.up() && wrong_.empty() && tries < 100; ++tries) revive();
    world_.disk.power_off_after(UINT64_MAX);
    disk_failed_ = false;
    if (!wrong_.empty()) return;
    if (const Status rested = world_.run_until([this] { return what_is_left(); }); !rested.ok())
      wrong_.push_back(rested.error().message);
  }

  std::string what_is_left() {
    auto& pipeline = world_.pipeline();
    if (pipeline.reprocessor().run().state == control::RunState::running) return "a reprocess is under way";
    if (!pipeline.capture()->caught_up()) return "changes are not captured";
    for (const auto& group : pipeline.journal().groups()) {
      const auto backlog = pipeline.journal().backlog(group);
      if (!backlog.ok()) return backlog.error().message;
      for (const auto& shard : *backlog) {
        if (shard.records > 0)
          return group + " has " + std::to_string(shard.records) + " records of " + shard.shard.text() +
                 " to read";
      }
    }
    return "";
  }

  World world_;
  const Mutation mutation_;
  Recorder recorder_;
  Workload load_;
  std::vector<Fault> faults_;
  int restless_ = 0;  ///< chance of a fault in a turn, of a hundred
  std::optional<Time> full_until_;
  bool disk_failed_ = false;  ///< since the last start, or about to
  std::vector<std::string> wrong_;
  Outcome outcome_;
};

}  // namespace

Outcome simulate(uint64_t seed, Mutation mutation, bool print) {
  return History(seed, mutation, print).run();
}

}  // namespace bonafide::sim
