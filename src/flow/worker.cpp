#include "flow/worker.hpp"

#include <algorithm>

#include "flow/parked.hpp"

namespace bonafide::flow {

const char* to_string(Doing doing) {
  switch (doing) {
    case Doing::idle:
      return "idle";
    case Doing::joining:
      return "joining";
    case Doing::catching_up:
      return "bringing its history up to date";
    case Doing::asking:
      return "waiting for history";
    case Doing::processing:
      return "processing";
    case Doing::committing:
      return "waiting for a commit";
    case Doing::applying:
      return "writing to its store";
  }
  return "";
}

StepMetrics::StepMetrics(env::Metrics& metrics, const std::string& step)
    : received(metrics.counter("bonafide_events_received_total", "Events a step has read", {{"step", step}})),
      processed(
          metrics.counter("bonafide_events_processed_total", "Events a step is done with", {{"step", step}})),
      emitted(
          metrics.counter("bonafide_events_emitted_total", "Events a step has passed on", {{"step", step}})),
      dropped(metrics.counter("bonafide_events_dropped_total", "Events a step has ended on purpose",
                              {{"step", step}})),
      duplicate(metrics.counter("bonafide_events_duplicate_total",
                                "Events that came again and were not applied twice", {{"step", step}})),
      parked(metrics.counter("bonafide_events_parked_total", "Events set aside because of an error",
                             {{"step", step}})),
      lag_in(metrics.histogram("bonafide_event_lag_in_seconds", "Age of an event when a step takes it up",
                               {{"step", step}})),
      lag_out(metrics.histogram("bonafide_event_lag_out_seconds",
                                "Age of an event when a step is done with it", {{"step", step}})) {}

Worker::Worker(std::string name, Join join, WorkerParts parts, WorkerOptions options)
    : name_(std::move(name)),
      join_(std::move(join)),
      parts_(parts),
      options_(options),
      backoff_(options.first_retry, options.last_retry),
      batch_records_(options.max_records),
      backlog_seconds_(parts.metrics.gauge(
          "bonafide_backlog_seconds", "Age of the oldest event that waits for a step", {{"step", name_}})),
      rejoins_(parts.metrics.counter("bonafide_rejoins_total", "Sessions dropped and joined again",
                                     {{"step", name_}})),
      damaged_(parts.metrics.counter("bonafide_damaged_reads_total",
                                     "Damaged stretches of the log a step had to skip", {{"step", name_}})) {
  join_.wake = &parts_.wake;
  health_.progress(parts_.clock.steady());
}

void Worker::stop(Stop how) {
  stop_.store(how);
  parts_.wake.wake();
}

Result<Progress> Worker::step() {
  if (stopped()) return Progress::idle;
  if (!takes_more() && !session_) {
    end();
    return Progress::idle;
  }
  if (parts_.clock.steady() < retry_at_) return Progress::idle;
  if (health_.doing() == Doing::idle) health_.progress(parts_.clock.steady());  // it slept, it was not stuck
  const bool was_joined = session_ != nullptr;
  auto done = try_work();
  if (!done.ok()) return recover(done.error());
  if (*done == Progress::worked) {
    if (was_joined) backoff_.reset();
    health_.progress(parts_.clock.steady());
  }
  measure_backlog();
  const bool all_read = nothing_to_read_ && *done == Progress::idle;
  if (stopping() && finished() && (all_read || !takes_more())) end();
  return done;
}

void Worker::end() {
  if (const Status ended = ending(); !ended.ok()) {
    // Nothing is lost by it: what is not durable was not committed either.
    parts_.logger.error("worker.end", {{"worker", name_}, {"error", ended.error().message}});
  }
  left();
  session_.reset();
  stopped_.store(true);
  health_.idle(parts_.clock.steady());
}

Result<Progress> Worker::try_work() {
  if (session_) return work();
  health_.working(Doing::joining, name());
  BONAFIDE_ASSIGN(session_, parts_.log.join(join_));
  nothing_to_read_ = false;
  if (const Status ready = joined(); !ready.ok()) {
    left();
    session_.reset();
    return ready.error();
  }
  return Progress::worked;
}

/// One way to recover: forget what is not committed, join again after a while.
Result<Progress> Worker::recover(const Error& error) {
  switch (error.cause) {
    case Cause::fenced:
    case Cause::conflict:
      left();
      session_.reset();
      rejoins_.add();
      batch_records_ = std::max<size_t>(1, batch_records_ / 2);  // in case it was the batch that was too much
      break;
    case Cause::unavailable:
    case Cause::exhausted:
      break;
    default:
      return error.in(name_);
  }
  const Duration wait = backoff_.next();
  retry_at_ = parts_.clock.steady() + wait;
  parts_.logger.warn("worker.retry", {{"worker", name_},
                                      {"cause", to_string(error.cause)},
                                      {"error", error.message},
                                      {"wait_ms", wait.in_millis()}});
  return Progress::idle;
}

Time Worker::due() const {
  if (stopped()) return {INT64_MAX};
  const Time now = parts_.clock.steady();
  if (now < retry_at_) return retry_at_;
  if (!session_) return now;
  return std::min(work_due(), backlog_due_);
}

Result<std::vector<Delivery>> Worker::read() {
  auto batch = read_lanes();
  if (batch.ok() || batch.error().cause != Cause::damaged) return batch;
  note_damage(batch.error());
  nothing_to_read_ = false;
  return std::vector<Delivery>();
}

Result<std::vector<Delivery>> Worker::read_on(Reader& reader) {
  for (;;) {
    auto some = reader.read(options_.max_records, options_.max_bytes);
    if (some.ok() || some.error().cause != Cause::damaged) return some;
    note_damage(some.error());
  }
}

/// Named and counted; the log goes on behind the damage.
void Worker::note_damage(const Error& error) {
  damaged_.add();
  parts_.logger.error("log.damaged", {{"worker", name_}, {"error", error.message}});
}

Result<std::vector<Delivery>> Worker::read_lanes() {
  const size_t share = std::max<size_t>(1, batch_records_ / std::max<size_t>(2, options_.backfill_one_in));
  const size_t live_records = std::max<size_t>(1, batch_records_ - share);
  BONAFIDE_ASSIGN(auto batch, session_->read(Lane::live, live_records, options_.max_bytes));
  const size_t room = batch.empty() ? batch_records_ : share;
  auto backfill = session_->read(Lane::backfill, room, options_.max_bytes);
  if (backfill.ok()) {
    std::ranges::move(*backfill, std::back_inserter(batch));
  } else if (batch.empty()) {
    return backfill.error();  // else it is said again by the next read
  }
  nothing_to_read_ = batch.empty();
  return batch;
}

void Worker::took(Duration time, size_t records) {
  if (time > options_.time_budget) {
    batch_records_ = std::max<size_t>(1, std::min(batch_records_, records) / 2);
  } else if (time * 4 < options_.time_budget) {
    batch_records_ = std::min(options_.max_records, batch_records_ * 2);
  }
}

void Worker::measure_backlog() {
  const Time steady = parts_.clock.steady();
  if (steady < backlog_due_) return;
  backlog_due_ = steady + Duration::seconds(1);
  const auto backlog = parts_.log.backlog(join_.group);
  if (!backlog.ok()) return;
  const Time now = parts_.clock.now();
  Duration worst;
  for (const auto& shard : *backlog) {
    if (shard.oldest) worst = std::max(worst, now - *shard.oldest);
  }
  backlog_seconds_.set(worst.in_seconds());
}

Entry Worker::parked_entry(const std::string& topic, const std::string& step, const Delivery& delivery,
                           const Error& error) {
  ParkedRecord parked{step,
                      delivery.shard,
                      delivery.position,
                      delivery.record.key,
                      delivery.record.value,
                      delivery.record.timestamp,
                      delivery.record.attempt,
                      std::string(to_string(error.cause)) + ": " + error.message,
                      parts_.clock.now()};
  Entry entry{topic, delivery.shard.lane, {}};
  entry.record.key = delivery.record.key;
  std::string encoded = parked.encode();
  if (encoded.size() + parked.key.size() > parts_.log.traits().max_record_bytes) {
    parked.cause = "its " + std::to_string(parked.value.size()) +
                   " bytes are too many to be parked, they stay where they were read; " + parked.cause;
    parked.value = {};
    encoded = parked.encode();
  }
  entry.record.value = SharedBytes(std::move(encoded));
  entry.record.timestamp = delivery.record.timestamp;
  parts_.logger.warn("event.parked",
                     {{"step", step}, {"shard", delivery.shard.text()}, {"cause", to_string(error.cause)}});
  return entry;
}

}  // namespace bonafide::flow
