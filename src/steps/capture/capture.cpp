#include "steps/capture/capture.hpp"

namespace bonafide::steps {

Result<std::unique_ptr<Capture>> Capture::open(Settings settings, Parts parts) {
  BONAFIDE_ASSIGN(const int64_t mark, parts.rows.consumed(settings.consumer));
  return std::unique_ptr<Capture>(new Capture(std::move(settings), parts, mark));
}

Capture::Capture(Settings settings, Parts parts, int64_t mark)
    : settings_(std::move(settings)),
      parts_(parts),
      metrics_(parts_.metrics, "capture"),
      waiting_(parts_.metrics.gauge("bonafide_changes_waiting", "Changed rows that are not captured yet.")),
      mark_(mark),
      backoff_(settings_.first_retry, settings_.last_retry) {}

Time Capture::due() const {
  if (flight_) {
    const std::lock_guard lock(flight_->mutex);
    return flight_->result ? parts_.clock.steady() : Time{INT64_MAX};
  }
  return caught_up() ? Time{INT64_MAX} : due_;
}

Result<flow::Progress> Capture::step() {
  if (flight_) {
    auto landed = land();
    if (!landed.ok()) {
      BONAFIDE_TRY(retry(landed.error()));
      return flow::Progress::idle;
    }
    if (!*landed) return flow::Progress::idle;
  }
  if (caught_up() || parts_.clock.steady() < due_) return flow::Progress::idle;
  const auto taken = take_off();
  waiting_.set(static_cast<double>(behind()));
  if (!taken.ok()) {
    BONAFIDE_TRY(retry(taken.error()));
    return flow::Progress::idle;
  }
  return *taken ? flow::Progress::worked : flow::Progress::idle;
}

// Looks again later, unless time heals nothing.
Status Capture::retry(const Error& error) {
  if (error.cause != Cause::exhausted && error.cause != Cause::unavailable) return error;
  const Duration wait = backoff_.next();
  due_ = parts_.clock.steady() + wait;
  parts_.logger.warn("capture.waits", {{"error", error.message}, {"for", format_duration(wait)}});
  return Ok{};
}

// False while the append is under way. Its records are synced when it is not: only then does the mark move.
Result<bool> Capture::land() {
  {
    const std::lock_guard lock(flight_->mutex);
    if (!flight_->result) return false;
    if (!flight_->result->ok()) {
      const Error error = flight_->result->error();
      flight_.reset();
      return error;
    }
  }
  const auto flight = flight_;
  const Status moved = parts_.rows.consume(settings_.consumer, flight->upto);
  if (!moved.ok()) {
    flight_.reset();  // they are written again, which does no harm
    return moved.error();
  }
  flight_.reset();
  mark_ = flight->upto;
  backoff_.reset();
  if (flight->full) due_ = parts_.clock.steady();
  waiting_.set(static_cast<double>(behind()));
  return true;
}

Result<bool> Capture::take_off() {
  BONAFIDE_ASSIGN(auto changes, parts_.rows.changes(mark_, settings_.max_records, settings_.max_bytes));
  const Time now = parts_.clock.now();
  due_ = parts_.clock.steady() + settings_.pace;
  if (changes.empty()) {  // numbers that were given out and not used
    return false;
  }
  auto flight = std::make_shared<Flight>();
  flight->upto = changes.back().number;
  std::vector<flow::Entry> entries;
  entries.reserve(changes.size());
  size_t bytes = 0;
  for (auto& change : changes) {
    metrics_.received.add();
    if (change.damaged) {
      metrics_.dropped.add();
      parts_.logger.error("capture.damaged",
                          {{"change", change.number},
                           {"do", "run `bonafide verify`; `bonafide reindex` makes the index whole again"}});
      continue;
    }
    bytes += change.body.size();
    metrics_.lag_in.observe(now - change.id.accepted_at());
    flow::Record record;
    record.key = SharedBytes(std::string(change.id.view()));
    record.value = SharedBytes(std::move(change.body));
    record.timestamp = change.id.accepted_at();
    entries.push_back({settings_.topic, change.lane, std::move(record)});
  }
  flight->full = changes.size() >= settings_.max_records || bytes >= settings_.max_bytes;
  metrics_.emitted.add(entries.size());
  metrics_.processed.add(changes.size());
  flight_ = flight;
  if (entries.empty()) {
    flight->result.emplace(flow::Inlet::Landed());
    return true;
  }
  parts_.log.inlet().append(std::move(entries),
                            [flight, &wake = parts_.wake](Result<flow::Inlet::Landed> landed) {
                              {
                                const std::lock_guard lock(flight->mutex);
                                flight->result.emplace(std::move(landed));
                              }
                              wake.wake();
                            });
  return true;
}

}  // namespace bonafide::steps
