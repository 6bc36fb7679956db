#include "sim/workload.hpp"

#include <algorithm>
#include <memory>

#include "app/feedback.hpp"

namespace bonafide::sim {
namespace {

struct Sender {
  const char* name;
  const char* address;
  const char* helo;
  const char* ip;
};
constexpr std::array<Sender, 5> senders = {{
    {"Ann Smith", "ann@partner.example", "mail.partner.example", "192.0.2.10"},
    {"Bob Brown", "bob@partner.example", "mail.partner.example", "192.0.2.10"},
    {"Shop", "news@shop.example", "out7.esp.example", "198.51.100.7"},
    {"Carla", "carla@gmail.com", "mail-1.google.example", "203.0.113.4"},
    {"Ann Smith", "ann@partner-example.example", "host.elsewhere.example", "203.0.113.99"},
}};
constexpr std::array<const char*, 4> recipients = {"joe@acme.example", "sue@acme.example",
                                                   "max@globex.example", "eva@globex.example"};

std::string tenant_of(const std::string& recipient) {
  return recipient.ends_with("@acme.example") ? "acme" : "globex";
}

}  // namespace

std::string key_of(const std::string& message_id, std::vector<std::string> to) {
  std::ranges::sort(to);
  std::string key = message_id.substr(0, message_id.find('@'));
  for (const auto& one : to) key.append(" ").append(one);
  return key;
}

Workload::Message Workload::make() {
  auto& dice = world_.random;
  const Sender& sender = senders[dice.below(senders.size())];
  Message message;
  message.number = static_cast<int>(sent_.size()) + 1;
  message.envelope.client_ip = sender.ip;
  message.envelope.helo = sender.helo;
  message.envelope.mail_from = sender.address;
  const size_t first = dice.below(recipients.size()), count = 1 + dice.below(3) / 2;
  for (size_t i = 0; i < count; ++i)
    message.envelope.rcpt_to.emplace_back(recipients[(first + i) % recipients.size()]);
  const std::string number = std::to_string(message.number);
  message.raw = "Received: from " + std::string(sender.helo) + " ([" + sender.ip +
                "]) by mx.example with ESMTPS; Thu, 1 Jan 2026 00:00:00 +0000\r\nFrom: " + sender.name +
                " <" + sender.address + ">\r\nTo: " + message.envelope.rcpt_to.front() +
                "\r\nSubject: note " + number + "\r\nMessage-ID: <" + number + "@" +
                "sim.example>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\n";
  const size_t words = dice.below(dice.below(6) == 0 ? 3000 : 60);
  for (size_t i = 0; i < words; ++i) message.raw += i % 9 == 8 ? "word\r\n" : "word ";
  return message;
}

Status Workload::act() {
  auto& dice = world_.random;
  switch (dice.below(20)) {
    case 0:
    case 1:
    case 2:  // again, byte for byte
      if (!sent_.empty()) send(sent_[dice.below(sent_.size())], flow::Lane::live, std::nullopt);
      return Ok{};
    case 3: {  // the same bytes to others
      if (sent_.empty()) return Ok{};
      Message message = sent_[dice.below(sent_.size())];
      message.envelope.rcpt_to = {recipients[dice.below(recipients.size())]};
      send(message, flow::Lane::live, std::nullopt);
      return Ok{};
    }
    case 4:
      world_.pipeline().collector().heartbeat();
      return Ok{};
    case 5:
      return judge();
    case 6:
      return reprocess();
    default:
      break;
  }
  sent_.push_back(make());
  const bool past = dice.below(5) == 0, late = dice.below(6) == 0;
  std::optional<Time> received_at;
  if (past || late) received_at = world_.clock.now() - Duration::hours(static_cast<int64_t>(dice.below(200)));
  send(sent_.back(), past ? flow::Lane::backfill : flow::Lane::live, received_at);
  return Ok{};
}

void Workload::send(const Message& message, flow::Lane lane, std::optional<Time> received_at) {
  auto& collector = world_.pipeline().collector();
  if (!collector.admit(message.raw.size()).now)
    return world_.trace.line("refused", std::to_string(message.number));
  std::map<std::string, std::vector<std::string>> by_tenant;
  for (const auto& to : message.envelope.rcpt_to) by_tenant[tenant_of(to)].push_back(to);
  std::map<std::string, Recorder::Sent> expected;
  for (const auto& [tenant, to] : by_tenant) {
    expected[tenant] = {tenant, key_of(std::to_string(message.number), to)};
    recorder_.sent(expected[tenant]);
  }
  steps::Submission submission;
  submission.raw = message.raw;
  submission.door = "sim";
  submission.envelope = message.envelope;
  submission.session_known = true;
  submission.received_at = received_at;
  submission.edge.mode = mail::Edge::Mode::auto_;
  submission.lane = lane;
  world_.trace.line("send", std::to_string(message.number));
  collector.submit(parser_, submission,
                   [this, life = world_.life(), expected, number = message.number](const auto& receipt) {
                     if (world_.life() != life) return;  // its connection is gone
                     world_.trace.line(receipt.ok() ? "acked" : "not taken", std::to_string(number));
                     if (!receipt.ok()) return;
                     for (size_t i = 0; i < receipt->ids.size() && i < receipt->tenants.size(); ++i) {
                       const auto sent = expected.find(receipt->tenants[i]);
                       if (sent == expected.end()) {
                         wrong_ = "acknowledged for " + receipt->tenants[i] + ", who was not meant";
                         continue;
                       }
                       if (auto what = recorder_.acked(sent->second, receipt->ids[i]); !what.empty())
                         wrong_ = std::move(what);
                       ids_.push_back(receipt->ids[i]);
                     }
                   });
}

EventId Workload::any_id() { return ids_[world_.random.below(ids_.size())]; }

// As the API's desk for judgements does it.
Status Workload::judge() {
  if (ids_.empty()) return Ok{};
  const EventId id = any_id();
  const auto judgement = world_.random.below(2) == 0 ? mail::Judgement::good : mail::Judgement::bad;
  auto& pipeline = world_.pipeline();
  const auto feedback = app::feedback_on(pipeline, id, judgement, world_.clock.now());
  if (!feedback.ok()) {
    const Cause cause = feedback.error().cause;
    const bool not_now = cause == Cause::not_found || cause == Cause::conflict ||
                         cause == Cause::unavailable || cause == Cause::exhausted;
    return not_now ? Status(Ok{}) : feedback.error();
  }
  world_.trace.line("judge", id.hex());
  append(app::entry_of(*feedback, pipeline.codec()));
  return Ok{};
}

Status Workload::reprocess() {
  auto& reprocessor = world_.pipeline().reprocessor();
  if (reprocessor.run().state == control::RunState::running || world_.random.below(3) != 0) return Ok{};
  const Time now = world_.clock.now();
  const auto started = reprocessor.start({now - Duration::days(1), now + Duration::days(1),
                                          world_.random.below(2) == 0 ? "enrich" : "score", ""});
  world_.trace.line("reprocess", started.ok() ? "" : started.error().message);
  return Ok{};
}

Status Workload::poison() {
  world_.trace.line("poison");
  const bool feedback = world_.random.below(3) == 0;
  flow::Entry entry{
      std::string(feedback ? mail::Feedback::topic : mail::Received::topic), flow::Lane::live, {}};
  entry.record.key = SharedBytes(std::string("acme"));
  entry.record.value = SharedBytes("no event " + std::to_string(++poisons_));
  entry.record.timestamp = world_.clock.now();
  append(std::move(entry));
  return Ok{};
}

void Workload::append(flow::Entry entry) {
  std::vector<flow::Entry> entries;
  entries.push_back(std::move(entry));
  world_.pipeline().journal().inlet().append(std::move(entries), [](const auto&) {});
}

}  // namespace bonafide::sim
