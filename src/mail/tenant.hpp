#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace bonafide::mail {

/// One of a tenant's own people.
struct Person {
  std::string name;  ///< as it stands in display names
  std::vector<std::string>
      addresses;  ///< all this person writes from, private ones too; the first is the main one
  friend bool operator==(const Person&, const Person&) = default;
};

/// Whose mail it is, as somebody wrote it down.
struct TenantDefinition {
  std::string name;
  std::vector<std::string> domains;  ///< all mail to these is the tenant's; sub-domains are not included
  std::vector<std::string> networks = {};   ///< CIDR ranges its own servers send from
  std::vector<std::string> mailboxes = {};  ///< single addresses that are the tenant's, whatever their domain
  std::vector<Person> people = {};
  friend bool operator==(const TenantDefinition&, const TenantDefinition&) = default;
};

/// "local@domain" in lower case, the domain as A-labels: the form addresses are compared in. "" if unusable.
std::string plain_address(std::string_view text);

/// Reads "Ann Smith <ann@acme.example> <ann@private.example>". Errors: invalid.
Result<Person> parse_person(std::string_view text);

/// Letters, digits, "-", "_" and ".", beginning with a letter or digit, 63 at most: a tenant's name is a
/// folder in the archive and a segment of a path of the API. Errors: invalid.
Status check_tenant_name(std::string_view name);

/// The definition with addresses and domains as they are compared, each once. Errors: invalid (names what and
/// where), also where there is more than a tenant may have.
Result<TenantDefinition> normal(TenantDefinition given);

}  // namespace bonafide::mail
