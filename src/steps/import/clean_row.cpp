#include "steps/import/clean_row.hpp"

#include <algorithm>
#include <cmath>

#include "base/json.hpp"
#include "base/text.hpp"
#include "mail/domain.hpp"
#include "mail/verdict.hpp"

namespace bonafide::steps {
namespace {

using stores::ColumnType;

constexpr size_t max_address_bytes = 320;  // RFC 3696 erratum 1690: 64 + 1 + 254, rounded up
constexpr size_t max_name_bytes = 256;
constexpr size_t max_text_bytes = 1000;  // of the other texts
constexpr size_t max_recipients = 1000;
constexpr Duration max_ahead = Duration::minutes(5);  // event time may lie so far after acceptance
// Before there was e-mail as we know it, or later than any clock that is right: no such time is believed.
constexpr Time earliest = Time::from_seconds(315'532'800);  // 1980-01-01
constexpr Time latest = Time::from_seconds(4'102'444'800);  // 2100-01-01

bool possible(Time time) { return time >= earliest && time < latest; }

const char* name_of(EventColumn column) { return event_columns()[static_cast<size_t>(column)].name.c_str(); }

}  // namespace

std::string clean_address(std::string_view raw) {
  const size_t at = raw.rfind('@');
  if (at == std::string_view::npos) return clean_text(raw, max_address_bytes);
  const std::string_view given = raw.substr(at + 1);
  std::string domain = mail::to_ascii_domain(given);
  if (domain.empty()) domain = ascii_lower(clean_text(given, 253));
  std::string out =
      clean_text(raw.substr(0, at), max_address_bytes - std::min(domain.size(), max_address_bytes) - 1);
  return out + '@' + domain;
}

const std::vector<stores::Column>& event_columns() {
  static const std::vector<stores::Column> columns = {
      {"tenant", ColumnType::text},         {"message_id", ColumnType::text},
      {"message_key", ColumnType::text},    {"received_at", ColumnType::integer},
      {"accepted_at", ColumnType::integer}, {"direction", ColumnType::text},
      {"from_address", ColumnType::text},   {"from_name", ColumnType::text},
      {"from_domain", ColumnType::text},    {"mail_from", ColumnType::text},
      {"client_ip", ColumnType::text},      {"recipients", ColumnType::text},
      {"subject", ColumnType::text},        {"verdict", ColumnType::text},
      {"trust", ColumnType::real},          {"attack", ColumnType::text},
      {"reason", ColumnType::text},         {"failure", ColumnType::text},
      {"door", ColumnType::text},           {"flags", ColumnType::text},
  };
  return columns;
}

stores::RowView CleanRow::of(const mail::Scored& event, ByteView framed) {
  const auto& received = event.received;
  slot(EventColumn::flags).clear();
  text(EventColumn::tenant, received.tenant, 253);
  text(EventColumn::message_id, received.facts->message_id, max_text_bytes);
  slot(EventColumn::message_key) = to_hex(received.message_key.data);
  value(EventColumn::message_key) = std::string_view(slot(EventColumn::message_key));
  times(received);
  value(EventColumn::direction) = avro::symbol_of(received.direction);
  from(*received.facts);
  address(EventColumn::mail_from, received.envelope.mail_from);
  text(EventColumn::client_ip, received.envelope.client_ip, 64);
  recipients(received.envelope.rcpt_to);
  text(EventColumn::subject, received.facts->subject, max_text_bytes);
  value(EventColumn::verdict) = avro::symbol_of(mail::shown_verdict(event));
  const bool number = std::isfinite(event.score.trust);
  if (!number) flag("trust_replaced");
  value(EventColumn::trust) = number ? event.score.trust : 0.0;
  value(EventColumn::attack) = avro::symbol_of(event.score.attack);
  text(EventColumn::reason, event.score.reasons.empty() ? "" : event.score.reasons.front().text,
       max_text_bytes);
  text(EventColumn::failure, event.failure, max_text_bytes);
  text(EventColumn::door, received.door, 64);
  value(EventColumn::flags) = std::string_view(slot(EventColumn::flags));
  return {received.id, event.revision, values_, framed};
}

void CleanRow::text(EventColumn column, std::string_view raw, size_t max_bytes) {
  std::string& clean = slot(column) = clean_text(raw, max_bytes);
  if (clean != raw) flag(name_of(column) + std::string("_cleaned"));
  value(column) = std::string_view(clean);
}

void CleanRow::address(EventColumn column, std::string_view raw) {
  std::string& clean = slot(column) = clean_address(raw);
  // Another case is another spelling of the same name, no fault.
  if (!equals_ignoring_case(clean, raw)) flag(name_of(column) + std::string("_cleaned"));
  value(column) = std::string_view(clean);
}

void CleanRow::from(const mail::Facts& facts) {
  static const mail::Address nobody;
  const auto& sender = facts.from.empty() ? nobody : facts.from.front();
  text(EventColumn::from_name, sender.display_name, max_name_bytes);
  std::string domain = mail::to_ascii_domain(sender.domain);
  if (domain != sender.domain) flag("from_domain_cleaned");
  if (sender.local.empty() && domain.empty()) {
    text(EventColumn::from_address, "", max_address_bytes);
  } else {
    text(EventColumn::from_address, sender.local + '@' + domain, max_address_bytes);
  }
  slot(EventColumn::from_domain) = std::move(domain);
  value(EventColumn::from_domain) = std::string_view(slot(EventColumn::from_domain));
}

void CleanRow::recipients(const std::vector<std::string>& addresses) {
  JsonWriter json;
  json.begin_array();
  bool changed = false;
  for (size_t i = 0; i < std::min(addresses.size(), max_recipients); ++i) {
    const std::string clean = clean_address(addresses[i]);
    changed |= !equals_ignoring_case(clean, addresses[i]);
    json.value(std::string_view(clean));
  }
  json.end_array();
  if (addresses.size() > max_recipients) flag("recipients_cut");
  if (changed) flag("recipients_cleaned");
  slot(EventColumn::recipients) = json.take();
  value(EventColumn::recipients) = std::string_view(slot(EventColumn::recipients));
}

void CleanRow::times(const mail::Received& received) {
  Time accepted = received.accepted_at;
  if (!possible(accepted)) {
    accepted = received.id.accepted_at();
    flag("accepted_at_replaced");
  }
  Time at = received.received_at;
  if (!possible(at) || at > accepted + max_ahead) {
    at = accepted;
    flag("received_at_replaced");
  }
  value(EventColumn::received_at) = at.us;
  value(EventColumn::accepted_at) = accepted.us;
}

void CleanRow::flag(std::string_view word) {
  std::string& flags = slot(EventColumn::flags);
  if (!flags.empty()) flags += ' ';
  flags += word;
}

}  // namespace bonafide::steps
