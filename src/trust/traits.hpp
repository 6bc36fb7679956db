#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/event.hpp"

namespace bonafide::trust {

/// How a message was sent, in traits an impostor has to get right. The number is the place in all tables.
enum class TraitId : uint8_t {
  alignment,    ///< "dkim+spf", "dkim", "spf" or "none" of the From organisation
  dkim,         ///< organisation whose signature passed ("none"; "~x" where nobody checked and x claims it)
  spf,          ///< "+x" where SPF passed for organisation x, "-x" where not, "~x" unchecked
  helo,         ///< organisation of the HELO name, or what it is instead
  network,      ///< /24 or /48 of the client
  block,        ///< /16 or /32 of the client
  path,         ///< organisations of the servers before the edge
  origin,       ///< /16 or /32 the author submitted from
  submission,   ///< protocol and server of the first hop
  reply_to,     ///< "none", "same", "=" (same organisation), or whose it is
  message_id,   ///< shape of the local part, and whose domain follows
  mailer,       ///< product without its version
  order,        ///< fingerprint of the order of the author's headers
  composition,  ///< MIME tree and character set
  zone,         ///< time zone of Date
  hour,         ///< four hours of the author's day, and whether a weekend
};
inline constexpr size_t trait_count = 16;
inline constexpr size_t max_value_bytes = 64;

/// What the tables need to know of a trait.
struct TraitInfo {
  TraitId id;
  char code;                ///< group of its fields in a history
  std::string_view name;    ///< as in mail::Trait::name
  bool few_values;          ///< so few that the tenant's totals hold its whole population
  std::string_view phrase;  ///< for reasons: "has always been <phrase> X"
};
const std::array<TraitInfo, trait_count>& trait_table();
inline const TraitInfo& info(TraitId id) { return trait_table()[static_cast<size_t>(id)]; }

/// The place in the table of a trait by its name, looked for from `guess` on; trait_count if there is none.
size_t trait_at(std::string_view name, size_t guess);

/// The value of each trait, as views into the event. Missing: the message has none, and the trait says
/// nothing.
using TraitValues = std::array<std::optional<std::string_view>, trait_count>;
TraitValues trait_values(const mail::Enrichment& enrichment);

/// What the traits are made from beside the facts.
struct Alignment {
  bool believed = false;           ///< somebody we believe has checked
  bool dkim = false, spf = false;  ///< passes for the organisation of From
  bool dmarc_fail = false;
  std::string dkim_organisation;           ///< of the pass (the aligned one first), "" if none passed
  std::string spf_organisation;            ///< of the envelope sender, "" for the null sender
  bool spf_pass = false, spf_bad = false;  ///< spf_bad: fail or softfail
};
Alignment alignment_of(const mail::Received& received, std::string_view from_domain);

/// All traits of a message. `from` may be null (no usable From).
std::vector<mail::Trait> traits_of(const mail::Received& received, const Alignment& alignment,
                                   const mail::Address* from);

/// A time zone as Date writes it, "+0530", and back; nothing where `text` is not of that form.
std::string zone_text(int32_t minutes);
std::optional<int32_t> zone_minutes(std::string_view text);
/// `value` in at most max_value_bytes: what is longer ends in a hash of the whole.
std::string bounded_value(std::string value);
/// Organisation of a host name as a trait: its organisational domain, "[ip]" for a literal, "bare" for a
/// single label.
std::string host_organisation(std::string_view host);
/// The shape of a Message-ID: runs of digits, letters and hex by class, then whose domain follows.
std::string message_id_shape(std::string_view message_id, std::string_view from_domain,
                             std::string_view helo_organisation);
/// A mail program's name without version and platform.
std::string mailer_product(std::string_view mailer);

}  // namespace bonafide::trust
