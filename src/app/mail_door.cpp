#include "app/mail_door.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bonafide::app {
namespace {

Result<std::vector<IpRange>> ranges_of(const std::vector<std::string>& texts, const std::string& where) {
  std::vector<IpRange> ranges;
  for (const auto& text : texts) {
    const auto range = IpRange::parse(text);
    if (!range.ok()) return range.error().in(where);
    ranges.push_back(*range);
  }
  return ranges;
}

// Who speaks over a unix socket is on this machine.
bool holds(const std::vector<IpRange>& ranges, const net::Address& peer) {
  static const IpAddress loopback = *IpAddress::parse("127.0.0.1");
  const IpAddress& ip = peer.is_unix() ? loopback : peer.ip;
  return std::ranges::any_of(ranges, [&](const IpRange& range) { return range.contains(ip); });
}

net::SmtpReply refusal_of(const Error& error) {
  switch (error.cause) {
    case Cause::invalid:
      return {550, "5.6.0", error.message};
    case Cause::exhausted:
      return {451, "4.3.1", error.message};
    default:
      return {451, "4.3.0", error.message};
  }
}

net::SmtpReply gone(const std::string& tenant) {
  return {550, "5.7.1", "mail for tenant " + tenant + " is not taken here any more"};
}

net::SmtpReply receipt_of(const EventId& id, bool duplicate) {
  return {250, "2.0.0", "Ok: queued as " + id.hex() + (duplicate ? " (a repeat)" : "")};
}

// One reply, or for LMTP one a recipient, with the id of the event of the recipient's tenant.
std::vector<net::SmtpReply> replies_of(const Result<steps::Receipt>& receipt,
                                       const std::vector<std::string>& recipients_tenants) {
  if (!receipt.ok()) return {refusal_of(receipt.error())};
  std::vector<net::SmtpReply> replies;
  for (const auto& tenant : recipients_tenants) {
    const auto at = std::ranges::find(receipt->tenants, tenant) - receipt->tenants.begin();
    const bool known = static_cast<size_t>(at) < receipt->tenants.size();
    replies.push_back(
        receipt_of(known ? receipt->ids[static_cast<size_t>(at)] : receipt->id, receipt->duplicate));
  }
  if (replies.empty()) replies.push_back(receipt_of(receipt->id, receipt->duplicate));
  return replies;
}

}  // namespace

MailDoor::MailDoor(MailDoorSettings settings, Pipeline& pipeline, env::Metrics& metrics)
    : settings_(std::move(settings)),
      pipeline_(pipeline),
      metrics_(metrics),
      accepted_(metrics.counter("bonafide_door_accepted_total",
                                "Messages a mail door has taken, repeats too.", {{"hop", settings_.name()}})),
      answer_seconds_(metrics.histogram("bonafide_door_answer_seconds",
                                        "From the last byte of a message to the answer of its mail door.",
                                        {{"hop", settings_.name()}})) {}

Result<std::unique_ptr<MailDoor>> MailDoor::make(MailDoorSettings settings, Pipeline& pipeline,
                                                 env::Metrics& metrics) {
  const std::string section = settings.name();
  std::unique_ptr<MailDoor> door(new MailDoor(std::move(settings), pipeline, metrics));
  BONAFIDE_ASSIGN(door->allow_, ranges_of(door->settings_.allow, section + ".allow"));
  BONAFIDE_ASSIGN(door->relays_, ranges_of(door->settings_.relays, section + ".relays"));
  BONAFIDE_TRY(door->read_addresses());
  return door;
}

Status MailDoor::read_addresses() {
  for (const auto& text : settings_.listen) {
    const auto address = net::Address::parse(text);
    if (!address.ok()) return address.error().in(settings_.name() + ".listen");
    if (!address->is_local() && allow_.empty()) {
      return {Cause::invalid, settings_.name() + ".listen: " + address->text() +
                                  " can be reached from other machines: set " + settings_.name() +
                                  ".allow to the ranges of your mail servers, or listen on 127.0.0.1"};
    }
    addresses_.push_back(*address);
  }
  return Ok{};
}

net::SmtpLimits MailDoor::limits() const {
  net::SmtpLimits limits;
  limits.name = settings_.host_name;
  limits.message_bytes = settings_.max_message_bytes;
  limits.messages_bytes = std::max(limits.messages_bytes, 2 * settings_.max_message_bytes);
  limits.sessions = settings_.max_connections;
  return limits;
}

MailDoor::Refusal MailDoor::on_connect(const net::Peer& peer) {
  if (peer.remote.is_local() || holds(allow_, peer.remote)) return std::nullopt;
  return net::SmtpReply{554, "5.7.1", "your address may not hand over mail here"};
}

bool MailDoor::is_relay(const net::Peer& peer) { return holds(relays_, peer.remote); }

MailDoor::Refusal MailDoor::on_mail(const net::SmtpMail& mail) {
  const auto admission = pipeline_.collector().admit(mail.announced_bytes);
  if (admission.now) return std::nullopt;
  return net::SmtpReply{452, "4.3.1", admission.reason};
}

std::optional<std::string> MailDoor::meant(const std::string& recipient) const {
  for (const auto& copy : settings_.copy_to) {
    if (equals_ignoring_case(copy, recipient)) return std::nullopt;
  }
  const std::string& domain = settings_.copy_domain;
  if (!domain.empty() && recipient.size() > domain.size() + 1) {
    const size_t dot = recipient.size() - domain.size() - 1;
    if (recipient[dot] == '.' && equals_ignoring_case(std::string_view(recipient).substr(dot + 1), domain))
      return recipient.substr(0, dot);
  }
  return recipient;
}

// Of this door as a whole: its tenant may have been removed.
MailDoor::Refusal MailDoor::no_tenant(const steps::Tenants& tenants) const {
  if (settings_.tenant.empty() || tenants.has(settings_.tenant)) return std::nullopt;
  return gone(settings_.tenant);
}

MailDoor::Refusal MailDoor::on_recipient(const net::SmtpMail& mail, const std::string& recipient) {
  const auto tenants = pipeline_.tenants().get();
  if (!settings_.tenant.empty()) return no_tenant(*tenants);
  const auto to = meant(recipient);
  if (!to || !tenants->of_recipient(*to).empty()) return std::nullopt;
  // Outbound mail has its recipients elsewhere; whether it is that is seen in the message.
  const auto submission = submission_of(mail);
  const auto client = IpAddress::parse(submission.envelope.client_ip);
  if (client.ok() && tenants->owns_network(*client)) return std::nullopt;
  if (const auto removed = tenants->removed_of(*to); !removed.empty()) return gone(removed);
  if (!client.ok()) return std::nullopt;
  return net::SmtpReply{550, "5.1.2", "this domain belongs to no tenant of this installation"};
}

MailDoor::Refusal MailDoor::nobodys(const steps::Tenants& tenants,
                                    const steps::Submission& submission) const {
  if (!settings_.tenant.empty()) return no_tenant(tenants);
  const auto& to = submission.envelope.rcpt_to;
  const auto client = IpAddress::parse(submission.envelope.client_ip);
  if (to.empty() || (client.ok() && tenants.owns_network(*client))) return std::nullopt;
  const bool all = std::ranges::all_of(to, [&](const auto& one) { return !tenants.removed_of(one).empty(); });
  return all ? Refusal(gone(tenants.removed_of(to.front()))) : std::nullopt;
}

steps::Submission MailDoor::submission_of(const net::SmtpMail& mail) {
  steps::Submission submission;
  submission.raw = mail.raw;
  submission.door = settings_.name();
  submission.tenant = settings_.tenant;
  submission.edge = settings_.edge;
  auto& envelope = submission.envelope;
  envelope.mail_from = mail.mail_from;
  for (const auto& recipient : mail.rcpt_to) {
    if (auto to = meant(recipient)) envelope.rcpt_to.push_back(std::move(*to));
  }
  if (mail.forwarded) {
    if (mail.forwarded->address) envelope.client_ip = mail.forwarded->address->text();
    envelope.helo = mail.forwarded->helo;
  } else if (!is_relay(mail.peer)) {
    envelope.client_ip = mail.peer.remote.is_unix() ? "" : mail.peer.remote.ip.text();
    envelope.helo = mail.helo;
  }
  // A relay that does not say where its mail comes from says nothing of the client: that is in the headers,
  // as far as they are believed.
  submission.session_known = !envelope.client_ip.empty();
  return submission;
}

void MailDoor::on_message(net::SmtpMail mail, net::SmtpAnswer answer) {
  const auto submission = submission_of(mail);
  const auto now = pipeline_.tenants().get();
  // Between the recipients and the message a tenant may have gone.
  if (auto refusal = nobodys(*now, submission)) return answer.send({std::move(*refusal)});
  std::vector<std::string> tenants;
  if (settings_.protocol == net::SmtpProtocol::lmtp) {
    for (const auto& recipient : mail.rcpt_to)
      tenants.push_back(now->of_recipient(meant(recipient).value_or("")));
  }
  pipeline_.collector().submit(parser_, submission,
                               [&accepted = accepted_, answer = std::move(answer),
                                tenants = std::move(tenants)](const Result<steps::Receipt>& receipt) {
                                 if (receipt.ok()) accepted.add();
                                 answer.send(replies_of(receipt, tenants));
                               });
}

void MailDoor::on_refused(int code) {
  auto& counter = refused_[code];
  if (counter == nullptr) {
    counter = &metrics_.counter("bonafide_door_refused_total", "Replies of a mail door that refuse, by code.",
                                {{"hop", settings_.name()}, {"reason", std::to_string(code)}});
  }
  counter->add();
}

// ---- all of them

Result<std::unique_ptr<MailDoors>> MailDoors::open(const std::vector<MailDoorSettings>& settings,
                                                   Pipeline& pipeline, Outside outside) {
  std::unique_ptr<MailDoors> made(new MailDoors);
  net::ServerSettings server;
  server.max_connections = 0;
  // The doors refuse connections above their own bound with a word (421); this one is the server's own.
  for (const auto& door : settings) server.max_connections += 2 * door.max_connections;
  made->server_ = std::make_unique<net::Server>(server, outside.clock, outside.logger, outside.metrics);
  for (const auto& one : settings) {
    BONAFIDE_ASSIGN(auto door, MailDoor::make(one, pipeline, outside.metrics));
    made->fronts_.push_back(std::make_unique<net::SmtpFront>(one.protocol, *door, door->limits()));
    bool first = true;
    for (const auto& address : door->addresses()) {
      BONAFIDE_ASSIGN(const auto chosen,
                      made->server_->listen(address, one.name(), made->fronts_.back()->factory()));
      if (std::exchange(first, false)) made->addresses_.emplace_back(one.name(), chosen.text());
    }
    made->doors_.push_back(std::move(door));
  }
  return made;
}

void MailDoors::start() {
  thread_ = std::thread([this] { server_->run(); });
}

void MailDoors::stop() {
  if (!thread_.joinable()) return;
  server_->stop();
  thread_.join();
}

}  // namespace bonafide::app
