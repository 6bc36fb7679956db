#include "control/reprocess/reprocessor.hpp"

#include <algorithm>

namespace bonafide::control {
namespace {

constexpr Duration poll = Duration::millis(2);
constexpr Duration save_every = Duration::seconds(1);
constexpr int64_t rest_beside_live = 4;  // times what the window took
constexpr Duration retry_after = Duration::seconds(1);

}  // namespace

Reprocessor::Reprocessor(Parts parts)
    : parts_(std::move(parts)),
      messages_(parts_.metrics.counter("bonafide_reprocessed_total", "Stored messages put through again")),
      failures_(parts_.metrics.counter("bonafide_reprocess_failures_total",
                                       "Steps of a reprocess that broke off, and are made again")) {}

Result<std::unique_ptr<Reprocessor>> Reprocessor::open(Parts parts) {
  std::unique_ptr<Reprocessor> made(new Reprocessor(std::move(parts)));
  auto run = read_run(made->parts_.files, made->parts_.path);
  if (run.ok()) {
    made->run_ = std::move(*run);
    made->counted_ = true;
  } else if (run.error().cause == Cause::damaged) {
    made->parts_.log.error("reprocess.damaged", {{"error", run.error().message}});
  } else if (run.error().cause != Cause::not_found) {
    return run.error();
  }
  return made;
}

Result<ReprocessRun> Reprocessor::start(const ReprocessPlan& plan) {
  const std::lock_guard lock(mutex_);
  if (run_.state == RunState::running) {
    return Error{Cause::conflict, "reprocess " + std::to_string(run_.number) +
                                      " is under way: wait for its end, or cancel it"};
  }
  const Time now = parts_.clock.now();
  ReprocessRun next;
  next.plan = plan;
  next.plan.to = std::min(plan.to, now);  // what comes from now on is scored with what is in force
  if (next.plan.to <= plan.from)
    return Error{Cause::invalid, "nothing lies between these times: `from` must be before `to`, and past"};
  // Higher than all before, also if the file was lost.
  next.number = std::max(run_.number + 1, static_cast<int32_t>(now.us / Duration::minutes(1).us));
  next.state = RunState::running;
  next.started_at = now;
  BONAFIDE_TRY(write_run(parts_.files, parts_.path, next));
  run_ = std::move(next);
  phase_ = Phase::read;
  counted_ = false;
  due_ = Time{INT64_MIN};
  parts_.log.info("reprocess.started", {{"run", run_.number}});
  parts_.wake.wake();
  return run_;
}

Result<ReprocessRun> Reprocessor::cancel() {
  const std::lock_guard lock(mutex_);
  if (run_.state != RunState::running) return Error{Cause::conflict, "no reprocess is under way"};
  BONAFIDE_TRY(end(RunState::cancelled));
  return run_;
}

ReprocessRun Reprocessor::run() const {
  const std::lock_guard lock(mutex_);
  return run_;
}

void Reprocessor::hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
  if (const Status saved = save(true); !saved.ok())
    parts_.log.warn("reprocess.failed", {{"error", saved.error().message}});
}

Time Reprocessor::due() const {
  const std::lock_guard lock(mutex_);
  return run_.state == RunState::running && !held_ ? due_ : Time{INT64_MAX};
}

Result<flow::Progress> Reprocessor::step() {
  const std::lock_guard lock(mutex_);
  if (run_.state != RunState::running || held_ || parts_.clock.steady() < due_) return flow::Progress::idle;
  if (const Status done = work(); !done.ok()) {
    failures_.add();
    parts_.log.warn("reprocess.failed", {{"run", run_.number}, {"error", done.error().message}});
    phase_ = Phase::read;  // the window once more; what of it has come through is dropped
    due_ = parts_.clock.steady() + retry_after;
  }
  return flow::Progress::worked;
}

Status Reprocessor::work() {
  switch (phase_) {
    case Phase::read:
      return send();
    case Phase::write: {
      const std::lock_guard lock(mailbox_->mutex);
      due_ = parts_.clock.steady() + poll;
      if (!mailbox_->landed) return Ok{};
      if (!mailbox_->landed->ok()) return mailbox_->landed->error();
      landed_ = **mailbox_->landed;
      phase_ = Phase::wait;
      return follow();
    }
    case Phase::wait:
      return follow();
  }
  return Ok{};
}

Status Reprocessor::send() {
  began_ = parts_.clock.steady();
  taken_ = parts_.taken();
  if (!counted_) {
    BONAFIDE_ASSIGN(run_.of, parts_.count(run_.plan));
    counted_ = true;
  }
  const auto admission = parts_.inlet.admit(0);
  if (!admission.now) {
    due_ = began_ + std::max(admission.retry_after, retry_after);
    return Ok{};
  }
  BONAFIDE_ASSIGN(page_, parts_.read(run_, window));
  if (page_.records.empty()) {
    landed_.clear();
    return follow();
  }
  std::vector<flow::Entry> entries;
  entries.reserve(page_.records.size());
  for (auto& record : page_.records)
    entries.push_back({parts_.topic, flow::Lane::backfill, std::move(record)});
  phase_ = Phase::write;
  due_ = began_ + poll;
  mailbox_ = std::make_shared<Mailbox>();
  parts_.inlet.append(std::move(entries), [box = mailbox_](Result<Landed> landed) {
    const std::lock_guard lock(box->mutex);
    box->landed = std::move(landed);
  });
  return Ok{};
}

Status Reprocessor::follow() {
  BONAFIDE_ASSIGN(const bool through, landed_.empty() ? Result<bool>(true) : parts_.came_through(landed_));
  const Time now = parts_.clock.steady();
  if (!through) {
    due_ = now + poll;
    return Ok{};
  }
  run_.messages += page_.records.size();
  run_.damaged += page_.damaged;
  messages_.add(page_.records.size());
  run_.cursor = page_.cursor;
  phase_ = Phase::read;
  if (run_.cursor.empty()) return end(RunState::done);
  const int64_t times = parts_.taken() == taken_ ? 1 : rest_beside_live;
  due_ = page_.records.empty() ? now : now + (now - began_) * times;
  return save(false);
}

Status Reprocessor::end(RunState state) {
  ReprocessRun ended = run_;
  ended.state = state;
  ended.ended_at = parts_.clock.now();
  BONAFIDE_TRY(write_run(parts_.files, parts_.path, ended));
  run_ = std::move(ended);
  parts_.log.info("reprocess.ended",
                  {{"run", run_.number}, {"state", to_string(state)}, {"messages", run_.messages}});
  return Ok{};
}

Status Reprocessor::save(bool now) {
  if (run_.state != RunState::running) return Ok{};
  const Time steady = parts_.clock.steady();
  if (!now && steady < saved_at_) return Ok{};
  saved_at_ = steady + save_every;
  return write_run(parts_.files, parts_.path, run_);
}

}  // namespace bonafide::control
