#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"

// How histories are laid out in the state: keys, fields and event-time buckets. What stands here is stored,
// so it may only be added to.
namespace bonafide::trust {

/// Whose history it is; the byte stands in the key after the tenant.
enum class Kind : char {
  address = 'a',       ///< subject "local@domain"
  organisation = 'o',  ///< organisational domain; never that of a free mail provider
  person = 'n',        ///< normalised display name: the addresses seen with it
  relation = 'r',      ///< "recipient<sender"
  population = 'p',    ///< trait code + value: how many identities have it
  totals = 'P',  ///< "": sums of the population by trait, and the whole population of traits with few values
  look = 's',    ///< folded label: the established organisations that look so
  near = 'e',    ///< piece of a folded label: established organisations one edit away
  message =
      'm',   ///< event id in hex: what is known of a message that has more than one revision (revise.hpp)
  ip = 'i',  ///< the kinds from here on are shared between tenants
  network = 'w',
  helo = 'h',
  dkim = 'k',
};

/// Kinds that hold counters of machinery only, never of people: shared between tenants.
constexpr bool is_shared(Kind kind) {
  return kind == Kind::ip || kind == Kind::network || kind == Kind::helo || kind == Kind::dkim;
}

/// "address", "organisation" … as mail::Identity::kind says it; empty for kinds that are no identity.
std::string_view to_string(Kind kind);
/// Kind::address for what is not known.
Kind kind_of(std::string_view name);

/// Key in the state: tenant ("" where shared), NUL, kind, subject.
std::string history_key(std::string_view tenant, Kind kind, std::string_view subject);
/// Of the population of a value: the subject is the trait's code and the value.
std::string population_key(std::string_view tenant, char trait_code, std::string_view value);
/// The field of a value in its group.
std::string field_name(char group, std::string_view value);
/// Recipient and sender of a relation as its subject.
std::string relation_subject(std::string_view recipient, std::string_view sender);

// Fields: the first byte is the group. Traits use their code (traits.hpp) and the value.
inline constexpr std::string_view messages_field = "#m";  ///< vouched messages, by period
inline constexpr std::string_view days_field = "#d";      ///< vouched messages, by day
inline constexpr std::string_view aligned_field =
    "#a";  ///< vouched messages with aligned authentication, by period
inline constexpr std::string_view outbound_field = "#o";  ///< messages somebody here wrote to it, by day
inline constexpr std::string_view lessons_field =
    "#k";                                              ///< the last messages that taught, by lesson_bucket()
inline constexpr std::string_view count_field = "#n";  ///< identities with a value, by period
inline constexpr char way_group = 'W';                 ///< unvouched messages by the way they came, by day
inline constexpr char person_group = 'A';              ///< addresses of a person, by day
inline constexpr char look_group = 'L';                ///< organisations of an index key, by period
inline constexpr std::string_view revisions_field = "#r";  ///< revisions above 0
inline constexpr std::string_view runs_field = "#p";       ///< reprocesses that took it, by their number
inline constexpr char judged_group = 'J';  ///< the judgement that stands: "good@" or "bad@", microseconds
inline constexpr char good_group = 'G';    ///< known senders that used this machinery, by tenant tag and day
inline constexpr char bad_group = 'B';     ///< unvouched messages that came by it, by tenant tag and day

/// Four weeks: fine enough for a half-life of 180 days, coarse enough that 32 buckets last two years.
constexpr int32_t period_of(Time time) {
  const int64_t day = time.day();
  return static_cast<int32_t>(day / 28 - (day % 28 < 0 ? 1 : 0));
}
constexpr int32_t period_days = 28;
constexpr int32_t day_of(Time time) { return static_cast<int32_t>(time.day()); }

/// Day and 16 bits of the message key in one bucket number: a field of such buckets remembers the last 32
/// messages.
int32_t lesson_bucket(Time time, std::string_view message_key);
/// Do two such buckets stand for the same message (whatever the day)?
constexpr bool same_message(int32_t a, int32_t b) { return (a & 0xFFFF) == (b & 0xFFFF); }

/// A short name of a tenant for shared counters: they are capped per tenant and must not tell who it was.
std::string tenant_tag(std::string_view tenant);

}  // namespace bonafide::trust
