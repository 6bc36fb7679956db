#include "steps/score/score.hpp"

#include "trust/learn.hpp"
#include "trust/score.hpp"

namespace bonafide::steps {
namespace {

bool is_message(const mail::Enriched& enriched) { return enriched.received.kind == mail::Kind::message; }

}  // namespace

void ScoreStep::ask(const flow::Delivery& delivery, flow::Questions& questions) {
  const auto enriched = codec_.read<mail::Enriched>(delivery.record);
  if (!enriched.ok() || !is_message((*enriched)->event)) return;  // process() reports what cannot be read
  for (auto& key : trust::questions((*enriched)->event)) questions.ask(std::move(key));
}

Status ScoreStep::process(const flow::Delivery& delivery, const flow::Answers& answers,
                          const flow::Context& context, flow::Output& output) {
  BONAFIDE_ASSIGN(const auto enriched, codec_.read<mail::Enriched>(delivery.record));
  mail::Scored scored;
  scored.revision = context.attempt;
  scored.received = enriched->event.received;
  scored.enrichment = enriched->event.enrichment;
  if (is_message(enriched->event)) scored.score = trust::score(enriched->event, answers, *model_);
  scored.received.hops.push_back({"score", context.now, context.now});
  for (auto& delta : trust::deltas(scored)) output.observe(std::move(delta));
  output.emit(std::make_shared<const mail::EventPayload<mail::Scored>>(codec_, std::move(scored)));
  return Ok{};
}

void ScoreStep::fallback(const flow::Delivery& delivery, const Error& error, const flow::Context& context,
                         flow::Output& output) {
  mail::Scored scored;
  if (const auto enriched = codec_.read<mail::Enriched>(delivery.record); enriched.ok()) {
    scored.received = (*enriched)->event.received;
    scored.enrichment = (*enriched)->event.enrichment;
  } else if (const auto received = codec_.read<mail::Received>(delivery.record); received.ok()) {
    scored.received = (*received)->event;  // an earlier step of the same worker failed
  } else {
    return;  // not even its id can be read: the parked record is all there is
  }
  scored.revision = context.attempt;
  scored.score.trust = 50;
  scored.score.verdict = mail::Verdict::suspicious;
  scored.score.attack = mail::Attack::unknown;
  scored.score.lesson = "none";
  scored.score.reasons.push_back({"could not be scored; the message is parked", 0});
  scored.failure = error.message;
  output.emit(std::make_shared<const mail::EventPayload<mail::Scored>>(codec_, std::move(scored)));
}

Result<std::vector<flow::Delta>> HistoryFold::deltas(const flow::Record& record) {
  BONAFIDE_ASSIGN(const auto scored, codec_.read<mail::Scored>(record));
  return trust::deltas(scored->event);
}

}  // namespace bonafide::steps
