#pragma once
#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "stores/sqlite/parked_store.hpp"

namespace bonafide::steps {

/// What waits alone on mail.parked becomes an item that can be listed, looked at, put back or dropped. Its
/// subject is the event id in hex, where the record can be read. What is handed in outlives the sink.
class ParkedSink final : public flow::Sink {
 public:
  ParkedSink(const mail::EventCodec& codec, stores::ParkedStore& parked) : codec_(codec), parked_(parked) {}

  /// A record that is not a parked record at all is kept as one: nothing on this topic may be lost, or parked
  /// again.
  Result<flow::Applied> apply(std::span<const flow::Delivery> deliveries, const flow::Stretch& stretch,
                              size_t* poison) override;
  Result<flow::Position> applied(const flow::ShardId& shard) override { return parked_.durable(shard); }
  Status settle(Time steady, bool drain) override { return parked_.settle(steady, drain); }
  [[nodiscard]] Time settle_due() const override { return parked_.settle_due(); }

  /// The id of the event that was parked, in hex; "" where it cannot be read.
  [[nodiscard]] std::string subject_of(const flow::ParkedRecord& record) const;

 private:
  const mail::EventCodec& codec_;
  stores::ParkedStore& parked_;
};

}  // namespace bonafide::steps
