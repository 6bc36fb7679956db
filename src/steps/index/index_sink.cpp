#include "steps/index/index_sink.hpp"

#include "base/text.hpp"

namespace bonafide::steps {

IndexSink::IndexSink(const mail::EventCodec& codec, SearchIndex& index, env::Metrics& metrics)
    : codec_(codec),
      index_(index),
      added_(metrics.counter("bonafide_index_added_total", "Messages put into the search index.")),
      replaced_(metrics.counter("bonafide_index_replaced_total",
                                "Messages of the search index that were replaced by a later state.")),
      old_(metrics.counter("bonafide_index_old_total",
                           "Changes that were older than what the search index has.")) {}

Result<flow::Applied> IndexSink::apply(std::span<const flow::Delivery> deliveries,
                                       const flow::Stretch& stretch, size_t* poison) {
  const flow::Position at = index_.written(stretch.shard);
  if (stretch.upto <= at) return flow::Applied::already;
  if (stretch.after > at) {
    return {Cause::conflict, "index: shard " + stretch.shard.text() + " was applied up to " +
                                 to_hex(at.view()) + ", the stretch begins after that, at " +
                                 to_hex(stretch.after.view())};
  }
  docs_.clear();
  for (size_t i = 0; i < deliveries.size(); ++i) {
    if (deliveries[i].position <= at) continue;
    const size_t used = docs_.size();
    if (changes_.size() == used) changes_.emplace_back(), documents_.emplace_back();
    const Status decoded = codec_.decode(deliveries[i].record.value.view(), changes_[used]);
    if (!decoded.ok()) {
      if (decoded.error().cause == Cause::unavailable || decoded.error().cause == Cause::exhausted)
        return decoded.error();
      *poison = i;
      return Error{Cause::invalid, "index: the change cannot be read: " + decoded.error().message};
    }
    docs_.push_back(documents_[used].of(changes_[used]));
  }
  BONAFIDE_ASSIGN(const auto applied, index_.apply(docs_, stretch));
  added_.add(applied.added);
  replaced_.add(applied.replaced);
  old_.add(applied.old);
  return flow::Applied::now;
}

}  // namespace bonafide::steps
