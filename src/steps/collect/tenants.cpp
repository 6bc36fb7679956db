#include "steps/collect/tenants.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bonafide::steps {
namespace {

std::string domain_of(std::string_view address) {
  const size_t at = address.rfind('@');
  return at == std::string_view::npos ? "" : ascii_lower(address.substr(at + 1));
}

bool holds(const std::vector<std::string>& domains, std::string_view domain) {
  return std::find(domains.begin(), domains.end(), domain) != domains.end();
}

}  // namespace

Result<Tenants> Tenants::make(std::vector<Tenant> tenants) {
  Tenants made;
  for (auto& tenant : tenants) {
    if (tenant.name.empty() || tenant.name[0] == '_' ||
        tenant.name.find_first_of("/\\ \t\n") != std::string::npos ||
        tenant.name.find('\0') != std::string::npos) {
      return {Cause::invalid, "tenant name \"" + tenant.name +
                                  "\" is not usable; write letters, digits, - and ., not beginning with _"};
    }
    Known known;
    for (const auto& domain : tenant.domains) {
      const std::string lower = ascii_lower(domain);
      const auto [other, fresh] = made.by_domain_.emplace(lower, tenant.name);
      if (!fresh) {
        return {Cause::invalid, "domain " + lower + " belongs to tenant " + other->second + " already"};
      }
      known.domains.push_back(lower);
    }
    for (const auto& network : tenant.networks) {
      BONAFIDE_ASSIGN(const auto range, IpRange::parse(network));
      known.networks.push_back(range);
    }
    if (!made.tenants_.emplace(tenant.name, std::move(known)).second) {
      return {Cause::invalid, "tenant " + tenant.name + " is given twice"};
    }
  }
  return made;
}

std::string Tenants::of_recipient(std::string_view address) const {
  if (by_domain_.empty()) return std::string(mail::default_tenant);
  const auto found = by_domain_.find(domain_of(address));
  return found == by_domain_.end() ? "" : found->second;
}

bool Tenants::has(std::string_view name) const {
  return tenants_.empty() ? name == mail::default_tenant : tenants_.find(name) != tenants_.end();
}

bool Tenants::owns_network(const IpAddress& address) const {
  return std::ranges::any_of(tenants_, [&](const auto& tenant) {
    return std::ranges::any_of(tenant.second.networks,
                               [&](const IpRange& range) { return range.contains(address); });
  });
}

bool Tenants::sends(const Known& known, const mail::Envelope& envelope, std::string_view from_domain) {
  const auto client = IpAddress::parse(envelope.client_ip);
  return client.ok() && holds(known.domains, from_domain) &&
         std::any_of(known.networks.begin(), known.networks.end(),
                     [&](const IpRange& range) { return range.contains(*client); });
}

std::string Tenants::of_sender(const mail::Envelope& envelope, std::string_view from_domain) const {
  const auto owner = by_domain_.find(from_domain);
  if (owner == by_domain_.end()) return "";
  return sends(tenants_.at(owner->second), envelope, from_domain) ? owner->second : "";
}

mail::Direction Tenants::direction(std::string_view tenant, const mail::Envelope& envelope,
                                   std::string_view from_domain) const {
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end() || !sends(found->second, envelope, from_domain))
    return mail::Direction::inbound;
  const Known& known = found->second;
  const bool all_own =
      std::all_of(envelope.rcpt_to.begin(), envelope.rcpt_to.end(),
                  [&](const std::string& to) { return holds(known.domains, domain_of(to)); });
  return all_own ? mail::Direction::internal : mail::Direction::outbound;
}

}  // namespace bonafide::steps
