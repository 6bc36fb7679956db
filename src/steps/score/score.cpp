#include "steps/score/score.hpp"

#include "mail/enriched.hpp"
#include "trust/emit.hpp"
#include "trust/learn.hpp"
#include "trust/revise.hpp"
#include "trust/score.hpp"

namespace bonafide::steps {
namespace {

/// An enriched message as it was handed on in the process, or decoded.
class Input {
 public:
  static Result<Input> read(const mail::EventCodec& codec, const flow::Record& record) {
    Input input;
    input.handed_on_ = std::dynamic_pointer_cast<const mail::EnrichedPayload>(record.payload);
    if (!input.handed_on_) {
      BONAFIDE_ASSIGN(input.decoded_, codec.read<mail::Enriched>(record));
    }
    return input;
  }
  [[nodiscard]] mail::EnrichedView view() const { return handed_on_ ? handed_on_->view() : decoded_->event; }
  [[nodiscard]] bool is_message() const { return view().received.kind == mail::Kind::message; }
  /// The event to be scored, with the hops so far.
  [[nodiscard]] mail::Scored scored(int32_t revision) const {
    mail::Scored scored;
    scored.revision = revision;
    scored.received = view().received;
    scored.enrichment = view().enrichment;
    if (handed_on_) scored.received.hops.push_back(handed_on_->hop());
    return scored;
  }

 private:
  std::shared_ptr<const mail::EnrichedPayload> handed_on_;
  std::shared_ptr<const mail::EventPayload<mail::Enriched>> decoded_;
};

}  // namespace

void ScoreStep::ask(const flow::Delivery& delivery, flow::Questions& questions) {
  const auto input = Input::read(codec_, delivery.record);
  if (!input.ok() || !input->is_message()) return;  // process() reports what cannot be read
  questions.ask(trust::questions(input->view()));
  if (delivery.record.attempt > 0)
    questions.ask(trust::record_key(input->view().received.tenant, input->view().received.id));
}

Status ScoreStep::process(const flow::Delivery& delivery, const flow::Answers& answers,
                          const flow::Context& context, flow::Output& output) {
  BONAFIDE_ASSIGN(const auto input, Input::read(codec_, delivery.record));
  mail::Scored scored = input.scored(context.attempt);
  if (input.is_message() && context.attempt > 0) {
    const auto& known = answers.back();
    if (known == nullptr)
      return {Cause::unavailable, "what is known of its revisions did not come in time; retry it"};
    // Put back twice by a crash in between: the first one has made this revision.
    if (trust::MessageRecord::of(*known).revisions >= context.attempt) return Ok{};
    scored.made_by = mail::MadeBy::retry;
    scored.taught = "none";  // parked messages teach nothing (trust/learn.hpp)
  }
  if (input.is_message()) scored.score = trust::score(input.view(), answers, *model_);
  scored.received.hops.push_back({"score", context.now, context.now});
  trust::emit(codec_, std::move(scored), output);
  return Ok{};
}

void ScoreStep::fallback(const flow::Delivery& delivery, const Error& error, const flow::Context& context,
                         flow::Output& output) {
  mail::Scored scored;
  if (const auto input = Input::read(codec_, delivery.record); input.ok()) {
    scored = input->scored(context.attempt);
  } else if (const auto received = codec_.read<mail::Received>(delivery.record); received.ok()) {
    scored.received = (*received)->event;  // an earlier step of the same worker failed
  } else {
    return;  // not even its id can be read: the parked record is all there is
  }
  scored.revision = context.attempt;
  if (context.attempt > 0) scored.made_by = mail::MadeBy::retry;
  scored.taught = "none";
  scored.score.trust = 50;
  scored.score.verdict = mail::Verdict::suspicious;
  scored.score.attack = mail::Attack::unknown;
  scored.score.lesson = "none";
  scored.score.reasons.push_back({"could not be scored; the message is parked", 0});
  scored.failure = error.message;
  trust::emit(codec_, std::move(scored), output);
}

Result<std::vector<flow::Delta>> HistoryFold::deltas(const flow::Record& record) {
  BONAFIDE_ASSIGN(const auto scored, codec_.read<mail::Scored>(record));
  // Put back for a sink that had parked it: what it stands for was counted where it was written first.
  if (record.attempt > 0 && scored->event.made_by == mail::MadeBy::door) return std::vector<flow::Delta>();
  return trust::deltas(scored->event);
}

}  // namespace bonafide::steps
