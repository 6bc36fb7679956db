#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mail/tenant.hpp"

namespace bonafide::trust {

/// A tenant's own people by the names they write under: whoever bears one of these names and none of its
/// addresses borrows it. Immutable.
class Directory {
 public:
  Directory() = default;
  explicit Directory(const std::vector<mail::Person>& people);

  /// The addresses of those who are called so; null if nobody is. `subject` as person_subject() makes it.
  [[nodiscard]] const std::vector<std::string>* find(std::string_view subject) const;
  [[nodiscard]] bool empty() const { return by_name_.empty(); }
  /// First 12 hex digits of the SHA-256 of what it holds.
  [[nodiscard]] const std::string& version() const { return version_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::vector<std::string>, Hash, std::equal_to<>> by_name_;
  std::string version_;
};

/// The directories of all tenants.
class Directories {
 public:
  Directories() = default;
  explicit Directories(const std::vector<mail::TenantDefinition>& tenants);
  /// An empty one where the tenant has none.
  [[nodiscard]] const Directory& of(std::string_view tenant) const;

 private:
  std::map<std::string, Directory, std::less<>> by_tenant_;
};

}  // namespace bonafide::trust
