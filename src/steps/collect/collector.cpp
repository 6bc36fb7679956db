#include "steps/collect/collector.hpp"

#include <algorithm>
#include <map>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "mail/domain.hpp"
#include "steps/collect/raw.hpp"
#include "trust/enrich.hpp"

namespace bonafide::steps {
namespace {

constexpr char separator = '\0';
constexpr char first_id_group = 'i';

Digest message_key(Sha256& hash, std::string_view tenant, std::string_view mail_from, ByteView raw) {
  begin_message_key(hash, tenant, mail_from);
  hash.update(raw);
  return hash.finish();
}

Digest dedupe_key(Sha256& hash, const Digest& message, std::vector<std::string> recipients) {
  for (auto& recipient : recipients) recipient = ascii_lower(recipient);
  std::sort(recipients.begin(), recipients.end());
  hash.update(view(message));
  for (const auto& recipient : recipients) {
    hash.update(recipient);
    hash.update({&separator, 1});
  }
  return hash.finish();
}

// Free mail is ordered by address, everybody else by organisation, as enrichment has it.
std::string order_key(const mail::Received& event, const trust::ReferenceData& reference) {
  std::string key = event.tenant + separator;
  if (const auto* from = trust::sender_of(*event.facts)) return key + trust::known_by(from, reference);
  const size_t at = event.envelope.mail_from.rfind('@');
  return key + (at == std::string::npos
                    ? ""
                    : mail::organisational_domain(ascii_lower(event.envelope.mail_from.substr(at + 1))));
}

// What the session did not say is taken from the edge's own lines.
void fill_from_edge(mail::Envelope& envelope, const mail::Envelope& edge, bool session_known) {
  if (session_known) return;
  if (envelope.client_ip.empty()) envelope.client_ip = edge.client_ip;
  if (envelope.helo.empty()) envelope.helo = edge.helo;
  if (envelope.mail_from.empty()) envelope.mail_from = edge.mail_from;
  if (envelope.rcpt_to.empty()) envelope.rcpt_to = edge.rcpt_to;
}

using ByTenant = std::map<std::string, std::vector<std::string>>;

// One event for each tenant: with its own recipients, or with all where its own server sends the message.
ByTenant recipients_by_tenant(const Tenants& tenants, const std::string& given,
                              const mail::Envelope& envelope, std::string_view from_address) {
  if (!given.empty()) return {{given, envelope.rcpt_to}};
  ByTenant by_tenant;
  for (const auto& to : envelope.rcpt_to) {
    if (auto tenant = tenants.of_recipient(to); !tenant.empty()) by_tenant[tenant].push_back(to);
  }
  if (auto sender = tenants.of_sender(envelope, from_address); !sender.empty())
    by_tenant[sender] = envelope.rcpt_to;
  if (envelope.rcpt_to.empty() && tenants.has(mail::default_tenant))
    by_tenant[std::string(mail::default_tenant)] = {};
  return by_tenant;
}

std::string removed_words(const std::string& tenant) {
  return "tenant " + tenant + " was removed; its mail is not taken any more";
}

// Why nobody here is written to.
std::string nobodys(const Tenants& tenants, const mail::Envelope& envelope) {
  for (const auto& to : envelope.rcpt_to) {
    if (const auto gone = tenants.removed_of(to); !gone.empty()) return removed_words(gone);
  }
  return "no recipient belongs to a tenant of this installation";
}

}  // namespace

Collector::Collector(Settings settings, Parts parts)
    : settings_(settings),
      parts_(std::move(parts)),
      received_(parts_.metrics.counter("bonafide_events_received_total", "records taken in",
                                       {{"step", "collect"}})),
      duplicates_(parts_.metrics.counter("bonafide_events_duplicate_total",
                                         "records that had been seen before", {{"step", "collect"}})),
      refused_(parts_.metrics.counter("bonafide_events_dropped_total", "records not taken, with the reason",
                                      {{"step", "collect"}, {"reason", "refused"}})),
      emitted_(
          parts_.metrics.counter("bonafide_events_emitted_total", "records written", {{"step", "collect"}})),
      ignored_(parts_.metrics.counter("bonafide_recipients_ignored_total",
                                      "recipients of messages taken in that belong to no tenant")) {}

std::vector<mail::Received> Collector::make_events(mail::Parser& parser, const Submission& submission,
                                                   const Tenants& tenants, Time now) {
  mail::Parsed parsed;
  parser.parse(submission.raw, submission.edge, parsed);
  mail::Received event;
  event.envelope = submission.envelope;
  fill_from_edge(event.envelope, parsed.envelope, submission.session_known);
  event.facts = std::move(parsed.facts);
  event.facts.keep_encoding();  // once for all events they will be part of
  event.door = submission.door;
  const Time claimed = submission.received_at.value_or(parsed.edge_time.value_or(now));
  event.accepted_at = settings_.event_time_is_wall_time ? claimed : now;
  event.received_at = std::min(claimed, event.accepted_at + settings_.clock_skew);
  event.deadline_at = event.accepted_at + settings_.deadline;
  event.hops.push_back({"collect", event.accepted_at, event.accepted_at});

  const auto reference = parts_.reference.get();
  const std::string from = event.facts->from.empty() ? "" : event.facts->from.front().key();
  const size_t written_to = event.envelope.rcpt_to.size();
  auto by_tenant = recipients_by_tenant(tenants, submission.tenant, event.envelope, from);
  std::vector<mail::Received> events;
  events.reserve(by_tenant.size());
  Sha256 hash;
  size_t taken = 0;
  for (auto& [tenant, recipients] : by_tenant) {
    taken += recipients.size();
    const bool last = events.size() + 1 == by_tenant.size();
    // NOLINTNEXTLINE(bugprone-use-after-move): moved for the last tenant only
    auto& one = last ? events.emplace_back(std::move(event)) : events.emplace_back(event);
    one.tenant = tenant;
    const Digest message = message_key(hash, tenant, one.envelope.mail_from, submission.raw);
    const Digest dedupe = dedupe_key(hash, message, recipients);
    one.envelope.rcpt_to = std::move(recipients);
    one.message_key.data = view(message);
    one.dedupe_key.data = view(dedupe);
    const Digest mac = hmac_sha256(parts_.installation_key, view(dedupe));
    one.id = EventId::make(one.accepted_at, view(mac).substr(0, 10));
    one.order_key = order_key(one, *reference);
    one.direction = tenants.direction(tenant, one.envelope, from);
  }
  if (taken > 0 && taken < written_to) ignored_.add(written_to - taken);
  return events;
}

flow::Delta Collector::dedupe_delta(const mail::Received& received) {
  return {dedupe_state_key(received.dedupe_key.data),
          {{first_id_group + std::string(received.id.view()),
            static_cast<int32_t>(received.accepted_at.day()), 1}}};
}

std::optional<EventId> Collector::first_id(const std::string& dedupe_key) {
  const std::string key = dedupe_state_key(dedupe_key);
  std::optional<EventId> id;
  // The dedupe state is embedded: it answers before ask() returns.
  parts_.dedupe.ask({&key, 1}, Time{INT64_MAX}, [&](const flow::Answers& answers) {
    if (!answers[0]) return;
    for (const auto& field : answers[0]->group(first_id_group)) {
      const auto found = EventId::from_bytes(std::string_view(field.name).substr(1));
      if (found.ok() && (!id || *found > *id)) id = *found;
    }
  });
  return id;
}

flow::Entry Collector::entry_of(std::shared_ptr<const mail::EventPayload<mail::Received>> payload,
                                flow::Lane lane) {
  std::string value;
  value.reserve(payload->event.facts.encoding().size() + 1024);
  payload->encode(value);
  flow::Record record;
  record.key = SharedBytes::copy(payload->event.order_key);
  record.value = SharedBytes(std::move(value));
  record.timestamp = payload->event.accepted_at;
  record.payload = std::move(payload);
  return {std::string(mail::Received::topic), lane, std::move(record)};
}

void Collector::submit(mail::Parser& parser, const Submission& submission, Done done) {
  if (submission.raw.size() > settings_.max_message_bytes) {
    refused_.add();
    return done({Cause::invalid, "the message has " + std::to_string(submission.raw.size()) +
                                     " bytes; at most " + std::to_string(settings_.max_message_bytes) +
                                     " are taken"});
  }
  const auto tenants = parts_.tenants.get();
  if (!submission.tenant.empty() && !tenants->has(submission.tenant)) {
    refused_.add();
    return done({Cause::invalid, tenants->was_removed(submission.tenant)
                                     ? removed_words(submission.tenant)
                                     : "there is no tenant \"" + submission.tenant + "\""});
  }
  const Time now = settings_.event_time_is_wall_time ? Time{} : parts_.clock.now();
  auto events = make_events(parser, submission, *tenants, now);
  if (events.empty()) {
    refused_.add();
    return done({Cause::invalid, nobodys(*tenants, submission.envelope)});
  }
  received_.add(events.size());

  Receipt receipt;
  receipt.duplicate = true;
  std::vector<flow::Entry> entries;
  std::vector<std::string> fresh_keys;
  const std::lock_guard in_order(order_);
  std::unique_lock lock(mutex_);
  InFlight* pending = nullptr;
  for (auto& event : events) {
    const std::string& key = event.dedupe_key.data;
    receipt.tenants.push_back(event.tenant);
    const auto flying = in_flight_.find(key);
    auto earlier = flying != in_flight_.end() ? std::optional(flying->second.id) : first_id(key);
    if (earlier && event.accepted_at - earlier->accepted_at() > settings_.dedupe_for) earlier.reset();
    if (earlier) {
      duplicates_.add();
      receipt.ids.push_back(*earlier);
      if (flying != in_flight_.end() && !flying->second.synced) pending = &flying->second;
      continue;
    }
    receipt.duplicate = false;
    receipt.ids.push_back(event.id);
    in_flight_[key] = InFlight{event.id, false, {}};
    fresh_keys.push_back(key);
    const auto payload =
        std::make_shared<const mail::EventPayload<mail::Received>>(parts_.codec, std::move(event));
    entries.push_back(entry_of(payload, submission.lane));
    if (settings_.keep_raw) append_raw(payload->event, submission.raw, submission.lane, entries);
  }
  receipt.id = receipt.ids.front();
  if (entries.empty()) {
    if (pending != nullptr) {  // acked only when the first one is durable
      pending->waiting.push_back([receipt, done = std::move(done)](Result<Receipt> first) {
        done(first.ok() ? Result<Receipt>(receipt) : std::move(first));
      });
      return;
    }
    lock.unlock();
    return done(receipt);
  }
  lock.unlock();
  emitted_.add(entries.size());
  parts_.log.inlet().append(
      std::move(entries),
      [this, keys = std::move(fresh_keys), receipt, done = std::move(done)](
          const Result<flow::Inlet::Landed>& landed) { synced(keys, receipt, landed, done); });
}

void Collector::synced(const std::vector<std::string>& keys, const Receipt& receipt,
                       const Result<flow::Inlet::Landed>& landed, const Done& done) {
  if (!landed.ok()) refused_.add();
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& key : keys) {
      const auto flying = in_flight_.find(key);
      if (flying == in_flight_.end()) continue;
      std::move(flying->second.waiting.begin(), flying->second.waiting.end(), std::back_inserter(waiting));
      flying->second.waiting.clear();
      flying->second.synced = true;
      if (!landed.ok()) in_flight_.erase(flying);
    }
  }
  const Result<Receipt> answer = landed.ok() ? Result<Receipt>(receipt) : Result<Receipt>(landed.error());
  done(answer);
  for (const auto& waiter : waiting) waiter(answer);
}

void Collector::settled(const std::vector<std::string>& dedupe_keys) {
  const std::lock_guard lock(mutex_);
  for (const auto& key : dedupe_keys) {
    const auto flying = in_flight_.find(key);
    if (flying != in_flight_.end() && flying->second.synced) in_flight_.erase(flying);
  }
}

void Collector::heartbeat() {
  mail::Received event;
  event.kind = mail::Kind::heartbeat;
  event.tenant = mail::heartbeat_tenant;
  event.accepted_at = event.received_at = parts_.clock.now();
  event.deadline_at = event.accepted_at + settings_.deadline;
  event.door = "heartbeat";
  event.order_key = event.tenant + separator;
  event.hops.push_back({"collect", event.accepted_at, event.accepted_at});
  const Digest mac =
      hmac_sha256(parts_.installation_key, "heartbeat " + std::to_string(event.accepted_at.us));
  event.id = EventId::make(event.accepted_at, view(mac).substr(0, 10));
  std::vector<flow::Entry> entries;
  entries.push_back(
      entry_of(std::make_shared<const mail::EventPayload<mail::Received>>(parts_.codec, std::move(event)),
               flow::Lane::live));
  // A heartbeat that cannot be written shows by its absence at the far end.
  parts_.log.inlet().append(std::move(entries), [](const Result<flow::Inlet::Landed>&) {});
}

}  // namespace bonafide::steps
