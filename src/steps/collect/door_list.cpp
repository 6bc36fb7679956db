#include "steps/collect/door_list.hpp"

#include <array>

namespace bonafide::steps {

int64_t DoorListSink::content_of(const mail::Received& received) {
  const std::string& key = received.message_key.data;
  return key.size() < 8 ? 0 : static_cast<int64_t>(load_be64(key.data()));
}

Result<flow::Applied> DoorListSink::apply(std::span<const flow::Delivery> deliveries,
                                          const flow::Stretch& stretch, size_t* poison) {
  if (stretch.upto <= list_.written(stretch.shard)) return flow::Applied::already;
  using Values = std::array<stores::ValueView, 2>;
  std::vector<std::shared_ptr<const mail::EventPayload<mail::Received>>> events;
  std::vector<Values> values;
  std::vector<stores::RowView> rows;
  events.reserve(deliveries.size());
  values.reserve(deliveries.size());
  for (size_t i = 0; i < deliveries.size(); ++i) {
    const auto received = codec_.read<mail::Received>(deliveries[i].record);
    if (!received.ok()) {
      *poison = i;
      return {Cause::invalid, received.error().message};
    }
    const auto& event = (*received)->event;
    if (event.kind != mail::Kind::message || deliveries[i].record.attempt > 0)
      continue;  // a retry was accepted before
    events.push_back(*received);
    values.push_back({std::string_view(event.tenant), content_of(event)});
    rows.push_back({event.id, 0, values.back(), {}});
  }
  BONAFIDE_TRY(list_.write(rows, {}, stretch));
  return flow::Applied::now;
}

}  // namespace bonafide::steps
