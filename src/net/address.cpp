#include "net/address.hpp"

#include "base/text.hpp"

namespace bonafide::net {
namespace {

// sun_path of Linux holds 108 bytes with the closing zero.
constexpr size_t max_unix_path = 107;

Error malformed(std::string_view text) {
  return {Cause::invalid,
          "\"" + clean_text(text, 100) +
              "\" is not an address: write 127.0.0.1:8025, [::1]:8025, localhost:8025 or unix:/path"};
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  Address address;
  if (text.starts_with("unix:")) {
    address.unix_path = text.substr(5);
    if (address.unix_path.empty() || address.unix_path.find('\0') != std::string::npos)
      return malformed(text);
    if (address.unix_path.size() > max_unix_path) {
      return {Cause::invalid, "the path of a unix socket has at most " + std::to_string(max_unix_path) +
                                  " bytes; this one has " + std::to_string(address.unix_path.size()) + ": " +
                                  clean_text(address.unix_path, 200)};
    }
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return malformed(text);
  std::string_view host = text.substr(0, colon);
  const auto port = parse_int(text.substr(colon + 1));
  if (!port.ok() || *port < 0 || *port > 65535) return malformed(text);
  address.port = static_cast<uint16_t>(*port);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed != (host.find(':') != std::string_view::npos)) return malformed(text);
  if (host == "localhost") host = "127.0.0.1";
  const auto ip = IpAddress::parse(host);
  if (!ip.ok()) return malformed(text);
  address.ip = *ip;
  return address;
}

std::string Address::text() const {
  if (is_unix()) return "unix:" + unix_path;
  const std::string host = ip.is_v4() ? ip.text() : "[" + ip.text() + "]";
  return host + ":" + std::to_string(port);
}

}  // namespace bonafide::net
