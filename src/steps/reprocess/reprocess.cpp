#include "steps/reprocess/reprocess.hpp"

#include <algorithm>

#include "trust/emit.hpp"
#include "trust/enrich.hpp"
#include "trust/revise.hpp"
#include "trust/score.hpp"

namespace bonafide::steps {
namespace {

bool all_known(const flow::Answers& answers) {
  return !answers.empty() && std::ranges::all_of(answers, [](const auto& a) { return a != nullptr; });
}

}  // namespace

mail::Enrichment ReprocessStep::enrich(const mail::Received& received) const {
  const auto reference = reference_.get();
  const auto directories = directories_.get();
  return trust::enrich(received, *reference, directories->of(received.tenant));
}

/// The histories of its identities, and last its own record.
void ReprocessStep::ask(const flow::Delivery& delivery, flow::Questions& questions) {
  const auto read = codec_.read<mail::Reprocess>(delivery.record);
  if (!read.ok()) return;  // process() reports what cannot be read
  const mail::Reprocess& again = (*read)->event;
  if (again.from == mail::Again::enrich) {
    mail::Scored row;
    if (!codec_.decode(again.row.data, row).ok()) return;
    const auto& enrichment = asked_[delivery.position] = enrich(row.received);
    questions.ask(trust::questions({row.received, enrichment}));
  }
  questions.ask(trust::record_key(again.tenant, again.id));
}

Status ReprocessStep::process(const flow::Delivery& delivery, const flow::Answers& answers,
                              const flow::Context& context, flow::Output& output) {
  auto asked = asked_.extract(delivery.position);
  BONAFIDE_ASSIGN(const auto read, codec_.read<mail::Reprocess>(delivery.record));
  const mail::Reprocess& again = read->event;
  mail::Scored row;
  if (const Status sound = codec_.decode(again.row.data, row); !sound.ok())
    return sound.error().in("the stored event");
  if (row.received.id != again.id || row.received.tenant != again.tenant)
    return {Cause::invalid, "the stored event is not that of " + again.id.hex()};
  if (row.received.kind != mail::Kind::message || !row.failure.empty())
    return {Cause::invalid, again.id.hex() + " has not been scored: retry it where it is parked"};
  if (!all_known(answers)) return {Cause::unavailable, "the histories did not come in time; retry it"};
  const auto record = trust::MessageRecord::of(*answers.back());
  if (record.has_run(again.run)) return Ok{};
  std::optional<mail::Enrichment> enrichment;
  if (again.from == mail::Again::enrich) {
    if (asked.empty()) return {Cause::internal, "it was not asked about; retry it"};
    enrichment = std::move(asked.mapped());
  }
  mail::Scored next = trust::renewed(row, record, again.run, std::move(enrichment));
  if (again.from == mail::Again::score) {
    next.score = trust::rescore(row, *model_);
  } else {
    const mail::EnrichedView view(next.received, next.enrichment);
    const auto own = trust::without_own(next, trust::questions(view), answers);
    next.score = trust::score(view, own, *model_);
  }
  trust::emit_revision(codec_, std::move(next), "reprocess", context.now, output);
  return Ok{};
}

}  // namespace bonafide::steps
