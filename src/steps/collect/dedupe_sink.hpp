#pragma once
#include <functional>
#include <memory>

#include "flow/processor.hpp"
#include "flow/state.hpp"
#include "mail/codec.hpp"
#include "steps/collect/collector.hpp"

namespace bonafide::steps {

/// Keeps what the door has seen: a fold over mail.received into the dedupe state, after which the collector
/// may forget the message. Must have caught up before a door opens.
class DedupeSink final : public flow::Sink {
 public:
  /// How the state is brought to the disk, and when: an embedded state's settle() and settle_due().
  struct Keeper {
    std::function<Status(Time steady, bool drain)> settle;
    std::function<Time()> settle_due;
  };
  DedupeSink(const mail::EventCodec& codec, flow::State& dedupe, Collector& collector, Keeper keeper)
      : codec_(codec), dedupe_(dedupe), collector_(collector), keeper_(std::move(keeper)) {}

  Result<flow::Applied> apply(std::span<const flow::Delivery> deliveries, const flow::Stretch& stretch,
                              size_t* poison) override;
  Result<flow::Position> applied(const flow::ShardId& shard) override { return dedupe_.durable(shard); }
  Status settle(Time steady, bool drain) override { return keeper_.settle(steady, drain); }
  [[nodiscard]] Time settle_due() const override { return keeper_.settle_due(); }

 private:
  const mail::EventCodec& codec_;
  flow::State& dedupe_;
  Collector& collector_;
  Keeper keeper_;
};

}  // namespace bonafide::steps
