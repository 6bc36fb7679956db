#include "app/demo/infrastructure.hpp"

#include <array>

namespace bonafide::app::demo {
namespace {

constexpr std::array<std::string_view, 4> regions{"euw1", "eun2", "use3", "sea1"};
constexpr std::array<std::string_view, 5> web_rows{"wr1", "wm1", "ej1", "lf1", "qk1"};

std::string two_digits(uint64_t n) {
  return {static_cast<char>('0' + n / 10 % 10), static_cast<char>('0' + n % 10)};
}

std::string with_hyphens(std::string ip) {
  for (char& c : ip) {
    if (c == '.') c = '-';
  }
  return ip;
}

std::string hex_group(uint64_t value) {
  std::string out;
  for (int shift = 12; shift >= 0; shift -= 4) {
    const auto digit = (value >> shift) & 15;
    if (!out.empty() || digit != 0 || shift == 0) out += lower_hex[digit];
  }
  return out;
}

}  // namespace

uint32_t network_number(uint32_t n) {
  constexpr uint32_t benchmark = (198U << 24) | (18U << 16);
  constexpr std::array<uint32_t, 3> documentation{(192U << 24) | (0U << 16) | (2U << 8),
                                                  (198U << 24) | (51U << 16) | (100U << 8),
                                                  (203U << 24) | (0U << 16) | (113U << 8)};
  return n < network_count ? benchmark + (n << 8) : documentation[n % documentation.size()];
}

std::string ip_text(uint32_t address) {
  return std::to_string(address >> 24) + "." + std::to_string((address >> 16) & 255) + "." +
         std::to_string((address >> 8) & 255) + "." + std::to_string(address & 255);
}

Host host_of(const Provider& provider, uint64_t which) {
  const uint64_t host = which % provider.hosts;
  const uint64_t mixed = derive(host, "host", provider.number);
  const uint32_t address =
      provider.networks[host % provider.networks.size()] + 5 + static_cast<uint32_t>(mixed % 240);
  Host out;
  out.ip = ip_text(address);
  switch (provider.names) {
    case HostNames::fixed:
      out.helo = (host == 0 ? "mail." : "mail" + std::to_string(host + 1) + ".") + provider.domain;
      break;
    case HostNames::numbered:
      out.helo = "relay" + two_digits(host + 1) + "." + provider.domain;
      break;
    case HostNames::cloud:
      out.helo = "mail-" + std::string(regions[host % regions.size()]) + "on" +
                 std::to_string(2000 + mixed % 190) + ".outbound." + provider.domain;
      break;
    case HostNames::web:
      out.helo = "mail-" + std::string(web_rows[host % web_rows.size()]) + "-f" +
                 std::to_string(40 + mixed % 25) + "." + provider.domain;
      break;
    case HostNames::bulk:
      out.helo = "o" + std::to_string(1 + host) + ".ptr" + std::to_string(1000 + mixed % 9000) + "." +
                 provider.domain;
      break;
    case HostNames::rented:
      out.helo = with_hyphens(out.ip) + ".vps." + provider.domain;
      break;
    case HostNames::bare:
      out.helo = mixed % 3 == 0   ? "localhost.localdomain"
                 : mixed % 3 == 1 ? "[" + out.ip + "]"
                                  : "WIN-" + std::to_string(mixed % 900'000 + 100'000);
      break;
  }
  out.rdns = provider.names == HostNames::bare ? "unknown" : out.helo;
  if (provider.ipv6 && (which >> 20) % 10 < 3) {
    out.ip = "2001:db8:" + hex_group(0x4000 + provider.number) + ":" + hex_group(1 + host % 7) +
             "::" + hex_group(0x100 + mixed % 0xeff);
  }
  return out;
}

std::string_view organisation_of(std::string_view domain) {
  const size_t last = domain.rfind('.');
  if (last == std::string_view::npos || last == 0) return domain;
  const size_t before = domain.rfind('.', last - 1);
  return before == std::string_view::npos ? domain : domain.substr(before + 1);
}

void Authentication::conclude(const MailDomain& domain) {
  policy = domain.policy;
  if (policy == Policy::unpublished) {
    dmarc = "none";
    return;
  }
  const std::string_view organisation = organisation_of(domain.name);
  bool aligned = spf == "pass" && organisation_of(spf_domain) == organisation;
  for (const Signature& signature : signatures) {
    aligned = aligned || (signature.result == "pass" && organisation_of(signature.domain) == organisation);
  }
  dmarc = aligned ? "pass" : "fail";
}

}  // namespace bonafide::app::demo
