#pragma once
#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "mail/revision.hpp"

namespace bonafide::steps {

/// mail.feedback → mail.scored: a judgement becomes a new revision of the row, with the score as it was; its
/// fold (trust/learn.hpp) teaches what the judgement says and takes back what the one before has taught. The
/// last one that arrives counts. A judgement that stands already changes nothing and makes no revision,
/// however often it comes.
///
/// Runs on the worker of score, which is the one that writes mail.scored.
class FeedbackStep final : public flow::Processor {
 public:
  explicit FeedbackStep(const mail::EventCodec& codec) : codec_(codec) {}

  void ask(const flow::Delivery& delivery, flow::Questions& questions) override;
  Status process(const flow::Delivery& delivery, const flow::Answers& answers, const flow::Context& context,
                 flow::Output& output) override;

 private:
  const mail::EventCodec& codec_;
};

}  // namespace bonafide::steps
