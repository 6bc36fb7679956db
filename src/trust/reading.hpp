#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flow/state.hpp"
#include "mail/enriched.hpp"
#include "trust/keys.hpp"
#include "trust/traits.hpp"

// From histories to the readings that travel in the event, and from readings to what the score asks of them.
// Counts decay with a half-life of 180 days of event time, computed here, in integers: the same on every
// machine.
namespace bonafide::trust {

/// Thousandths of `n` that are left after `age_days`; future days count as today.
int64_t decayed_milli(int64_t n, int64_t age_days);

/// The keys that must be asked for a message, in the order in which read() takes the answers. About 35.
std::vector<std::string> keys_to_ask(mail::EnrichedView enriched);

/// Everything the score needs of the answers (in the order of keys_to_ask; null: unknown).
std::vector<mail::Evidence> read(mail::EnrichedView enriched, const flow::Answers& answers);

/// The evidence of a kind; null where there is none. With several (relations) the first.
const mail::Evidence* find(const std::vector<mail::Evidence>& evidence, std::string_view kind);
/// A reading by its field; null where there is none.
const mail::Reading* find(const mail::Evidence* evidence, std::string_view field);

/// How a message came, in one short text: what an unvouched message is remembered by.
std::string way_of(const TraitValues& values);

/// The readings of one identity or of the population by trait; null where not known.
using TraitReadings = std::array<const mail::Reading*, trait_count>;
TraitReadings trait_readings(const mail::Evidence* evidence);

/// Domain and, where it is one, organisation of the From of a message; "" if there is no usable From.
std::string_view from_domain_of(mail::EnrichedView enriched);

}  // namespace bonafide::trust
