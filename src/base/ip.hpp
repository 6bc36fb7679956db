#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bonafide {

/// An IPv4 or IPv6 address; IPv4 is held as ::ffff:a.b.c.d, so that both sort and compare in one space.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};

  /// Dotted quad, or RFC 4291 text with or without brackets or "IPv6:" before it. Errors: invalid.
  static Result<IpAddress> parse(std::string_view text);
  [[nodiscard]] bool is_v4() const;
  /// Canonical text: dotted quad, or RFC 5952.
  [[nodiscard]] std::string text() const;
  /// Loopback, private (RFC 1918, RFC 4193), link-local, shared (RFC 6598) or unspecified.
  [[nodiscard]] bool is_private() const;
  [[nodiscard]] bool is_loopback() const;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

/// A range of addresses in CIDR form, RFC 4632.
struct IpRange {
  IpAddress low, high;  ///< inclusive

  /// "192.0.2.0/24", "2001:db8::/32" or a single address. Errors: invalid.
  static Result<IpRange> parse(std::string_view text);
  /// The /24 (IPv4) or /48 (IPv6) an address is in.
  static IpRange network_of(const IpAddress& address);
  /// The range of so many leading bits an address is in; `v4_bits` up to 32, `v6_bits` up to 128.
  static IpRange around(const IpAddress& address, size_t v4_bits, size_t v6_bits);
  [[nodiscard]] bool contains(const IpAddress& address) const { return low <= address && address <= high; }
  /// "192.0.2.0/24".
  [[nodiscard]] std::string text() const;
  friend auto operator<=>(const IpRange&, const IpRange&) = default;
};

}  // namespace bonafide
