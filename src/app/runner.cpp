#include "app/runner.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

namespace bonafide::app {
namespace {

constexpr auto poll_every = std::chrono::milliseconds(1);

}  // namespace

Runner::Runner(Pipeline& pipeline, Outside outside, env::EventWake& wake)
    : pipeline_(pipeline), outside_(outside), wake_(wake) {
  std::map<std::string, env::LoopThread*> by_name;
  for (const auto& job : pipeline.jobs()) {
    auto*& thread = by_name[job.thread];
    if (thread == nullptr) {
      threads_.push_back(std::make_unique<env::LoopThread>(
          job.thread, outside_.clock, [this](const std::string& name, const Error& error) {
            outside_.logger.error("job.failed", {{"job", name}, {"error", error.message}});
            {
              const std::lock_guard lock(mutex_);
              if (!failure_) failure_ = error.in(name);
            }
            wake_.wake();
          }));
      thread = threads_.back().get();
    }
    auto* stepper = job.stepper;
    thread->add({stepper->name(),
                 [stepper]() -> Result<bool> {
                   BONAFIDE_ASSIGN(const auto progress, stepper->step());
                   return progress == flow::Progress::worked;
                 },
                 [stepper] { return stepper->due(); }});
    if (job.wake != nullptr) job.wake->set_target(&thread->wake());
  }
}

Runner::~Runner() {
  for (const auto& job : pipeline_.jobs()) {
    if (job.wake != nullptr) job.wake->set_target(nullptr);
  }
  for (auto& thread : threads_) thread->stop();
}

void Runner::start() {
  for (auto& thread : threads_) thread->start();
  running_ = true;
}

std::optional<Error> Runner::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

Status Runner::wait_until_ready() {
  const Time until = outside_.clock.steady() + Duration::minutes(1);
  for (;;) {
    if (auto failed = failure()) return *failed;
    BONAFIDE_ASSIGN(const bool caught_up, pipeline_.door_memory_is_whole());
    if (caught_up) return Ok{};
    if (outside_.clock.steady() > until) {
      return {
          Cause::unavailable,
          "what the door accepted lately is not taken up after a minute; see the log for what holds it up"};
    }
    std::this_thread::sleep_for(poll_every);
  }
}

bool Runner::wait_stopped(const std::vector<flow::Worker*>& workers, Time until) {
  for (;;) {
    bool all = true;
    for (const auto* worker : workers) all = all && worker->stopped();
    if (all) return true;
    if (failure() || outside_.clock.steady() > until) return false;
    std::this_thread::sleep_for(poll_every);
  }
}

Status Runner::stop_workers(const std::vector<flow::Worker*>& workers, Time until) {
  for (auto* worker : workers) worker->stop(flow::Stop::when_read);
  if (wait_stopped(workers, until)) return Ok{};
  for (auto* worker : workers) worker->stop(flow::Stop::at_commit);
  if (wait_stopped(workers, outside_.clock.steady() + Duration::seconds(10))) return Ok{};
  if (auto failed = failure()) return *failed;
  return {Cause::unavailable,
          "a worker did not stop in time; what it has not done is done at the next start"};
}

// The journal syncs what is written within some milliseconds by itself.
Status Runner::wait_until_outputs_are_synced(Time until) {
  for (;;) {
    BONAFIDE_ASSIGN(const bool synced, pipeline_.outputs_are_synced());
    if (synced) return Ok{};
    if (auto failed = failure()) return *failed;
    if (outside_.clock.steady() > until) return {Cause::unavailable, "the journal does not sync its outputs"};
    std::this_thread::sleep_for(poll_every);
  }
}

// What is not captured in time is captured at the next start.
void Runner::wait_until_captured(Time until) const {
  const auto* capture = pipeline_.capture();
  while (capture != nullptr && !capture->caught_up() && !failure() && outside_.clock.steady() < until)
    std::this_thread::sleep_for(poll_every);
}

Status Runner::stop(Duration patience) {
  if (!running_) return Ok{};
  running_ = false;
  pipeline_.reprocessor().hold();
  const Time until = outside_.clock.steady() + patience;
  Status stopped = stop_workers(pipeline_.processors(), until);
  // A sink that sees only what is synced would find nothing more to read a moment too early.
  if (stopped.ok()) stopped = wait_until_outputs_are_synced(outside_.clock.steady() + Duration::seconds(10));
  std::vector<flow::Worker*> first, behind_capture;
  for (auto* sink : pipeline_.sinks())
    (pipeline_.is_behind_capture(*sink) ? behind_capture : first).push_back(sink);
  if (stopped.ok()) stopped = stop_workers(first, until);
  wait_until_captured(until);
  if (stopped.ok()) stopped = stop_workers(behind_capture, until);
  Status closed = Ok{};
  if (!failure()) closed = pipeline_.close();
  for (auto& thread : threads_) thread->stop();
  if (auto failed = failure()) return *failed;
  if (closed.ok()) closed = pipeline_.journal().close();
  return stopped.ok() ? closed : stopped;
}

std::vector<Runner::Stuck> Runner::stuck(Duration longest) const {
  std::vector<Stuck> found;
  const Time now = outside_.clock.steady();
  const auto look = [&](const std::vector<flow::Worker*>& workers) {
    for (const auto* worker : workers) {
      const Duration since = worker->health().stuck_for(now);
      if (since > longest)
        found.push_back({worker->name(), flow::to_string(worker->health().doing()), since});
    }
  };
  look(pipeline_.processors());
  look(pipeline_.sinks());
  for (const auto& thread : threads_) {
    const auto busy = thread->busy();
    if (!busy || busy->since <= longest) continue;
    const auto told = [&](const Stuck& stuck) { return stuck.worker == busy->job; };
    if (std::ranges::none_of(found, told)) found.push_back({busy->job, "stepping", busy->since});
  }
  return found;
}

}  // namespace bonafide::app
