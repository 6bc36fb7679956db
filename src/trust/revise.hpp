#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "flow/state.hpp"
#include "mail/event.hpp"
#include "mail/revision.hpp"

// New revisions of a message that was scored before. A message with more than one revision has a record of
// its own in the history, a part of the same fold over mail.scored: how many revisions there are, which
// judgement stands, and which reprocesses took it. So a revision gets a number that nobody else has, and
// whatever comes twice is known, also after a crash and after the state was rebuilt.
namespace bonafide::trust {

struct MessageRecord {
  int32_t revisions = 0;  ///< above 0
  mail::Judgement judgement = mail::Judgement::none;
  Time judged_at;
  const flow::History* history = nullptr;  ///< outlives this

  static MessageRecord of(const flow::History& history);
  [[nodiscard]] bool has_run(int32_t run) const;
};

/// The key of a message's record.
std::string record_key(const std::string& tenant, const EventId& id);
/// What a revision above 0 adds to it.
flow::Delta record_delta(const mail::Scored& scored);

/// The revision that a judgement makes of a row: the score is kept. The judgement is not the one that stands.
mail::Scored judged(const mail::Scored& row, const MessageRecord& record, mail::Judgement judgement, Time at);

/// The revision that a reprocess makes of the event that was scored first, still without its score. Where it
/// is enriched anew, what the message taught from is kept beside.
mail::Scored renewed(const mail::Scored& first, const MessageRecord& record, int32_t run,
                     std::optional<mail::Enrichment> enrichment);
/// Answers without what the message itself has taught, as if it came now for the first time.
flow::Answers without_own(const mail::Scored& message, const std::vector<std::string>& keys,
                          const flow::Answers& answers);

}  // namespace bonafide::trust
