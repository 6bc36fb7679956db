#pragma once
#include <string>

#include "mail/event.hpp"
#include "trust/directory.hpp"
#include "trust/reference.hpp"

namespace bonafide::trust {

/// What follows from the facts and the reference data alone: whose message it claims to be, by what machinery
/// it came, and how it was sent. Pure; asks nothing; bounded whatever the facts are. `directory`: of the
/// message's tenant.
mail::Enrichment enrich(const mail::Received& received, const ReferenceData& reference,
                        const Directory& directory = {});

/// The role of the hit that says that the display name is that of one of the tenant's own people, and the
/// address is none of theirs; its entry is their address.
inline constexpr std::string_view colleague_role = "colleague";

/// The From that counts: the first usable one; null if none is.
const mail::Address* sender_of(const mail::Facts& facts);

/// Whom mail of this From is known by: its address where anybody can have a mailbox, by the built-in list or
/// one of the data sets; else its organisation's domain; "" without a usable From. Enrichment and the order
/// key must agree on it: the mail of one sender is one order.
std::string known_by(const mail::Address* from, const ReferenceData& reference);

/// Recipients whose relation to the sender is looked at, in the order of the envelope.
inline constexpr size_t max_relations = 3;

}  // namespace bonafide::trust
