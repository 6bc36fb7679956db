#pragma once
#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "trust/model.hpp"

namespace bonafide::steps {

/// mail.enriched → mail.scored: trust, verdict and reasons from the histories of the identities a message may
/// be from, and what it teaches. Heartbeats pass through and teach nothing.
class ScoreStep final : public flow::Processor {
 public:
  ScoreStep(const mail::EventCodec& codec, std::shared_ptr<const trust::Model> model)
      : codec_(codec), model_(std::move(model)) {}

  void ask(const flow::Delivery& delivery, flow::Questions& questions) override;
  Status process(const flow::Delivery& delivery, const flow::Answers& answers, const flow::Context& context,
                 flow::Output& output) override;
  /// "suspicious: could not be scored", at once: with the facts where they can be read (invariant 5).
  void fallback(const flow::Delivery& delivery, const Error& error, const flow::Context& context,
                flow::Output& output) override;

 private:
  const mail::EventCodec& codec_;
  std::shared_ptr<const trust::Model> model_;
};

/// History as a fold over mail.scored: the deltas of an encoded record, for a state that is behind or lost.
class HistoryFold final : public flow::Fold {
 public:
  explicit HistoryFold(const mail::EventCodec& codec) : codec_(codec) {}
  Result<std::vector<flow::Delta>> deltas(const flow::Record& record) override;

 private:
  const mail::EventCodec& codec_;
};

}  // namespace bonafide::steps
