#pragma once
#include <deque>
#include <vector>

#include "env/log.hpp"
#include "env/metrics.hpp"
#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "steps/import/clean_row.hpp"
#include "steps/import/row_change.hpp"
#include "stores/sqlite/row_store.hpp"

namespace bonafide::steps {

/// Import: scored events become clean rows of the primary store, each (id, revision) once. A heartbeat
/// overwrites its one row and nothing else. Where the store has consumers of changes, each row comes with
/// what they are told. What is handed in outlives the sink.
class ImportSink final : public flow::Sink {
 public:
  ImportSink(const mail::EventCodec& codec, stores::RowStore& rows, env::Logger& log, env::Metrics& metrics);

  Result<flow::Applied> apply(std::span<const flow::Delivery> deliveries, const flow::Stretch& stretch,
                              size_t* poison) override;
  Result<flow::Position> applied(const flow::ShardId& shard) override { return rows_.durable(shard); }
  Status settle(Time steady, bool drain) override { return rows_.settle(steady, drain); }
  [[nodiscard]] Time settle_due() const override { return rows_.settle_due(); }

 private:
  void take(const mail::Scored& event, ByteView framed, flow::Lane lane);
  void count(const stores::RowStore::Written& written, const flow::ShardId& shard);

  const mail::EventCodec& codec_;
  stores::RowStore& rows_;
  env::Logger& log_;
  env::Counter& written_;
  env::Counter& duplicate_;
  env::Counter& replaced_;
  env::Counter& cleaned_;
  // Of one batch; kept for their memory.
  std::deque<CleanRow> clean_;
  size_t used_ = 0;
  std::vector<stores::RowView> views_;
  mail::Change change_;
  std::deque<std::string> changes_;  // encoded, one a view
  std::vector<stores::Heartbeat> heartbeats_;
  std::vector<std::shared_ptr<const mail::EventPayload<mail::Scored>>> events_;
  std::deque<std::string> encoded_;
};

}  // namespace bonafide::steps
