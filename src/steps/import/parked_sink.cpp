#include "steps/import/parked_sink.hpp"

#include "flow/parked.hpp"
#include "mail/revision.hpp"

namespace bonafide::steps {
namespace {

flow::ParkedRecord parked_record(const flow::Delivery& delivery) {
  auto record = flow::ParkedRecord::decode(delivery.record.value.view());
  if (record.ok()) return std::move(record).value();
  flow::ParkedRecord raw;
  raw.step = "parked";
  raw.shard = delivery.shard;
  raw.position = delivery.position;
  raw.key = delivery.record.key;
  raw.value = delivery.record.value;
  raw.timestamp = delivery.record.timestamp;
  raw.attempt = delivery.record.attempt;
  raw.cause = record.error().message;
  raw.parked_at = delivery.record.timestamp;
  return raw;
}

}  // namespace

Result<flow::Applied> ParkedSink::apply(std::span<const flow::Delivery> deliveries,
                                        const flow::Stretch& stretch, size_t* /*poison*/) {
  const flow::Position at = parked_.written(stretch.shard);
  if (stretch.upto <= at) return flow::Applied::already;
  if (stretch.after > at) {
    return {Cause::conflict, "parked: shard " + stretch.shard.text() + " was applied up to " +
                                 to_hex(at.view()) + ", the stretch begins after that, at " +
                                 to_hex(stretch.after.view())};
  }
  std::vector<stores::ParkedStore::NewItem> items;
  for (const auto& delivery : deliveries) {
    if (delivery.position <= at) continue;
    auto record = parked_record(delivery);
    std::string subject = subject_of(record);
    items.push_back({std::move(subject), std::move(record)});
  }
  const auto put = parked_.put(items, stretch);
  if (!put.ok()) return put.error();
  return flow::Applied::now;
}

std::string ParkedSink::subject_of(const flow::ParkedRecord& record) const {
  const auto id_in = [&]<class Event>(Event event, auto&& received) {
    return codec_.decode(record.value.view(), event).ok() ? received(event).id.hex() : std::string();
  };
  const auto& topic = record.shard.topic;
  if (topic == mail::Received::topic) {
    return id_in(mail::Received(), [](const mail::Received& e) -> const mail::Received& { return e; });
  }
  if (topic == mail::Enriched::topic) {
    return id_in(mail::Enriched(),
                 [](const mail::Enriched& e) -> const mail::Received& { return e.received; });
  }
  if (topic == mail::Scored::topic) {
    return id_in(mail::Scored(), [](const mail::Scored& e) -> const mail::Received& { return e.received; });
  }
  const auto itself = [](const auto& event) -> const auto& { return event; };
  if (topic == mail::Feedback::topic) return id_in(mail::Feedback(), itself);
  if (topic == mail::Reprocess::topic) return id_in(mail::Reprocess(), itself);
  return "";
}

}  // namespace bonafide::steps
