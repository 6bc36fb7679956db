#pragma once
#include <string_view>
#include <vector>

#include "flow/state.hpp"
#include "mail/event.hpp"
#include "trust/features.hpp"

namespace bonafide::trust {

/// What a message teaches, by a fixed rule and never by its score (a model must not feed on its own
/// judgement):
///
/// - "full": nothing contradicts the identity; its histories, the population and the relation learn.
/// - "address": it contradicts what an established sender always did, but the same way was seen on 5 days
/// over 14 (authenticated
///   for its own domain: 3 over 7): that address learns it (a provider move heals), nobody else.
/// - "unvouched": it contradicts, bears another's name, claims the recipient's own domain without proof, or
/// comes from a stranger
///   whose SPF or DMARC fails: only the way it came is remembered, and counted against the machinery.
/// - "relation": outbound mail: whom people here write to.
/// - "none": it taught before (the same message key), or there is nothing to learn from.
std::string_view lesson_of(const Findings& findings);

/// What a message teaches under a judgement, whatever it has taught so far: additions to history, derived
/// from the event alone.
///
/// - "none": its lesson, as it was taught when it came (a message that was parked at first: nothing).
/// - "good": "full"; for outbound mail "relation". Feedback outweighs the rule.
/// - "bad": "unvouched"; for outbound mail nothing.
///
/// A message that taught before under its key, has no sender, or whose address had no answer when it was
/// scored, teaches nothing under any.
std::vector<flow::Delta> teaching(const mail::Scored& scored, mail::Judgement judgement);

/// The additions to history a scored event stands for: the fold over mail.scored. Derived from the event
/// alone. The first revision adds what it teaches, unless it failed; feedback adds the difference between
/// what the message teaches under the judgement now and under the one before, so that a judgement and its
/// opposite leave no trace; a retry and a reprocess add nothing. Every revision above 0 also keeps the
/// message's own record (revise.hpp). Heartbeats add nothing.
std::vector<flow::Delta> deltas(const mail::Scored& scored);

}  // namespace bonafide::trust
