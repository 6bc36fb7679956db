#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip.hpp"
#include "base/result.hpp"

namespace bonafide::net {

/// Where to listen or to connect: an IP address with a port, or a unix socket.
struct Address {
  IpAddress ip;
  uint16_t port = 0;      ///< 0 = any free one, when listening
  std::string unix_path;  ///< not empty: a unix socket; ip and port mean nothing

  /// "127.0.0.1:8025", "[::1]:8025", "localhost:8025" (127.0.0.1) or "unix:/path/to/socket". No other names:
  /// nothing is looked up. Errors: invalid.
  static Result<Address> parse(std::string_view text);
  [[nodiscard]] bool is_unix() const { return !unix_path.empty(); }
  /// Only reachable from this machine?
  [[nodiscard]] bool is_local() const { return is_unix() || ip.is_loopback(); }
  /// What parse() reads.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Address&, const Address&) = default;
};

/// Who is at the other end of a connection, and where it reached us.
struct Peer {
  Address remote;  ///< a unix socket's has is_unix() and the path of the listening socket
  Address local;
};

}  // namespace bonafide::net
