#pragma once
#include <map>
#include <memory>

#include "base/current.hpp"
#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "mail/revision.hpp"
#include "trust/enrich.hpp"
#include "trust/model.hpp"

namespace bonafide::steps {

/// mail.reprocess → mail.scored: a stored message with today's code, model and reference data, as a new
/// revision. It teaches nothing, and a judgement that stands, stands on. Each run takes a message once.
///
/// From score on, the evidence is what was read when the message came. From enrich on, identities and traits
/// are made anew, and the histories are read as they stand now, without what the message itself taught.
///
/// Runs on the worker of score, which is the one that writes mail.scored.
class ReprocessStep final : public flow::Processor {
 public:
  ReprocessStep(const mail::EventCodec& codec, const Current<trust::ReferenceData>& reference,
                const Current<trust::Directories>& directories, std::shared_ptr<const trust::Model> model)
      : codec_(codec), reference_(reference), directories_(directories), model_(std::move(model)) {}

  void ask(const flow::Delivery& delivery, flow::Questions& questions) override;
  Status process(const flow::Delivery& delivery, const flow::Answers& answers, const flow::Context& context,
                 flow::Output& output) override;

 private:
  [[nodiscard]] mail::Enrichment enrich(const mail::Received& received) const;

  const mail::EventCodec& codec_;
  const Current<trust::ReferenceData>& reference_;
  const Current<trust::Directories>& directories_;
  std::shared_ptr<const trust::Model> model_;
  /// What the histories were asked for: reference data may be replaced before the answers come.
  std::map<flow::Position, mail::Enrichment> asked_;
};

}  // namespace bonafide::steps
