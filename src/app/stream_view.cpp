#include "app/stream_view.hpp"

#include <algorithm>
#include <array>

#include "app/event_json.hpp"
#include "avro/json_codec.hpp"
#include "base/text.hpp"
#include "flow/parked.hpp"
#include "mail/change.hpp"
#include "mail/redact.hpp"
#include "mail/revision.hpp"
#include "steps/collect/raw.hpp"

namespace bonafide::app {
namespace {

constexpr size_t most_reasons = 3;
constexpr size_t most_recipients = 20;
constexpr int json_depth = 64;
// What people wrote, and the header block: whole only where it is asked for.
constexpr std::array<std::string_view, 2> hidden = {"excerpt", "headers"};

std::string first_letter(std::string_view text) {
  std::string cut = mail::redact(std::string(text) + "@");
  cut.pop_back();
  return cut;
}

void redact_value(avro::Json& value, std::string_view key) {
  if (value.kind == avro::Json::Kind::string) {
    const bool hide = std::ranges::find(hidden, key) != hidden.end();
    value.text = value.text.empty() ? ""
                 : hide             ? "…"
                 : key == "local"   ? first_letter(value.text)
                                    : mail::redact(value.text);
  }
  for (size_t i = 0; i < value.items.size(); ++i)
    redact_value(value.items[i],
                 value.kind == avro::Json::Kind::object ? std::string_view(value.keys[i]) : key);
}

// An address, or the domain it is at or below.
bool is_sender(std::string_view address, std::string_view wanted) {
  if (wanted.starts_with('@')) wanted.remove_prefix(1);
  if (wanted.find('@') != std::string_view::npos) return equals_ignoring_case(address, wanted);
  const std::string domain = ascii_lower(address.substr(std::min(address.size(), address.find('@') + 1)));
  const std::string name = ascii_lower(wanted);
  return domain == name || domain.ends_with("." + name);
}

std::string sender_of(const mail::Received& received) {
  const auto& from = received.facts->from;
  return !from.empty() && from.front().usable() ? from.front().key() : received.envelope.mail_from;
}

const mail::Received& received_of(const mail::Received& event) { return event; }
const mail::Received& received_of(const mail::Enriched& event) { return event.received; }
const mail::Received& received_of(const mail::Scored& event) { return event.received; }

}  // namespace

std::string redact_json(std::string_view text) {
  auto json = avro::parse_json(text, json_depth);
  if (!json.ok()) return "null";
  redact_value(*json, "");
  std::string out;
  avro::append_json(out, *json);
  return out;
}

Result<StreamView> StreamView::make(const mail::EventCodec& codec, avro::Registry& schemas,
                                    const api::TailQuery& query, const std::string& parked_topic) {
  StreamView view(codec, schemas, query);
  const std::string& topic = query.stream;
  view.content_ = topic == mail::Received::topic    ? Content::received
                  : topic == mail::Enriched::topic  ? Content::enriched
                  : topic == mail::Scored::topic    ? Content::scored
                  : topic == mail::Change::topic    ? Content::change
                  : topic == mail::Feedback::topic  ? Content::feedback
                  : topic == mail::Reprocess::topic ? Content::reprocess
                  : topic == steps::RawPiece::topic ? Content::raw
                  : topic == parked_topic           ? Content::parked
                                                    : Content::other;
  for (const auto& name : query.verdicts) {
    const auto& symbols = avro::EnumSymbols<mail::ShownVerdict>::symbols;
    const auto* found = std::ranges::find(symbols, name);
    if (found == symbols.end())
      return Error{Cause::invalid, "verdict: there is no \"" + clean_text(name, 40) +
                                       "\"; there are trusted, suspicious, untrusted and none"};
    view.verdicts_.push_back(static_cast<mail::ShownVerdict>(found - symbols.begin()));
  }
  const bool judged = view.content_ == Content::scored || view.content_ == Content::change;
  if (!judged && !view.verdicts_.empty())
    return Error{Cause::invalid, topic + " has no verdicts; mail.scored and mail.changes do"};
  if (view.content_ == Content::other && (!query.tenant.empty() || !query.sender.empty() || query.id))
    return Error{Cause::invalid, topic + " cannot be filtered: what is in it is not known to this command"};
  return view;
}

bool StreamView::wants(const Facts& facts) const {
  if (query_.tenant.empty() ? facts.tenant == mail::heartbeat_tenant : facts.tenant != query_.tenant)
    return false;
  if (query_.id && facts.id != query_.id) return false;
  if (!query_.sender.empty() && !is_sender(facts.sender, query_.sender)) return false;
  return verdicts_.empty() ||
         (facts.verdict && std::ranges::find(verdicts_, *facts.verdict) != verdicts_.end());
}

std::string StreamView::shown(std::string_view text) const {
  return query_.reveal ? std::string(text) : mail::redact(text);
}

bool StreamView::show(const flow::Delivery& delivery, JsonWriter& json) const {
  const auto described = describe(delivery, json);
  if (described.ok()) return *described;
  // A record that cannot be read is shown as such, unless somebody looks for something in particular.
  if (!query_.tenant.empty() || !query_.sender.empty() || !verdicts_.empty() || query_.id) return false;
  json.member("unreadable", shown(described.error().message)).member("bytes", delivery.record.value.size());
  return true;
}

Result<bool> StreamView::describe(const flow::Delivery& delivery, JsonWriter& json) const {
  switch (content_) {
    case Content::received:
      return describe_event<mail::Received>(delivery.record, json);
    case Content::enriched:
      return describe_event<mail::Enriched>(delivery.record, json);
    case Content::scored:
      return describe_event<mail::Scored>(delivery.record, json);
    case Content::change:
      return describe_change(delivery.record, json);
    case Content::feedback:
      return describe_asked<mail::Feedback>(delivery.record, json);
    case Content::reprocess:
      return describe_asked<mail::Reprocess>(delivery.record, json);
    case Content::parked:
      return describe_parked(delivery, json);
    case Content::raw:
      return describe_raw(delivery.record, json);
    case Content::other:
      break;
  }
  return describe_other(delivery.record, json);
}

void StreamView::write_message(JsonWriter& json, const mail::Received& received) const {
  const auto& to = received.envelope.rcpt_to;
  json.member("id", received.id.hex()).member("tenant", received.tenant);
  json.member("direction", avro::symbol_of(received.direction)).member("door", received.door);
  json.member("received_at", received.received_at).member("from", shown(sender_of(received)));
  json.key("recipients").begin_array();
  for (size_t i = 0; i < std::min(to.size(), most_recipients); ++i) json.value(shown(to[i]));
  json.end_array();
  if (to.size() > most_recipients) json.member("more_recipients", to.size() - most_recipients);
  json.member("subject", shown(received.facts->subject)).member("size_bytes", received.facts->size_bytes);
}

void StreamView::write_whole(JsonWriter& json, const std::string& event) const {
  json.key("event").raw(query_.reveal ? event : redact_json(event));
}

template <class Event>
Result<bool> StreamView::describe_event(const flow::Record& record, JsonWriter& json) const {
  BONAFIDE_ASSIGN(const auto read, codec_.read<Event>(record));
  const Event& event = read->event;
  const mail::Received& received = received_of(event);
  Facts facts{received.id, received.tenant, query_.sender.empty() ? "" : sender_of(received), std::nullopt};
  if constexpr (std::same_as<Event, mail::Scored>) facts.verdict = mail::shown_verdict(event);
  if (!wants(facts)) return false;
  if constexpr (std::same_as<Event, mail::Scored>) {
    // Whoever waits for verdicts is not told of those that are looked at again.
    if (!mail::has_new_verdict(event) && query_.framing == api::TailQuery::Framing::events) return false;
  }
  write_message(json, received);
  if constexpr (std::same_as<Event, mail::Enriched>) {
    json.member("from_organisation", shown(event.enrichment.from_organisation))
        .member("identities", event.enrichment.identities.size())
        .member("references", event.enrichment.references.size());
  }
  if constexpr (std::same_as<Event, mail::Scored>) {
    json.member("revision", event.revision)
        .member("verdict", avro::symbol_of(mail::shown_verdict(event)))
        .member("trust", event.score.trust)
        .member("attack", avro::symbol_of(event.score.attack));
    json.key("reasons").begin_array();
    const auto& reasons = event.score.reasons;
    for (size_t i = 0; i < std::min(reasons.size(), most_reasons); ++i) {
      json.begin_object().member("text", shown(reasons[i].text)).member("weight", reasons[i].weight);
      json.end_object();
    }
    json.end_array();
    if (event.made_by != mail::MadeBy::door) json.member("made_by", avro::symbol_of(event.made_by));
    if (event.judgement != mail::Judgement::none) json.member("judgement", avro::symbol_of(event.judgement));
    if (!event.failure.empty()) json.member("failure", shown(event.failure));
  }
  if (query_.full) {
    std::string whole;
    avro::write_json(event, whole);
    write_whole(json, whole);
  }
  return true;
}

Result<bool> StreamView::describe_change(const flow::Record& record, JsonWriter& json) const {
  BONAFIDE_ASSIGN(const auto read, codec_.read<mail::Change>(record));
  const mail::Change& change = read->event;
  const auto verdict = mail::shown(change.direction, change.verdict);
  if (!wants({change.id, change.tenant, change.from_address, verdict})) return false;
  json.member("id", change.id.hex())
      .member("tenant", change.tenant)
      .member("operation", avro::symbol_of(change.operation))
      .member("revision", change.revision)
      .member("received_at", change.received_at)
      .member("from", shown(change.from_address));
  json.key("recipients").begin_array();
  for (size_t i = 0; i < std::min(change.recipients.size(), most_recipients); ++i)
    json.value(shown(change.recipients[i]));
  json.end_array()
      .member("subject", shown(change.subject))
      .member("verdict", avro::symbol_of(verdict))
      .member("trust", change.trust)
      .member("attack", avro::symbol_of(change.attack))
      .member("reason", shown(change.reason));
  if (query_.full) {
    mail::Change copy = change;
    if (!query_.reveal && !copy.text.empty()) copy.text = "…";
    std::string whole;
    avro::write_json(copy, whole);
    write_whole(json, whole);
  }
  return true;
}

// What asks for a new revision; not the stored event in it, which stands in mail.scored.
template <class Asked>
Result<bool> StreamView::describe_asked(const flow::Record& record, JsonWriter& json) const {
  BONAFIDE_ASSIGN(const auto read, codec_.read<Asked>(record));
  const Asked& asked = read->event;
  std::string sender;
  if (mail::Scored row; !query_.sender.empty() && codec_.decode(asked.row.data, row).ok())
    sender = sender_of(row.received);
  if (!wants({asked.id, asked.tenant, sender, std::nullopt})) return false;
  json.member("id", asked.id.hex()).member("tenant", asked.tenant);
  if constexpr (std::same_as<Asked, mail::Feedback>) {
    json.member("judgement", avro::symbol_of(asked.judgement)).member("judged_at", asked.judged_at);
  } else {
    json.member("run", asked.run)
        .member("from", avro::symbol_of(asked.from))
        .member("asked_at", asked.asked_at);
  }
  json.member("row_bytes", asked.row.data.size());
  return true;
}

Result<bool> StreamView::describe_parked(const flow::Delivery& delivery, JsonWriter& json) const {
  BONAFIDE_ASSIGN(const auto parked, flow::ParkedRecord::decode(delivery.record.value.view()));
  Facts facts;
  const auto of = [&]<class Event>(Event event) {
    if (!codec_.decode(parked.value.view(), event).ok()) return;
    facts = {received_of(event).id, received_of(event).tenant, sender_of(received_of(event)), std::nullopt};
  };
  if (parked.shard.topic == mail::Received::topic) of(mail::Received());
  if (parked.shard.topic == mail::Enriched::topic) of(mail::Enriched());
  if (parked.shard.topic == mail::Scored::topic) of(mail::Scored());
  const auto of_asked = [&]<class Asked>(Asked asked) {
    if (codec_.decode(parked.value.view(), asked).ok()) facts = {asked.id, asked.tenant, "", std::nullopt};
  };
  if (parked.shard.topic == mail::Feedback::topic) of_asked(mail::Feedback());
  if (parked.shard.topic == mail::Reprocess::topic) of_asked(mail::Reprocess());
  if (!wants(facts)) return false;
  if (facts.id)
    json.member("id", facts.id->hex()).member("tenant", facts.tenant).member("from", shown(facts.sender));
  json.member("step", parked.step)
      .member("read_from", parked.shard.text())
      .member("cause", shown(parked.cause))
      .member("attempt", parked.attempt)
      .member("parked_at", parked.parked_at)
      .member("payload_bytes", parked.value.size());
  return true;
}

// What a message's bytes are is nobody's business here: `bonafide show ID --raw` gives them.
Result<bool> StreamView::describe_raw(const flow::Record& record, JsonWriter& json) const {
  BONAFIDE_ASSIGN(const auto piece, steps::RawPiece::decode(record));
  if (!wants({piece.id, piece.tenant, piece.mail_from, std::nullopt})) return false;
  json.member("id", piece.id.hex())
      .member("tenant", piece.tenant)
      .member("mail_from", shown(piece.mail_from))
      .member("piece", piece.number)
      .member("pieces", piece.count)
      .member("bytes", piece.bytes.size());
  return true;
}

// A stream of a topology of one's own: whatever schema its records name.
Result<bool> StreamView::describe_other(const flow::Record& record, JsonWriter& json) const {
  BONAFIDE_ASSIGN(const auto framed, avro::unframe(record.value.view()));
  BONAFIDE_ASSIGN(const auto schema, schemas_.schema_by_id(framed.id));
  avro::Decoder decoder(framed.payload);
  std::string whole;
  BONAFIDE_TRY(avro::binary_to_json(decoder, schema.root(), whole));
  json.member("schema_id", framed.id);
  write_whole(json, whole);
  return true;
}

}  // namespace bonafide::app
