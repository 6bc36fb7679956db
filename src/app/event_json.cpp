#include "app/event_json.hpp"

#include "avro/bind.hpp"
#include "base/json.hpp"

namespace bonafide::app {
namespace {

template <class T>
void write_list(JsonWriter& json, std::string_view name, const std::vector<T>& list) {
  json.key(name).begin_array();
  for (const auto& item : list) {
    std::string text;
    avro::write_json(item, text);
    json.raw(text);
  }
  json.end_array();
}

}  // namespace

ExportRow ExportRow::of(const mail::Scored& scored) {
  const auto& received = scored.received;
  ExportRow row;
  row.id = received.id.hex();
  row.revision = scored.revision;
  row.tenant = received.tenant;
  row.direction = received.direction;
  row.message_id = received.facts->message_id;
  row.received_at = received.received_at;
  row.accepted_at = received.accepted_at;
  if (!received.facts->from.empty() && received.facts->from.front().usable())
    row.from = received.facts->from.front().key();
  row.recipients = received.envelope.rcpt_to;
  row.subject = received.facts->subject;
  row.verdict = mail::shown_verdict(scored);
  row.trust = scored.score.trust;
  row.attack = scored.score.attack;
  row.reasons = scored.score.reasons;
  row.failure = scored.failure;
  row.made_by = scored.made_by;
  row.judgement = scored.judgement;
  if (scored.judgement != mail::Judgement::none) row.judged_at = scored.judged_at;
  return row;
}

std::string full_json(const mail::Scored& scored, std::optional<int32_t> schema_id) {
  std::string row;
  avro::write_json(ExportRow::of(scored), row);
  row.pop_back();  // the object goes on
  JsonWriter json(std::move(row));
  write_list(json, "evidence", scored.score.evidence);
  write_list(json, "hops", scored.received.hops);
  json.member("model", scored.score.model).member("code", scored.score.code);
  if (schema_id) json.member("schema_id", *schema_id);
  std::string event;
  avro::write_json(scored, event);
  return json.key("event").raw(event).end_object().take();
}

}  // namespace bonafide::app
