#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "avro/bind.hpp"
#include "avro/registry.hpp"
#include "avro/resolve.hpp"
#include "mail/event.hpp"

namespace bonafide::mail {

inline constexpr std::string_view schema_namespace = "bonafide.mail";

/// An event on the wire and in memory: framed Avro (0x00, schema id, binary) both ways. Writes the newest
/// schema version, reads every version the registry knows. Safe from any thread.
class EventCodec {
 public:
  /// Registers the newest schemas of the three events. The registry outlives the codec. Errors: as the
  /// registry's; invalid (a schema breaks compatibility with what is registered).
  static Result<std::unique_ptr<EventCodec>> open(avro::Registry& registry);

  /// Appends the framed event.
  template <class Event>
  void encode(const Event& event, std::string& out) const {
    avro::append_frame_header(writer_ids_.at(Event::topic), out);
    avro::encode(event, out);
  }

  /// The event of a record: the one handed on in the process, else decoded. Errors: damaged (not framed, cut
  /// short), not_found (unknown schema id), invalid (written with a schema that cannot be resolved).
  template <class Event>
  Result<std::shared_ptr<const EventPayload<Event>>> read(const flow::Record& record) const {
    if (auto passed = std::dynamic_pointer_cast<const EventPayload<Event>>(record.payload)) return passed;
    auto payload = std::make_shared<EventPayload<Event>>(*this, Event{});
    BONAFIDE_TRY(decode(record.value.view(), payload->event));
    return std::shared_ptr<const EventPayload<Event>>(std::move(payload));
  }

  template <class Event>
  Status decode(ByteView framed, Event& event) const {
    std::string resolved;
    BONAFIDE_ASSIGN(const ByteView body, resolve(framed, Event::topic, resolved));
    return avro::decode(body, event);
  }

  /// Id of the schema that encode() writes for a topic.
  [[nodiscard]] int32_t writer_id(std::string_view topic) const { return writer_ids_.at(topic); }
  /// The schema that encode() writes for a topic.
  [[nodiscard]] const avro::Schema& schema(std::string_view topic) const { return schemas_.at(topic); }

 private:
  explicit EventCodec(avro::Registry& registry) : registry_(registry) {}
  template <class Event>
  Status add();
  /// The body in the newest schema: as it is where it was written so, else resolved into `buffer`.
  Result<ByteView> resolve(ByteView framed, std::string_view topic, std::string& buffer) const;

  avro::Registry& registry_;
  std::map<std::string_view, int32_t> writer_ids_;
  std::map<std::string_view, avro::Schema> schemas_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::string_view, int32_t>, std::shared_ptr<const avro::Plan>> plans_;
};

template <class Event>
void EventPayload<Event>::encode(std::string& out) const {
  codec_.encode(event, out);
}

}  // namespace bonafide::mail
