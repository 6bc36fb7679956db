#include "api/settings.hpp"

#include <algorithm>

#include "base/ip.hpp"

namespace bonafide::api {
namespace {

// A range that holds every IPv4 or every IPv6 address keeps nobody out.
bool is_everybody(const IpRange& range) {
  static const IpRange all_v4 = *IpRange::parse("0.0.0.0/0");
  return range.low <= all_v4.low && all_v4.high <= range.high;
}

}  // namespace

Result<std::vector<net::Address>> listen_addresses(const ApiSettings& settings) {
  std::vector<net::Address> addresses;
  for (const std::string& text : settings.listen) {
    auto address = net::Address::parse(text);
    if (!address.ok()) return address.error().in("api.listen");
    addresses.push_back(std::move(address).value());
  }
  if (addresses.empty()) return {Cause::invalid, "api.listen: no address; the default is 127.0.0.1:8025"};
  return addresses;
}

Status check_binding(const ApiSettings& settings) {
  BONAFIDE_ASSIGN(const auto addresses, listen_addresses(settings));
  bool everybody = false;
  for (const std::string& text : settings.allow) {
    const auto range = IpRange::parse(text);
    if (!range.ok()) return range.error().in("api.allow");
    everybody = everybody || is_everybody(*range);
  }
  const auto open =
      std::ranges::find_if(addresses, [](const net::Address& address) { return !address.is_local(); });
  if (open == addresses.end()) return Ok{};
  const std::string where = "api.listen: " + open->text() + " can be reached from other machines, and ";
  if (settings.token_file.empty() && settings.allow.empty()) {
    return {Cause::invalid,
            where +
                "whoever reaches it could read mail: set api.token_file (a bearer token) or api.allow "
                "(address ranges), or listen on 127.0.0.1"};
  }
  if (settings.token_file.empty() && everybody) {
    return {Cause::invalid,
            where + "api.allow lets everybody in: name the ranges that may, or set api.token_file"};
  }
  return Ok{};
}

net::HttpLimits http_limits(const ApiSettings& settings) {
  net::HttpLimits limits;
  limits.bodies_bytes = std::max(settings.bodies_bytes, settings.max_message_bytes);
  limits.handler_timeout = std::max(settings.answer_timeout, settings.max_wait + Duration::seconds(5));
  return limits;
}

}  // namespace bonafide::api
