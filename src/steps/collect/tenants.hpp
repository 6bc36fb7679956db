#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "mail/event.hpp"
#include "mail/tenant.hpp"

namespace bonafide::steps {

/// Whose mail it is. Without any tenant configured there is one, `default`, and every recipient is its own.
/// Immutable: what changes is replaced as a whole (base/current.hpp).
class Tenants {
 public:
  using Tenant = mail::TenantDefinition;
  /// Whom mail was once taken for. It is refused, and never becomes somebody else's by itself.
  struct Removed {
    std::string name;
    std::vector<std::string> domains, mailboxes;
  };

  Tenants() = default;
  /// Errors: invalid (a bad name, domain, range or address); conflict (a name, domain or mailbox twice). A
  /// tenant takes over what a removed one had.
  static Result<Tenants> make(const std::vector<Tenant>& tenants, const std::vector<Removed>& removed = {});

  /// The tenant of a recipient, by its mailbox or domain; "" if tenants are configured and it is none's.
  [[nodiscard]] std::string of_recipient(std::string_view address) const;
  /// The removed tenant whose recipient this was; "" for all others.
  [[nodiscard]] std::string removed_of(std::string_view address) const;
  /// The tenant whose own server sends this mail from one of its domains or mailboxes; "" for all other mail.
  [[nodiscard]] std::string of_sender(const mail::Envelope& envelope, std::string_view from_address) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] bool was_removed(std::string_view name) const;
  /// Is a tenant's own server at this address?
  [[nodiscard]] bool owns_network(const IpAddress& address) const;
  /// Mail that a tenant's own servers send from one of its addresses is outbound, or internal if all
  /// recipients are its own too; all else is inbound, whatever it claims.
  [[nodiscard]] mail::Direction direction(std::string_view tenant, const mail::Envelope& envelope,
                                          std::string_view from_address) const;

 private:
  using Owners = std::map<std::string, std::string, std::less<>>;
  [[nodiscard]] static std::string owner(const Owners& mailboxes, const Owners& domains,
                                         std::string_view address);
  [[nodiscard]] std::string owner_of(std::string_view address) const {
    return owner(by_mailbox_, by_domain_, address);
  }
  [[nodiscard]] bool sends(std::string_view tenant, const mail::Envelope& envelope,
                           std::string_view from_address) const;

  std::map<std::string, std::vector<IpRange>, std::less<>> networks_;  // of every tenant
  Owners by_domain_, by_mailbox_;
  std::map<std::string, char, std::less<>> removed_;
  Owners removed_domains_, removed_mailboxes_;
};

}  // namespace bonafide::steps
