#include "mail/codec.hpp"

#include "base/hash.hpp"
#include "mail/change.hpp"
#include "mail/revision.hpp"

namespace bonafide::mail {
namespace {

std::string subject_of(std::string_view topic) { return std::string(topic) + "-value"; }

}  // namespace

template <class Event>
Status EventCodec::add() {
  const std::string subject = subject_of(Event::topic);
  BONAFIDE_ASSIGN(const avro::Schema schema, avro::parse_schema(avro::schema_of<Event>(schema_namespace)));
  auto id = registry_.id_of_own(subject, schema);
  if (!id.ok()) return id.error().in("schema of " + std::string(Event::topic));
  writer_ids_.emplace(Event::topic, *id);
  schemas_.emplace(Event::topic, schema);
  return Ok{};
}

Result<std::unique_ptr<EventCodec>> EventCodec::open(avro::Registry& registry) {
  std::unique_ptr<EventCodec> codec(new EventCodec(registry));
  BONAFIDE_TRY(codec->add<Received>());
  BONAFIDE_TRY(codec->add<Enriched>());
  BONAFIDE_TRY(codec->add<Scored>());
  BONAFIDE_TRY(codec->add<Change>());
  BONAFIDE_TRY(codec->add<Feedback>());
  BONAFIDE_TRY(codec->add<Reprocess>());
  return codec;
}

Result<ByteView> EventCodec::resolve(ByteView framed, std::string_view topic, std::string& buffer) const {
  const auto parts = avro::unframe(framed);
  if (!parts.ok()) return {Cause::damaged, parts.error().message};
  if (parts->id == writer_id(topic)) return parts->payload;
  std::shared_ptr<const avro::Plan> plan;
  {
    const std::lock_guard lock(mutex_);
    auto& known = plans_[{topic, parts->id}];
    if (!known) {
      BONAFIDE_ASSIGN(const avro::Schema written, registry_.schema_by_id(parts->id));
      // A schema of another event resolves nowhere: the names of the records differ.
      BONAFIDE_ASSIGN(avro::Plan made, avro::Plan::compile(written, schemas_.at(topic)));
      known = std::make_shared<const avro::Plan>(std::move(made));
    }
    plan = known;
  }
  if (plan->is_identity()) return parts->payload;
  BONAFIDE_TRY(plan->run(parts->payload, buffer));
  return ByteView(buffer);
}

}  // namespace bonafide::mail
