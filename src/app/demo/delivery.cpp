// Planner: the way of a message to the company's edge, and what the edge finds.
#include <algorithm>
#include <array>

#include "app/demo/planner.hpp"

namespace bonafide::app::demo {
namespace {

std::string_view failed_spf(char qualifier) {
  switch (qualifier) {
    case '-':
      return "fail";
    case '~':
      return "softfail";
    case '?':
      return "neutral";
    default:
      return "none";
  }
}

std::string provider_signer(const MailDomain& domain, const Provider& provider) {
  if (provider.path != Path::cloud) return provider.domain;
  return domain.name.substr(0, domain.name.find('.')) + ".on" + provider.domain;
}

std::string domain_of(const std::string& address) { return address.substr(address.rfind('@') + 1); }

}  // namespace

/// Signatures that a domain's own way of sending puts on a message; all verify.
void Planner::sign(Draft& draft, const MailDomain& domain) {
  auto& signatures = draft.authentication.signatures;
  if (domain.signing == Signing::own || domain.signing == Signing::both)
    signatures.push_back({domain.name, domain.selector, "pass"});
  if (domain.signing == Signing::provider || domain.signing == Signing::both) {
    const Provider& provider = world_.providers[domain.provider];
    signatures.push_back(
        {provider_signer(domain, provider), "p" + std::to_string(2020 + provider.number % 5), "pass"});
  }
}

/// Now and then a name server does not answer or a gateway changes a line.
void Planner::trouble(Draft& draft) {
  Authentication& found = draft.authentication;
  if (!found.signatures.empty() && dice_.permille(5))
    found.signatures[0].result = dice_.permille(600) ? "fail" : "temperror";
  if (dice_.permille(3)) found.spf = "temperror";
}

/// As its owner sends it. From is at `domain`; MAIL FROM stands in the draft.
void Planner::deliver_from_domain(Draft& draft, const MailDomain& domain) {
  draft.direction = mail::Direction::inbound;
  draft.origin = domain.provider;
  draft.via.reset();
  draft.authentication = Authentication{};
  draft.authentication.spf_domain = domain_of(draft.mail_from);
  draft.authentication.spf = domain.spf_all == 0                    ? "none"
                             : domain.authorised == domain.provider ? "pass"
                                                                    : failed_spf(domain.spf_all);
  sign(draft, domain);
  trouble(draft);
  draft.authentication.conclude(domain);
  draft.rcpt_to.clear();
  for (const auto* list : {&draft.to, &draft.cc}) {
    for (const Party& party : *list) {
      if (domain_of(party.address) == world_.company_domain) draft.rcpt_to.push_back(party.address);
    }
  }
}

void Planner::deliver(Draft& draft, uint32_t author) {
  const Mailbox& box = world_.mailboxes[author];
  const MailDomain& domain = world_.domains[box.domain];
  draft.mail_from = draft.from.address;
  deliver_from_domain(draft, domain);
  if (box.forwarder) forward(draft, *box.forwarder, domain);
  const Host host = host_of(world_.providers[draft.origin], draft.seed);
  draft.message_id = make_message_id(draft.mailer, dice_, draft.written_at, domain.name,
                                     world_.providers[domain.provider].domain);
  draft.scenario = world_.is_free_mail(box) ? Scenario::freemail : Scenario::partner;
  if (draft.at < box.travels_until) draft.scenario = Scenario::travel;
  if (draft.at < box.change_until) draft.scenario = box.change;
}

/// Over somebody who passes mail on: the address the sender wrote to is an old one of the reader.
void Planner::forward(Draft& draft, uint32_t forwarder, const MailDomain& domain) {
  draft.via = forwarder;
  const Provider& way = world_.providers[forwarder];
  Authentication& found = draft.authentication;
  if (way.names == HostNames::numbered) {  // rewrites the sender (SRS)
    const size_t at = draft.mail_from.rfind('@');
    if (at != std::string::npos) {
      draft.mail_from = dice_.form("SRS0=%l4=%X2=") + draft.mail_from.substr(at + 1) + "=" +
                        draft.mail_from.substr(0, at) + "@" + way.domain;
    }
    found.spf = "pass";
    found.spf_domain = way.domain;
  } else {
    found.spf = failed_spf(domain.spf_all);
  }
  if (!found.signatures.empty() && dice_.permille(30)) found.signatures[0].result = "fail";
  found.conclude(domain);
}

/// From the company's own people, logged in at its own server.
void Planner::submit(Draft& draft, uint32_t author) {
  const Mailbox& box = world_.mailboxes[author];
  draft.authenticated_client = true;
  draft.origin = world_.domains[0].provider;
  draft.mail_from = draft.auto_submitted.empty() ? draft.from.address : "";
  const bool office = draft.at >= box.travels_until && dice_.permille(800);
  draft.access = office ? world_.office_network : world_.vpn_network;
  bool all_own = true;
  for (const auto* list : {&draft.to, &draft.cc}) {
    for (const Party& party : *list) {
      draft.rcpt_to.push_back(party.address);
      all_own = all_own && domain_of(party.address) == world_.company_domain;
    }
  }
  draft.direction = all_own ? mail::Direction::internal : mail::Direction::outbound;
  draft.scenario = all_own ? Scenario::internal : Scenario::outbound;
  draft.message_id =
      make_message_id(draft.mailer, dice_, draft.written_at, world_.company_domain, world_.company_domain);
}

}  // namespace bonafide::app::demo
