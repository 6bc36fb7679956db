#include "steps/feedback/feedback.hpp"

#include "trust/emit.hpp"
#include "trust/revise.hpp"

namespace bonafide::steps {

void FeedbackStep::ask(const flow::Delivery& delivery, flow::Questions& questions) {
  const auto feedback = codec_.read<mail::Feedback>(delivery.record);
  if (!feedback.ok()) return;  // process() reports what cannot be read
  questions.ask(trust::record_key((*feedback)->event.tenant, (*feedback)->event.id));
}

Status FeedbackStep::process(const flow::Delivery& delivery, const flow::Answers& answers,
                             const flow::Context& context, flow::Output& output) {
  BONAFIDE_ASSIGN(const auto read, codec_.read<mail::Feedback>(delivery.record));
  const mail::Feedback& feedback = read->event;
  mail::Scored row;
  if (const Status sound = codec_.decode(feedback.row.data, row); !sound.ok())
    return sound.error().in("the row that was judged");
  if (row.received.id != feedback.id || row.received.tenant != feedback.tenant)
    return {Cause::invalid, "the row is not that of " + feedback.id.hex()};
  if (row.received.kind != mail::Kind::message || !row.failure.empty() ||
      feedback.judgement == mail::Judgement::none)
    return {Cause::invalid, "there is nothing to be judged: " + feedback.id.hex() + " has not been scored"};
  if (answers.front() == nullptr)
    return {Cause::unavailable, "what is known of its revisions did not come in time; retry it"};
  const auto record = trust::MessageRecord::of(*answers.front());
  if (record.judgement == feedback.judgement) return Ok{};
  mail::Scored next = trust::judged(row, record, feedback.judgement, feedback.judged_at);
  trust::emit_revision(codec_, std::move(next), "feedback", context.now, output);
  return Ok{};
}

}  // namespace bonafide::steps
