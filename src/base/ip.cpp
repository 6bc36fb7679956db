#include "base/ip.hpp"

#include <array>
#include <bit>

#include "base/text.hpp"

namespace bonafide {
namespace {

constexpr std::array<uint8_t, 12> v4_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

Error bad_address(std::string_view text) {
  return {Cause::invalid, "\"" + std::string(text.substr(0, 64)) +
                              "\" is not an IP address; write e.g. 192.0.2.1 or 2001:db8::1"};
}

bool parse_quad(std::string_view text, uint8_t* out) {
  for (size_t i = 0; i < 4; ++i) {
    size_t digits = 0;
    int value = 0;
    for (; digits < text.size() && digits < 4 && is_digit(text[digits]); ++digits)
      value = value * 10 + (text[digits] - '0');
    if (digits == 0 || digits > 3 || value > 255) return false;
    out[i] = static_cast<uint8_t>(value);
    text.remove_prefix(digits);
    if (i == 3) break;
    if (text.empty() || text[0] != '.') return false;
    text.remove_prefix(1);
  }
  return text.empty();
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  c = ascii_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// One side of "::": groups of up to four hex digits, the last of which may be a dotted quad.
bool parse_groups(std::string_view text, std::array<uint8_t, 16>& out, size_t& count) {
  count = 0;
  if (text.empty()) return true;
  const auto parts = split(text, ':');
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i + 1 == parts.size() && parts[i].find('.') != std::string_view::npos) {
      if (count + 4 > 16 || !parse_quad(parts[i], out.data() + count)) return false;
      count += 4;
      continue;
    }
    if (parts[i].empty() || parts[i].size() > 4 || count + 2 > 16) return false;
    int value = 0;
    for (const char c : parts[i]) {
      const int digit = hex_value(c);
      if (digit < 0) return false;
      value = value * 16 + digit;
    }
    out[count++] = static_cast<uint8_t>(value >> 8);
    out[count++] = static_cast<uint8_t>(value);
  }
  return true;
}

// RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of equals) as
// "::".
std::string v6_text(const std::array<uint8_t, 16>& bytes) {
  std::array<int, 8> groups{};
  for (size_t i = 0; i < 8; ++i) groups[i] = bytes[2 * i] << 8 | bytes[2 * i + 1];
  size_t best = 8, best_length = 1;
  for (size_t i = 0; i < 8; ++i) {
    size_t length = 0;
    while (i + length < 8 && groups[i + length] == 0) ++length;
    if (length > best_length) {
      best = i;
      best_length = length;
    }
  }
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < 8; ++i) {
    if (i == best) {
      text += "::";
      i += best_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    bool started = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
      const auto digit = static_cast<size_t>(groups[i] >> shift & 15);
      started = started || digit != 0 || shift == 0;
      if (started) text += digits[digit];
    }
  }
  return text;
}

IpRange masked(const IpAddress& address, size_t prefix_bits) {
  IpRange range{address, address};
  for (size_t i = prefix_bits / 8; i < range.low.bytes.size(); ++i) {
    const size_t kept = i == prefix_bits / 8 ? prefix_bits % 8 : 0;
    const auto free = static_cast<uint8_t>(0xFF >> kept);
    range.low.bytes[i] = static_cast<uint8_t>(range.low.bytes[i] & ~free);
    range.high.bytes[i] = static_cast<uint8_t>(range.high.bytes[i] | free);
  }
  return range;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  std::string_view rest = text;
  if (rest.size() >= 2 && rest.front() == '[' && rest.back() == ']') rest = rest.substr(1, rest.size() - 2);
  if (starts_ignoring_case(rest, "IPv6:")) rest.remove_prefix(5);
  if (const size_t zone = rest.find('%'); zone != std::string_view::npos) rest = rest.substr(0, zone);
  IpAddress address;
  if (rest.find(':') == std::string_view::npos) {
    std::memcpy(address.bytes.data(), v4_prefix.data(), v4_prefix.size());
    if (!parse_quad(rest, address.bytes.data() + 12)) return bad_address(text);
    return address;
  }
  const size_t gap = rest.find("::");
  size_t head = 0, tail = 0;
  std::array<uint8_t, 16> end{};
  if (gap == std::string_view::npos) {
    if (!parse_groups(rest, address.bytes, head) || head != 16) return bad_address(text);
    return address;
  }
  if (!parse_groups(rest.substr(0, gap), address.bytes, head) ||
      !parse_groups(rest.substr(gap + 2), end, tail) || head + tail > 14) {
    return bad_address(text);
  }
  std::memcpy(address.bytes.data() + 16 - tail, end.data(), tail);
  return address;
}

bool IpAddress::is_v4() const { return std::memcmp(bytes.data(), v4_prefix.data(), v4_prefix.size()) == 0; }

std::string IpAddress::text() const {
  if (!is_v4()) return v6_text(bytes);
  std::string text;
  for (size_t i = 12; i < bytes.size(); ++i) {
    const int byte = bytes[i];
    if (i > 12) text += '.';
    if (byte >= 100) text += static_cast<char>('0' + byte / 100);
    if (byte >= 10) text += static_cast<char>('0' + byte / 10 % 10);
    text += static_cast<char>('0' + byte % 10);
  }
  return text;
}

bool IpAddress::is_loopback() const {
  static const IpRange v4 = *IpRange::parse("127.0.0.0/8"), v6 = *IpRange::parse("::1");
  return v4.contains(*this) || v6.contains(*this);
}

bool IpAddress::is_private() const {
  static const std::array<IpRange, 9> ranges = {
      *IpRange::parse("127.0.0.0/8"),    *IpRange::parse("10.0.0.0/8"),     *IpRange::parse("172.16.0.0/12"),
      *IpRange::parse("192.168.0.0/16"), *IpRange::parse("169.254.0.0/16"), *IpRange::parse("100.64.0.0/10"),
      *IpRange::parse("::/127"),         *IpRange::parse("fc00::/7"),       *IpRange::parse("fe80::/10")};
  for (const auto& range : ranges) {
    if (range.contains(*this)) return true;
  }
  return *this == IpRange::parse("0.0.0.0")->low;
}

Result<IpRange> IpRange::parse(std::string_view text) {
  const size_t slash = text.find('/');
  BONAFIDE_ASSIGN(const IpAddress address, IpAddress::parse(text.substr(0, slash)));
  const size_t width = address.is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) return masked(address, 128);
  const auto bits = parse_int(text.substr(slash + 1));
  if (!bits.ok() || *bits < 0 || static_cast<size_t>(*bits) > width) {
    return {Cause::invalid,
            "\"" + std::string(text.substr(0, 64)) + "\" is not a range; write e.g. 192.0.2.0/24"};
  }
  return masked(address, 128 - width + static_cast<size_t>(*bits));
}

IpRange IpRange::network_of(const IpAddress& address) { return around(address, 24, 48); }

IpRange IpRange::around(const IpAddress& address, size_t v4_bits, size_t v6_bits) {
  return masked(address, address.is_v4() ? 96 + v4_bits : v6_bits);
}

std::string IpRange::text() const {
  size_t bits = 0;
  while (bits < 128 && low.bytes[bits / 8] == high.bytes[bits / 8]) bits += 8;
  if (bits < 128)
    bits += static_cast<size_t>(
        std::countl_zero(static_cast<uint8_t>(low.bytes[bits / 8] ^ high.bytes[bits / 8])));
  return low.text() + "/" + std::to_string(low.is_v4() && bits >= 96 ? bits - 96 : bits);
}

}  // namespace bonafide
