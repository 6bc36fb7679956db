#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "mail/event.hpp"

namespace bonafide::steps {

/// Whose mail it is. Without any tenant configured there is one, `default`, and every recipient is its own.
class Tenants {
 public:
  struct Tenant {
    std::string name;
    std::vector<std::string> domains;   ///< lower-case A-labels; sub-domains are not included
    std::vector<std::string> networks;  ///< CIDR ranges its own servers send from
  };

  Tenants() = default;
  /// Errors: invalid (a name or domain twice, a bad range).
  static Result<Tenants> make(std::vector<Tenant> tenants);

  /// The tenant of a recipient; "" if tenants are configured and none has the domain.
  [[nodiscard]] std::string of_recipient(std::string_view address) const;
  /// The tenant whose own server sends this mail from one of its domains; "" for all other mail.
  [[nodiscard]] std::string of_sender(const mail::Envelope& envelope, std::string_view from_domain) const;
  [[nodiscard]] bool has(std::string_view name) const;
  /// Is a tenant's own server at this address?
  [[nodiscard]] bool owns_network(const IpAddress& address) const;
  /// Mail that a tenant's own servers send from one of its domains is outbound, or internal if all recipients
  /// are its own too; all else is inbound, whatever it claims.
  [[nodiscard]] mail::Direction direction(std::string_view tenant, const mail::Envelope& envelope,
                                          std::string_view from_domain) const;

 private:
  struct Known {
    std::vector<std::string> domains;
    std::vector<IpRange> networks;
  };
  [[nodiscard]] static bool sends(const Known& known, const mail::Envelope& envelope,
                                  std::string_view from_domain);

  std::map<std::string, Known, std::less<>> tenants_;
  std::map<std::string, std::string, std::less<>> by_domain_;
};

}  // namespace bonafide::steps
