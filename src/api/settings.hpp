#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/address.hpp"
#include "net/http.hpp"

namespace bonafide::api {

/// What a caller who waits for a verdict is told when it does not fall in time. The message is taken either
/// way, and its real verdict stored when it comes.
enum class Late {
  suspicious,  ///< 200 with the verdict "suspicious" and "late":true
  defer,       ///< 504 with Retry-After: a repeat is answered with the first id and verdict
};

/// How the HTTP API is reached, and by whom.
struct ApiSettings {
  std::vector<std::string> listen = {
      "127.0.0.1:8025"};   ///< addresses as net::Address reads them; port 0 = any free one
  std::string token_file;  ///< bearer tokens, one a line; then every caller outside `allow` must give one
  std::vector<std::string> allow;  ///< CIDR ranges whose callers need no token
  std::vector<std::string>
      names;  ///< names this service is known by, beside localhost: what a Host header may say
  // Whose word on where and when a message came in is taken (client_ip, helo, received_at).
  bool trust_loopback = true, trust_token = true, trust_allowed = true;

  size_t max_message_bytes = size_t{50} << 20;
  size_t bodies_bytes = size_t{256} << 20;  ///< all messages being received at one time
  size_t max_connections = 1000;
  size_t max_recipients = 1000;
  Duration max_wait = Duration::seconds(30);  ///< the longest `wait=`
  Duration deadline = Duration::seconds(2);   ///< nobody waits longer for a verdict, whatever `wait=`
  Late late = Late::suspicious;
  Duration answer_timeout = Duration::seconds(60);  ///< then 504
};

/// May the service be bound as configured? Anything but loopback and unix sockets needs a token file or a
/// list of allowed ranges. Errors: invalid, with the reason and what to do.
Status check_binding(const ApiSettings& settings);

/// Errors: invalid.
Result<std::vector<net::Address>> listen_addresses(const ApiSettings& settings);

net::HttpLimits http_limits(const ApiSettings& settings);

}  // namespace bonafide::api
