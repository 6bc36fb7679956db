#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "env/clock.hpp"
#include "env/metrics.hpp"
#include "flow/processor.hpp"
#include "mail/codec.hpp"

namespace bonafide::steps {

using ScoredPayload = mail::EventPayload<mail::Scored>;

/// Tells whoever waits for a verdict, as soon as it is durable (invariant 12), and measures how long it took
/// from acceptance. Keeps nothing across a restart: a caller does not survive one either.
class VerdictBoard final : public flow::Sink {
 public:
  using Told = std::function<void(const std::shared_ptr<const ScoredPayload>&)>;

  VerdictBoard(const mail::EventCodec& codec, env::Clock& clock, env::Metrics& metrics);

  /// Before the first apply(): what lies before `position` is nobody's business any more.
  void start_at(const flow::ShardId& shard, flow::Position position) { applied_[shard] = position; }
  /// Called for every message from now on, on the worker's thread. Before the worker starts.
  void listen(Told listener) { listeners_.push_back(std::move(listener)); }
  /// Calls `told` once with the verdict, at once if it has fallen lately, else when it falls; never after
  /// `until` (steady) by more than a second. Any thread.
  void await(const EventId& id, Time until, Told told);

  Result<flow::Applied> apply(std::span<const flow::Delivery> deliveries, const flow::Stretch& stretch,
                              size_t* poison) override;
  Result<flow::Position> applied(const flow::ShardId& shard) override;

 private:
  static constexpr size_t kept_verdicts = 4096;
  struct Waiter {
    Time until;
    Told told;
  };
  void tell(const std::shared_ptr<const ScoredPayload>& scored);
  void forget_late_waiters();
  void measure(const mail::Scored& scored, flow::Lane lane);

  const mail::EventCodec& codec_;
  env::Clock& clock_;
  env::Metrics& metrics_;
  env::Histogram& end_to_end_;
  env::Counter& late_;
  std::array<env::Counter*, 4> verdicts_{};
  std::vector<Told> listeners_;
  std::map<flow::ShardId, flow::Position> applied_;
  std::mutex mutex_;
  std::unordered_map<EventId, std::vector<Waiter>> waiting_;
  Time forget_due_;
  std::unordered_map<EventId, std::shared_ptr<const ScoredPayload>> lately_;
  std::deque<EventId> lately_order_;
};

/// A sink that also notes when a heartbeat came through it: bonafide_heartbeat_timestamp_seconds{step}.
class HeartbeatWatch final : public flow::Sink {
 public:
  HeartbeatWatch(const std::string& step, std::unique_ptr<flow::Sink> sink, env::Metrics& metrics);

  Result<flow::Applied> apply(std::span<const flow::Delivery> deliveries, const flow::Stretch& stretch,
                              size_t* poison) override;
  Result<flow::Position> applied(const flow::ShardId& shard) override { return sink_->applied(shard); }
  Status settle(Time steady, bool drain) override { return sink_->settle(steady, drain); }
  [[nodiscard]] Time settle_due() const override { return sink_->settle_due(); }

 private:
  std::unique_ptr<flow::Sink> sink_;
  env::Gauge& heartbeat_;
};

}  // namespace bonafide::steps
