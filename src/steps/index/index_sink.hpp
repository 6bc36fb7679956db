#pragma once
#include <deque>
#include <vector>

#include "env/metrics.hpp"
#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "steps/index/document.hpp"
#include "steps/index/search_index.hpp"

namespace bonafide::steps {

/// Index: what has changed in the rows goes into the search index, with its position in one transaction. What
/// is handed in outlives the sink.
class IndexSink final : public flow::Sink {
 public:
  IndexSink(const mail::EventCodec& codec, SearchIndex& index, env::Metrics& metrics);

  Result<flow::Applied> apply(std::span<const flow::Delivery> deliveries, const flow::Stretch& stretch,
                              size_t* poison) override;
  Result<flow::Position> applied(const flow::ShardId& shard) override { return index_.durable(shard); }
  Status settle(Time steady, bool drain) override { return index_.settle(steady, drain); }
  [[nodiscard]] Time settle_due() const override { return index_.settle_due(); }

 private:
  const mail::EventCodec& codec_;
  SearchIndex& index_;
  env::Counter &added_, &replaced_, &old_;
  // Of one batch; kept for their memory.
  std::deque<mail::Change> changes_;
  std::deque<Document> documents_;
  std::vector<stores::SearchDoc> docs_;
};

}  // namespace bonafide::steps
