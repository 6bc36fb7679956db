#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/settings.hpp"
#include "base/hash.hpp"
#include "base/ip.hpp"
#include "env/files.hpp"

namespace bonafide::api {

/// Who may call, and whose word is taken. Protects a service on loopback against web pages too: a name that
/// was rebound to our address is not a known host, and a script of another page gives itself away by its
/// Origin.
class Access {
 public:
  static constexpr size_t min_token_bytes = 16;

  /// Checks the binding and reads the token file. `own_token` is one the service has made for its own command
  /// line ("" = none); it opens the door but does not make a token compulsory. Errors: invalid, not_found
  /// (the token file).
  static Result<Access> make(const ApiSettings& settings, env::Files& files,
                             const std::string& own_token = "");

  struct Caller {
    bool trusted = false;  ///< client_ip, helo and received_at are taken from it
  };
  /// May this request be answered? Else the response that refuses it: 403, or 401 where a token is wanted.
  /// `everybody`: no token is wanted for this (health).
  [[nodiscard]] std::variant<Caller, net::Response> admit(const net::Request& request, bool everybody) const;

 private:
  [[nodiscard]] bool knows_host(const net::Request& request) const;
  [[nodiscard]] bool knows_token(std::string_view token) const;
  Status add_token(std::string_view token, const std::string& where);

  std::vector<std::string> names_;
  std::vector<IpRange> allow_;
  std::vector<Digest> tokens_;  // digests, so that comparing takes the same time whatever was sent
  bool token_required_ = false;
  bool trust_loopback_ = false, trust_token_ = false, trust_allowed_ = false;
};

}  // namespace bonafide::api
