#include "trust/revise.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "trust/keys.hpp"
#include "trust/learn.hpp"

namespace bonafide::trust {
namespace {

using mail::Judgement;
using mail::MadeBy;

std::string judged_field(Judgement judgement, Time at) {
  return field_name(judged_group, std::string(avro::symbol_of(judgement)) + "@" + std::to_string(at.us));
}

// The next revision, numbered behind all there are.
mail::Scored next_of(const mail::Scored& message, const MessageRecord& record, MadeBy made_by) {
  mail::Scored next = message;
  next.revision = std::max(message.revision, record.revisions) + 1;
  next.made_by = made_by;
  next.run = 0;
  next.judgement = next.judgement_before = record.judgement;
  next.judged_at = next.judged_before_at = record.judged_at;
  return next;
}

}  // namespace

MessageRecord MessageRecord::of(const flow::History& history) {
  MessageRecord record;
  record.history = &history;
  if (const auto* revisions = history.find(revisions_field))
    record.revisions = static_cast<int32_t>(revisions->total());
  for (const auto& field : history.group(judged_group)) {
    if (field.total() <= 0) continue;
    const std::string_view text = std::string_view(field.name).substr(1);
    const size_t at = text.find('@');
    if (at == std::string_view::npos) continue;
    const auto us = parse_int(text.substr(at + 1));
    record.judgement =
        text.substr(0, at) == avro::symbol_of(Judgement::good) ? Judgement::good : Judgement::bad;
    if (us.ok()) record.judged_at = Time{*us};
  }
  return record;
}

bool MessageRecord::has_run(int32_t run) const {
  const auto* runs = history == nullptr ? nullptr : history->find(runs_field);
  return runs != nullptr &&
         std::ranges::any_of(runs->buckets, [run](const auto& b) { return b.bucket == run; });
}

std::string record_key(const std::string& tenant, const EventId& id) {
  return history_key(tenant, Kind::message, id.hex());
}

flow::Delta record_delta(const mail::Scored& scored) {
  flow::Delta delta{record_key(scored.received.tenant, scored.received.id), {}};
  delta.increments.push_back({std::string(revisions_field), 0, 1});
  if (scored.made_by == MadeBy::reprocess)
    delta.increments.push_back({std::string(runs_field), scored.run, 1});
  if (scored.made_by != MadeBy::feedback) return delta;
  if (scored.judgement_before != Judgement::none)
    delta.increments.push_back({judged_field(scored.judgement_before, scored.judged_before_at), 0, -1});
  if (scored.judgement != Judgement::none)
    delta.increments.push_back({judged_field(scored.judgement, scored.judged_at), 0, 1});
  return delta;
}

mail::Scored judged(const mail::Scored& row, const MessageRecord& record, Judgement judgement, Time at) {
  mail::Scored next = next_of(row, record, MadeBy::feedback);
  next.judgement = judgement;
  next.judged_at = at;
  return next;
}

mail::Scored renewed(const mail::Scored& first, const MessageRecord& record, int32_t run,
                     std::optional<mail::Enrichment> enrichment) {
  mail::Scored next = next_of(first, record, MadeBy::reprocess);
  next.run = run;
  if (next.taught.empty()) next.taught = first.score.lesson;
  if (!enrichment) return next;
  if (!next.basis) next.basis = mail::Basis{first.enrichment, first.score.evidence};
  next.enrichment = std::move(*enrichment);
  return next;
}

flow::Answers without_own(const mail::Scored& message, const std::vector<std::string>& keys,
                          const flow::Answers& answers) {
  flow::Answers out = answers;
  for (const auto& delta : teaching(message, message.judgement)) {
    for (size_t i = 0; i < keys.size() && i < out.size(); ++i) {
      if (keys[i] != delta.key || out[i] == nullptr) continue;
      auto less = std::make_shared<flow::History>(*out[i]);
      for (const auto& one : delta.increments) less->add({one.field, one.bucket, -one.n});
      out[i] = std::move(less);
    }
  }
  return out;
}

}  // namespace bonafide::trust
