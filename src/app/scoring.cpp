#include "app/scoring.hpp"

#include "app/event_json.hpp"
#include "avro/bind.hpp"
#include "base/json.hpp"
#include "trust/enrich.hpp"
#include "trust/score.hpp"

namespace bonafide::app {

mail::Scored score_once(mail::Parser& parser, ByteView raw, const std::string& tenant,
                        const ScoringParts& parts, Time now) {
  mail::Parsed parsed;
  mail::Edge edge;
  edge.mode = mail::Edge::Mode::auto_;
  parser.parse(raw, edge, parsed);
  mail::Enriched enriched;
  auto& received = enriched.received;
  received.tenant = tenant.empty() ? std::string(mail::default_tenant) : tenant;
  received.envelope = std::move(parsed.envelope);
  received.facts = std::move(parsed.facts);
  received.door = "files";
  received.accepted_at = now;
  received.received_at = parsed.edge_time.value_or(now);
  enriched.enrichment = trust::enrich(received, *parts.reference, parts.directories->of(received.tenant));
  const auto keys = trust::questions(enriched);
  flow::Answers answers(keys.size(), std::make_shared<const flow::History>());
  if (parts.history != nullptr) {
    // An embedded state answers before ask() returns.
    parts.history->ask(keys, Time{INT64_MAX}, [&](flow::Answers given) { answers = std::move(given); });
  }
  mail::Scored scored;
  scored.score = trust::score(enriched, answers, parts.model);
  scored.received = std::move(enriched.received);
  scored.enrichment = std::move(enriched.enrichment);
  return scored;
}

std::string scored_json(const mail::Scored& scored) {
  std::string row;
  avro::write_json(ExportRow::of(scored), row);
  row.pop_back();  // the object goes on
  JsonWriter json(std::move(row));
  json.key("evidence").begin_array();
  for (const auto& evidence : scored.score.evidence) {
    std::string text;
    avro::write_json(evidence, text);
    json.raw(text);
  }
  json.end_array().key("malformed").begin_array();
  for (const auto& phrase : scored.received.facts->malformed) json.value(phrase);
  return json.end_array().end_object().take();
}

}  // namespace bonafide::app
