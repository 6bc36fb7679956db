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

/// The additions to history a scored message stands for: the fold over mail.scored. Derived from the event
/// alone. Heartbeats, failures and revisions above 0 (a retry, a reprocess) add nothing.
std::vector<flow::Delta> deltas(const mail::Scored& scored);

}  // namespace bonafide::trust
