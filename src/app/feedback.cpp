#include "app/feedback.hpp"

#include <algorithm>
#include <chrono>

#include "app/service.hpp"
#include "base/json.hpp"

namespace bonafide::app {
namespace {

constexpr auto poll_every = std::chrono::milliseconds(2);
constexpr Duration patience = Duration::seconds(2);
constexpr Duration patience_by_hand = Duration::minutes(1);

std::string judged_json(const EventId& id, std::string_view judgement, const mail::Scored* row,
                        bool changed) {
  JsonWriter json;
  json.begin_object().member("id", id.hex()).member("judgement", judgement);
  if (row != nullptr) json.member("revision", row->revision).member("changed", changed);
  return json.end_object().take();
}

}  // namespace

Result<mail::Feedback> feedback_on(Pipeline& pipeline, const EventId& id, mail::Judgement judgement,
                                   Time now) {
  BONAFIDE_ASSIGN(auto row, pipeline.rows().rows().get(id));
  mail::Scored scored;
  BONAFIDE_TRY(pipeline.codec().decode(row.event, scored));
  if (!scored.failure.empty()) {
    return Error{
        Cause::conflict,
        "message " + id.hex() + " could not be scored and is parked: retry it first (bonafide parked list)"};
  }
  const auto admission = pipeline.journal().inlet().admit(row.event.size());
  if (!admission.now) return Error{admission.cause, admission.reason};
  return mail::Feedback{id,  scored.received.tenant, scored.received.order_key, judgement,
                        now, {std::move(row.event)}};
}

flow::Entry entry_of(const mail::Feedback& feedback, const mail::EventCodec& codec) {
  flow::Entry entry{std::string(mail::Feedback::topic), flow::Lane::live, {}};
  entry.record.key = SharedBytes(feedback.order_key);
  entry.record.timestamp = feedback.judged_at;
  std::string value;
  codec.encode(feedback, value);
  entry.record.value = SharedBytes(std::move(value));
  return entry;
}

FeedbackDesk::FeedbackDesk(Pipeline& pipeline, Outside outside, bool by_hand)
    : pipeline_(pipeline), outside_(outside), by_hand_(by_hand) {}

void FeedbackDesk::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void FeedbackDesk::judge(const EventId& id, mail::Judgement judgement, Done done) {
  {
    std::unique_lock lock(mutex_);
    if (stopping_) {
      lock.unlock();
      return done(Error{Cause::unavailable, "the service is stopping"});
    }
    asked_.push_back({id, judgement, std::move(done)});
    if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  }
  changed_.notify_all();
}

void FeedbackDesk::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto something = [this] { return stopping_ || !asked_.empty() || !taken_.empty() || by_hand_; };
    if (under_way_ == 0 && asked_.empty() && taken_.empty()) {
      if (stopping_) return;
      changed_.wait(lock, [this] { return stopping_ || !asked_.empty() || !taken_.empty(); });
    } else {
      changed_.wait_for(lock, poll_every, something);
    }
    auto asked = std::exchange(asked_, {});
    auto taken = std::exchange(taken_, {});
    const bool stopping = stopping_;
    lock.unlock();
    for (auto& one : asked) take(std::move(one));
    if (by_hand_) {
      if (const auto stepped = pipeline_.step_jobs(); !stepped.ok()) {
        for (auto& one : taken) one.asked.done(stepped.error());
        taken.clear();
      }
    }
    for (auto& one : taken) {
      auto answer = look(one);
      const bool late = stopping || outside_.clock.steady() > one.until;
      if (!answer && late)
        answer = api::Judged{false,
                             judged_json(one.asked.id, avro::symbol_of(one.asked.judgement), nullptr, false)};
      if (answer) one.asked.done(std::move(*answer));
      if (answer) one.asked.done = nullptr;
    }
    std::erase_if(taken, [](const Taken& one) { return one.asked.done == nullptr; });
    lock.lock();
    std::ranges::move(taken, std::back_inserter(taken_));
    if (!taken.empty()) changed_.wait_for(lock, poll_every);
  }
}

// --- taking it

void FeedbackDesk::take(Asked asked) {
  if (!pipeline_.group_reading(mail::Feedback::topic)) {
    return asked.done(
        Error{Cause::unavailable,
              "the topology has no worker that reads mail.feedback: let score read it (`also`)"});
  }
  auto feedback = feedback_on(pipeline_, asked.id, asked.judgement, outside_.clock.now());
  if (!feedback.ok()) return asked.done(feedback.error());
  put(*feedback, std::move(asked));
}

void FeedbackDesk::put(const mail::Feedback& feedback, Asked asked) {
  std::vector<flow::Entry> entries;
  entries.push_back(entry_of(feedback, pipeline_.codec()));
  {
    const std::lock_guard lock(mutex_);
    ++under_way_;
  }
  pipeline_.journal().inlet().append(
      std::move(entries), [this, asked = std::move(asked),
                           at = feedback.judged_at](const Result<flow::Inlet::Landed>& landed) mutable {
        if (!landed.ok()) asked.done(landed.error());
        const std::lock_guard lock(mutex_);
        --under_way_;
        if (landed.ok()) {
          const Time until = outside_.clock.steady() + (by_hand_ ? patience_by_hand : patience);
          taken_.push_back({std::move(asked), at, until, RevisionWatch(mail::Feedback::topic, *landed)});
        }
        changed_.notify_all();
      });
}

// --- following it

std::optional<Result<api::Judged>> FeedbackDesk::look(Taken& taken) {
  const auto there = taken.watch.came_through(pipeline_);
  if (!there.ok()) return there.error();
  if (!*there) return std::nullopt;
  return outcome(taken);
}

Result<api::Judged> FeedbackDesk::outcome(const Taken& taken) {
  BONAFIDE_ASSIGN(const auto row, pipeline_.rows().rows().get(taken.asked.id));
  mail::Scored scored;
  BONAFIDE_TRY(pipeline_.codec().decode(row.event, scored));
  // A later one may have come in between: then it is that which stands.
  const bool stands = scored.judgement == taken.asked.judgement;
  if (!stands && scored.judged_at < taken.judged_at) {
    return Error{Cause::internal, "the judgement of " + taken.asked.id.hex() +
                                      " is taken, but could not be processed: see `bonafide parked list`"};
  }
  const bool changed = !stands || scored.judged_at == taken.judged_at;
  return api::Judged{true, judged_json(taken.asked.id, avro::symbol_of(scored.judgement), &scored, changed)};
}

// --- the service

void Service::judge(const EventId& id, api::Judgement judgement,
                    std::function<void(Result<api::Judged>)> done) {
  feedback_.judge(id, judgement == api::Judgement::good ? mail::Judgement::good : mail::Judgement::bad,
                  std::move(done));
}

}  // namespace bonafide::app
