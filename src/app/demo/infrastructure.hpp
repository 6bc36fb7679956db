#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "app/demo/calendar.hpp"
#include "app/demo/dice.hpp"

// The machines that carry the simulated mail, and what their domains publish about them.
namespace bonafide::app::demo {

/// How a provider names the hosts that send.
enum class HostNames : uint8_t {
  fixed,     ///< mail.acme.example, one or two machines
  numbered,  ///< relay07.hoster.example
  cloud,     ///< mail-euw3on2071.outbound.office.example
  web,       ///< mail-wr1-f49.provider.example
  bulk,      ///< o12.ptr4512.esp.example
  rented,    ///< 198-18-7-44.vps.hoster.example: nobody gave it a name
  bare,      ///< calls itself localhost.localdomain or by its address, has no reverse name
};

/// The hops between the author and the provider's last server.
enum class Path : uint8_t { none, submission, gateway, cloud, web, bulk, script };

struct Provider {
  std::string domain;
  HostNames names = HostNames::fixed;
  Path path = Path::none;
  std::vector<uint32_t> networks;  ///< IPv4 /24s, host part 0
  uint32_t hosts = 1;
  bool ipv6 = false;  ///< sends some mail over IPv6
  Zone zone = Zone::utc;
  uint32_t number = 0;  ///< tells apart the hosts of two providers
};

struct Host {
  std::string helo;
  std::string rdns;  ///< "unknown" if there is none
  std::string ip;    ///< canonical text
};
Host host_of(const Provider& provider, uint64_t which);
/// A /24 of hand-out number `n`: 198.18.0.0/15 (RFC 2544) first, then the documentation networks (RFC 5737).
uint32_t network_number(uint32_t n);
inline constexpr uint32_t network_count = 512;
std::string ip_text(uint32_t address);

enum class Signing : uint8_t { none, own, provider, both };
enum class Policy : uint8_t { unpublished, none, quarantine, reject };

/// A domain in From, and what its owner has set up for it.
struct MailDomain {
  std::string name;
  uint32_t provider = 0;    ///< whose servers send its mail
  uint32_t authorised = 0;  ///< whose servers SPF authorises: the same, but for some days after a move
  char spf_all = 0;         ///< qualifier of SPF's `all`: '-', '~', '?'; 0 = no record
  Signing signing = Signing::none;
  Policy policy = Policy::unpublished;
  std::string selector;
};

/// What the edge found out about a message, as in RFC 8601.
struct Authentication {
  struct Signature {
    std::string domain, selector, result;
  };
  std::string spf, spf_domain;
  std::vector<Signature> signatures;
  std::string dmarc;
  Policy policy = Policy::unpublished;

  /// Sets dmarc from the rest, for From at `domain` (RFC 7489, relaxed alignment).
  void conclude(const MailDomain& domain);
};

/// "a.b.acme.example" → "acme.example": every top-level domain here is a public suffix.
std::string_view organisation_of(std::string_view domain);

}  // namespace bonafide::app::demo
