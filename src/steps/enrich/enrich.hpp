#pragma once
#include "env/clock.hpp"
#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "trust/enrich.hpp"

namespace bonafide::steps {

/// mail.received → mail.enriched: what follows from the facts and the reference data alone. Asks no history.
class EnrichStep final : public flow::Processor {
 public:
  EnrichStep(const mail::EventCodec& codec, std::shared_ptr<const trust::ReferenceData> reference)
      : codec_(codec), reference_(std::move(reference)) {}

  Status process(const flow::Delivery& delivery, const flow::Answers& answers, const flow::Context& context,
                 flow::Output& output) override;

 private:
  const mail::EventCodec& codec_;
  std::shared_ptr<const trust::ReferenceData> reference_;
};

}  // namespace bonafide::steps
