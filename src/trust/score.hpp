#pragma once
#include <string>
#include <vector>

#include "flow/state.hpp"
#include "mail/enriched.hpp"
#include "trust/model.hpp"

namespace bonafide::trust {

/// Version of the scoring code: the same evidence, model and code give the same score, bit for bit.
inline constexpr std::string_view code_version = "trust-1";

/// The keys of history to be asked for a message, in order. At most 45, usually 35; none for outbound mail
/// and heartbeats.
std::vector<std::string> questions(mail::EnrichedView enriched);

/// The score of a message. `answers` in the order of questions(), null where unknown: such histories take no
/// part, and the evidence says so. Pure.
mail::Score score(mail::EnrichedView enriched, const flow::Answers& answers, const Model& model);

/// The score once more, from nothing but the event: bit-exact for the same model.
mail::Score rescore(const mail::Scored& scored, const Model& model);

}  // namespace bonafide::trust
