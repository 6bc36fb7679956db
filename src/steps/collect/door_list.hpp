#pragma once
#include <vector>

#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "stores/sqlite/row_store.hpp"

namespace bonafide::steps {

/// The door's own list of what it has accepted: id, tenant and message key of every event, kept as long as
/// anything is kept of it. `verify` holds every store against it (invariant 9).
class DoorListSink final : public flow::Sink {
 public:
  enum Column : size_t { tenant, content };
  static std::vector<stores::Column> columns() {
    return {{"tenant", stores::ColumnType::text}, {"content", stores::ColumnType::integer}};
  }
  /// What the ledger compares: the first 8 bytes of the message key.
  static int64_t content_of(const mail::Received& received);

  DoorListSink(const mail::EventCodec& codec, stores::RowStore& list) : codec_(codec), list_(list) {}

  Result<flow::Applied> apply(std::span<const flow::Delivery> deliveries, const flow::Stretch& stretch,
                              size_t* poison) override;
  Result<flow::Position> applied(const flow::ShardId& shard) override { return list_.durable(shard); }
  Status settle(Time steady, bool drain) override { return list_.settle(steady, drain); }
  [[nodiscard]] Time settle_due() const override { return list_.settle_due(); }

 private:
  const mail::EventCodec& codec_;
  stores::RowStore& list_;
};

}  // namespace bonafide::steps
