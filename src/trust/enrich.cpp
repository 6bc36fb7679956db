#include "trust/enrich.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/domain.hpp"
#include "trust/keys.hpp"
#include "trust/lookalike.hpp"
#include "trust/traits.hpp"

namespace bonafide::trust {
namespace {

constexpr size_t max_subject_bytes = 320;  // the longest address RFC 5321 allows
constexpr size_t max_hits = 16;
constexpr size_t max_hops = 10;

void add_identity(mail::Enrichment& out, Kind kind, std::string subject) {
  if (subject.empty()) return;
  if (subject.size() > max_subject_bytes) subject = std::string(cut_utf8(subject, max_subject_bytes));
  out.identities.push_back({std::string(to_string(kind)), std::move(subject)});
}

void add_sender(mail::Enrichment& out, const mail::Received& received, const mail::Address& from) {
  const std::string address = from.key();
  add_identity(out, Kind::address, address);
  if (!out.free_mail) add_identity(out, Kind::organisation, out.from_organisation);
  add_identity(out, Kind::person, person_subject(from.display_name));
  const auto& recipients = received.envelope.rcpt_to;
  for (size_t i = 0; i < recipients.size() && i < max_relations; ++i) {
    add_identity(out, Kind::relation, relation_subject(ascii_lower(recipients[i]), address));
  }
}

void add_machinery(mail::Enrichment& out, const mail::Received& received, const Alignment& alignment) {
  const auto client = IpAddress::parse(received.envelope.client_ip);
  if (client.ok() && !client->is_private()) {
    add_identity(out, Kind::ip, client->text());
    add_identity(out, Kind::network, IpRange::network_of(*client).text());
  }
  const std::string helo = host_organisation(received.envelope.helo);
  if (helo.find('.') != std::string::npos) add_identity(out, Kind::helo, helo);
  if (!alignment.dkim_organisation.empty()) add_identity(out, Kind::dkim, alignment.dkim_organisation);
}

// A list or forwarder leaves its name, or sends in its own name for another.
bool is_via_list(const mail::Received& received, const mail::Address* from, const Alignment& alignment) {
  const auto& facts = *received.facts;
  if (!facts.list_id.empty() || facts.precedence == "list") return true;
  if (from == nullptr) return false;
  if (from->display_name.find(" via ") != std::string::npos) return true;
  // The author's signature survives although another organisation is the envelope sender, and passes SPF.
  return alignment.dkim && alignment.spf_pass && !alignment.spf;
}

class Lookup {
 public:
  Lookup(const ReferenceData& reference, std::vector<mail::ReferenceHit>& hits)
      : reference_(reference), hits_(hits) {}

  void domain(std::string_view subject, std::string_view name) {
    for (const auto& set : reference_.sets()) add(*set, subject, name, std::string(set->find(name)));
  }
  void address(std::string_view subject, const std::string& text) {
    const auto address = IpAddress::parse(text);
    if (!address.ok() || address->is_private()) return;
    for (const auto& set : reference_.sets()) add(*set, subject, text, set->find(*address));
  }

 private:
  void add(const ReferenceSet& set, std::string_view subject, std::string_view value, std::string entry) {
    if (entry.empty() || hits_.size() >= max_hits) return;
    hits_.push_back({set.name(), set.version(), std::string(to_string(set.role())), std::string(subject),
                     std::string(value), std::move(entry)});
  }
  const ReferenceData& reference_;
  std::vector<mail::ReferenceHit>& hits_;
};

void look_up(mail::Enrichment& out, const mail::Received& received, const mail::Address* from,
             const ReferenceData& reference) {
  if (reference.sets().empty()) return;
  Lookup lookup(reference, out.references);
  lookup.address("client_ip", received.envelope.client_ip);
  size_t hops = 0;
  for (const auto& hop : received.facts->received) {
    if (!hop.trusted && !hop.ip.empty() && hop.ip != received.envelope.client_ip && ++hops <= max_hops) {
      lookup.address("hop_ip", hop.ip);
    }
  }
  if (from != nullptr) lookup.domain("from_domain", from->domain);
  if (!received.facts->reply_to.empty())
    lookup.domain("reply_to_domain", received.facts->reply_to.front().domain);
}

// Somebody else's name: first of the hits, so that none crowds it out.
void look_up_name(mail::Enrichment& out, const mail::Address& from, const Directory& directory) {
  if (directory.empty()) return;
  const std::string subject = person_subject(from.display_name);
  const auto* addresses = subject.empty() ? nullptr : directory.find(subject);
  if (addresses == nullptr || std::ranges::find(*addresses, from.key()) != addresses->end()) return;
  out.references.push_back({"directory", directory.version(), std::string(colleague_role), "from_name",
                            subject, addresses->front()});
}

}  // namespace

const mail::Address* sender_of(const mail::Facts& facts) {
  for (const auto& from : facts.from) {
    if (from.usable()) return &from;
  }
  return nullptr;
}

std::string known_by(const mail::Address* from, const ReferenceData& reference) {
  if (from == nullptr) return "";
  return reference.is_free_mail(from->domain) ? from->key() : mail::organisational_domain(from->domain);
}

mail::Enrichment enrich(const mail::Received& received, const ReferenceData& reference,
                        const Directory& directory) {
  mail::Enrichment out;
  const mail::Address* from = sender_of(*received.facts);
  const Alignment alignment = alignment_of(received, from == nullptr ? std::string_view() : from->domain);
  if (from != nullptr) {
    out.free_mail = reference.is_free_mail(from->domain);
    out.from_organisation = known_by(from, reference);
  }
  out.dkim_aligned = alignment.dkim;
  out.spf_aligned = alignment.spf;
  out.via_list = is_via_list(received, from, alignment);
  out.identities.reserve(8);
  if (from != nullptr) add_sender(out, received, *from);
  add_machinery(out, received, alignment);
  out.traits = traits_of(received, alignment, from);
  if (from != nullptr) look_up_name(out, *from, directory);
  look_up(out, received, from, reference);
  return out;
}

}  // namespace bonafide::trust
