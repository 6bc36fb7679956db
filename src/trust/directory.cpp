#include "trust/directory.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "trust/lookalike.hpp"

namespace bonafide::trust {

Directory::Directory(const std::vector<mail::Person>& people) {
  std::string all;
  for (const auto& person : people) {
    all += person.name + '\n';
    const std::string subject = person_subject(person.name);
    for (const auto& address : person.addresses) {
      all += '\t' + address + '\n';
      if (subject.empty()) continue;  // "Sales Team" names nobody
      auto& known = by_name_[subject];
      if (std::ranges::find(known, address) == known.end()) known.push_back(address);
    }
  }
  version_ = to_hex(view(sha256(all))).substr(0, 12);
}

const std::vector<std::string>* Directory::find(std::string_view subject) const {
  const auto at = by_name_.find(subject);
  return at == by_name_.end() ? nullptr : &at->second;
}

Directories::Directories(const std::vector<mail::TenantDefinition>& tenants) {
  for (const auto& tenant : tenants) {
    if (!tenant.people.empty()) by_tenant_.emplace(tenant.name, Directory(tenant.people));
  }
}

const Directory& Directories::of(std::string_view tenant) const {
  static const Directory none;
  const auto at = by_tenant_.find(tenant);
  return at == by_tenant_.end() ? none : at->second;
}

}  // namespace bonafide::trust
