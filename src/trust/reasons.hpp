#pragma once
#include <vector>

#include "mail/event.hpp"
#include "trust/features.hpp"
#include "trust/model.hpp"

namespace bonafide::trust {

/// What spoke for and against a message, strongest first, in words a mail administrator understands.
/// `contributions` are the weighed features in log-odds; `factors` the cuts that attacks which show by
/// themselves made, as their logarithms.
struct Cuts {
  double lookalike = 0, impostor = 0, diversion = 0, blocked = 0;
};
std::vector<mail::Reason> reasons_for(const mail::Received& received, const mail::Enrichment& enrichment,
                                      const Findings& findings,
                                      const std::array<double, feature_count>& contributions,
                                      const Cuts& cuts);

inline constexpr size_t max_reasons = 6;

}  // namespace bonafide::trust
