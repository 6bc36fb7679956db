#include "steps/collect/dedupe_sink.hpp"

namespace bonafide::steps {

Result<flow::Applied> DedupeSink::apply(std::span<const flow::Delivery> deliveries,
                                        const flow::Stretch& stretch, size_t* poison) {
  std::vector<flow::Delta> deltas;
  std::vector<std::string> keys;
  for (size_t i = 0; i < deliveries.size(); ++i) {
    const auto received = codec_.read<mail::Received>(deliveries[i].record);
    if (!received.ok()) {
      *poison = i;
      return {Cause::invalid, received.error().message};
    }
    const auto& event = (*received)->event;
    if (event.kind != mail::Kind::message) continue;
    deltas.push_back(Collector::dedupe_delta(event));
    keys.push_back(event.dedupe_key.data);
  }
  BONAFIDE_ASSIGN(const auto applied, dedupe_.apply(stretch, deltas));
  collector_.settled(keys);
  return applied;
}

}  // namespace bonafide::steps
