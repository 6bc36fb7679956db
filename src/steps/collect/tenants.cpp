#include "steps/collect/tenants.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bonafide::steps {
namespace {

std::string domain_of(std::string_view address) {
  const size_t at = address.rfind('@');
  return at == std::string_view::npos ? "" : ascii_lower(address.substr(at + 1));
}

Status own(std::map<std::string, std::string, std::less<>>& owners, const std::string& what,
           const std::string& tenant, const char* kind) {
  const auto [at, fresh] = owners.emplace(what, tenant);
  if (fresh || at->second == tenant) return Ok{};
  return {Cause::conflict, std::string(kind) + " " + what + " belongs to tenant " + at->second + " already"};
}

}  // namespace

Result<Tenants> Tenants::make(const std::vector<Tenant>& tenants, const std::vector<Removed>& removed) {
  Tenants made;
  for (const auto& given : tenants) {
    auto tenant = mail::normal(given);
    if (!tenant.ok()) return tenant.error().in("tenant " + clean_text(given.name, 64));
    auto [networks, fresh] = made.networks_.emplace(tenant->name, std::vector<IpRange>());
    if (!fresh) return {Cause::conflict, "tenant " + tenant->name + " is given twice"};
    for (const auto& domain : tenant->domains)
      BONAFIDE_TRY(own(made.by_domain_, domain, tenant->name, "domain"));
    for (const auto& mailbox : tenant->mailboxes)
      BONAFIDE_TRY(own(made.by_mailbox_, mailbox, tenant->name, "mailbox"));
    for (const auto& network : tenant->networks) {
      BONAFIDE_ASSIGN(const auto range, IpRange::parse(network));
      networks->second.push_back(range);
    }
  }
  for (const auto& gone : removed) {
    if (made.networks_.contains(gone.name)) continue;
    made.removed_.emplace(gone.name, '\0');
    for (const auto& domain : gone.domains) made.removed_domains_.emplace(domain, gone.name);
    for (const auto& mailbox : gone.mailboxes) made.removed_mailboxes_.emplace(mailbox, gone.name);
  }
  return made;
}

std::string Tenants::owner(const Owners& mailboxes, const Owners& domains, std::string_view address) {
  if (!mailboxes.empty()) {
    if (const auto at = mailboxes.find(ascii_lower(address)); at != mailboxes.end()) return at->second;
  }
  const auto at = domains.find(domain_of(address));
  return at == domains.end() ? "" : at->second;
}

std::string Tenants::of_recipient(std::string_view address) const {
  if (!networks_.empty()) return owner_of(address);
  return removed_of(address).empty() ? std::string(mail::default_tenant) : "";
}

std::string Tenants::removed_of(std::string_view address) const {
  if (removed_.empty() || !owner_of(address).empty()) return "";
  return owner(removed_mailboxes_, removed_domains_, address);
}

bool Tenants::has(std::string_view name) const {
  return networks_.empty() ? name == mail::default_tenant && !was_removed(name) : networks_.contains(name);
}

bool Tenants::was_removed(std::string_view name) const { return removed_.contains(name); }

bool Tenants::owns_network(const IpAddress& address) const {
  return std::ranges::any_of(networks_, [&](const auto& tenant) {
    return std::ranges::any_of(tenant.second, [&](const IpRange& range) { return range.contains(address); });
  });
}

bool Tenants::sends(std::string_view tenant, const mail::Envelope& envelope,
                    std::string_view from_address) const {
  const auto known = networks_.find(tenant);
  if (known == networks_.end() || known->second.empty() || owner_of(from_address) != tenant) return false;
  const auto client = IpAddress::parse(envelope.client_ip);
  return client.ok() &&
         std::ranges::any_of(known->second, [&](const IpRange& range) { return range.contains(*client); });
}

std::string Tenants::of_sender(const mail::Envelope& envelope, std::string_view from_address) const {
  std::string tenant = owner_of(from_address);
  return sends(tenant, envelope, from_address) ? tenant : "";
}

mail::Direction Tenants::direction(std::string_view tenant, const mail::Envelope& envelope,
                                   std::string_view from_address) const {
  if (!sends(tenant, envelope, from_address)) return mail::Direction::inbound;
  const bool all_own = std::ranges::all_of(
      envelope.rcpt_to, [&](const std::string& recipient) { return owner_of(recipient) == tenant; });
  return all_own ? mail::Direction::internal : mail::Direction::outbound;
}

}  // namespace bonafide::steps
