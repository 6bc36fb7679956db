#pragma once
#include <string>

#include "base/result.hpp"

namespace bonafide::api {

/// A tenant as it is put: a JSON object of at most so many bytes.
constexpr size_t tenant_body_bytes = size_t{16} << 20;

/// What stands behind /v1/tenants. May wait for the disk. Answers are JSON objects without a line end.
class TenantAdmin {
 public:
  virtual ~TenantAdmin() = default;
  /// {"tenants":[…],"removed":[…]}
  virtual Result<std::string> list() = 0;
  /// Errors: not_found.
  virtual Result<std::string> show(const std::string& name) = 0;
  /// Makes the tenant, or replaces all of it; `only_new`: not if it is there. Durable, and in force for the
  /// next message, once this returns. Errors: invalid (says what and where); conflict (it is there, it stands
  /// in the configuration, or another tenant has the domain).
  virtual Result<std::string> put(const std::string& name, const std::string& json, bool only_new) = 0;
  /// Its mail is refused from now on; what is stored of it stays until retention. Errors: not_found; conflict
  /// (it stands in the configuration).
  virtual Result<std::string> remove(const std::string& name) = 0;
};

}  // namespace bonafide::api
