#include "steps/reply/verdict_board.hpp"

#include "mail/revision.hpp"
#include "mail/verdict.hpp"

namespace bonafide::steps {
namespace {

env::Gauge& heartbeat_gauge(env::Metrics& metrics, const std::string& step) {
  return metrics.gauge("bonafide_heartbeat_timestamp_seconds",
                       "acceptance time of the last heartbeat that came through", {{"step", step}});
}

}  // namespace

VerdictBoard::VerdictBoard(const mail::EventCodec& codec, env::Clock& clock, env::Metrics& metrics)
    : codec_(codec),
      clock_(clock),
      metrics_(metrics),
      end_to_end_(
          metrics.histogram("bonafide_end_to_end_lag_seconds", "from acceptance to the durable verdict")),
      late_(metrics.counter("bonafide_verdicts_late_total",
                            "verdicts of live messages that fell after the deadline")) {
  for (size_t i = 0; i < verdicts_.size(); ++i) {
    const std::string verdict(avro::symbol_of(static_cast<mail::ShownVerdict>(i)));
    verdicts_[i] = &metrics.counter("bonafide_verdicts_total", "messages by verdict", {{"verdict", verdict}});
  }
}

void VerdictBoard::await(const EventId& id, Time until, Told told) {
  std::unique_lock lock(mutex_);
  const auto found = lately_.find(id);
  if (found == lately_.end()) {
    waiting_[id].push_back({until, std::move(told)});
    return;
  }
  const auto scored = found->second;
  lock.unlock();
  told(scored);
}

void VerdictBoard::forget_late_waiters() {
  const Time now = clock_.steady();
  const std::lock_guard lock(mutex_);
  if (now < forget_due_) return;
  forget_due_ = now + Duration::seconds(1);
  for (auto entry = waiting_.begin(); entry != waiting_.end();) {
    std::erase_if(entry->second, [now](const Waiter& waiter) { return waiter.until < now; });
    entry = entry->second.empty() ? waiting_.erase(entry) : std::next(entry);
  }
}

void VerdictBoard::measure(const mail::Scored& scored, flow::Lane lane) {
  if (scored.received.kind == mail::Kind::heartbeat) {
    for (const auto& hop : scored.received.hops) {
      heartbeat_gauge(metrics_, hop.hop).set(static_cast<double>(scored.received.accepted_at.us) / 1e6);
    }
    return;
  }
  if (!mail::has_new_verdict(scored)) return;
  const Time now = clock_.now();
  end_to_end_.observe(std::max(Duration{}, now - scored.received.accepted_at));
  if (lane == flow::Lane::live && now > scored.received.deadline_at) late_.add();
  verdicts_[static_cast<size_t>(mail::shown_verdict(scored))]->add();
}

void VerdictBoard::tell(const std::shared_ptr<const ScoredPayload>& scored) {
  std::vector<Waiter> waiters;
  {
    const std::lock_guard lock(mutex_);
    const EventId& id = scored->event.received.id;
    if (const auto found = waiting_.find(id); found != waiting_.end()) {
      waiters = std::move(found->second);
      waiting_.erase(found);
    }
    if (lately_.insert_or_assign(id, scored).second) lately_order_.push_back(id);
    if (lately_order_.size() > kept_verdicts) {
      lately_.erase(lately_order_.front());
      lately_order_.pop_front();
    }
  }
  for (const auto& waiter : waiters) waiter.told(scored);
  if (!mail::has_new_verdict(scored->event)) return;
  for (const auto& listener : listeners_) listener(scored);
}

Result<flow::Applied> VerdictBoard::apply(std::span<const flow::Delivery> deliveries,
                                          const flow::Stretch& stretch, size_t* poison) {
  if (stretch.upto <= applied_[stretch.shard]) return flow::Applied::already;
  forget_late_waiters();
  for (size_t i = 0; i < deliveries.size(); ++i) {
    const auto scored = codec_.read<mail::Scored>(deliveries[i].record);
    if (!scored.ok()) {
      *poison = i;
      return {Cause::invalid, scored.error().message};
    }
    measure((*scored)->event, stretch.shard.lane);
    if ((*scored)->event.received.kind == mail::Kind::message) tell(*scored);
  }
  applied_[stretch.shard] = stretch.upto;
  return flow::Applied::now;
}

Result<flow::Position> VerdictBoard::applied(const flow::ShardId& shard) { return applied_[shard]; }

HeartbeatWatch::HeartbeatWatch(const std::string& step, std::unique_ptr<flow::Sink> sink,
                               env::Metrics& metrics)
    : sink_(std::move(sink)), heartbeat_(heartbeat_gauge(metrics, step)) {}

Result<flow::Applied> HeartbeatWatch::apply(std::span<const flow::Delivery> deliveries,
                                            const flow::Stretch& stretch, size_t* poison) {
  BONAFIDE_ASSIGN(const auto applied, sink_->apply(deliveries, stretch, poison));
  for (const auto& delivery : deliveries) {
    // Only what is handed on in memory: a heartbeat read back from the disk is an old one.
    const auto scored = std::dynamic_pointer_cast<const ScoredPayload>(delivery.record.payload);
    if (scored && scored->event.received.kind == mail::Kind::heartbeat) {
      heartbeat_.set(static_cast<double>(scored->event.received.accepted_at.us) / 1e6);
    }
  }
  return applied;
}

}  // namespace bonafide::steps
