#pragma once
#include "base/current.hpp"
#include "env/clock.hpp"
#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "trust/enrich.hpp"

namespace bonafide::steps {

/// mail.received → mail.enriched: what follows from the facts, the reference data and the tenant's directory
/// alone. Asks no history. Each message sees one whole value of them.
class EnrichStep final : public flow::Processor {
 public:
  EnrichStep(const mail::EventCodec& codec, const Current<trust::ReferenceData>& reference,
             const Current<trust::Directories>& directories)
      : codec_(codec), reference_(reference), directories_(directories) {}

  Status process(const flow::Delivery& delivery, const flow::Answers& answers, const flow::Context& context,
                 flow::Output& output) override;

 private:
  const mail::EventCodec& codec_;
  const Current<trust::ReferenceData>& reference_;
  const Current<trust::Directories>& directories_;
};

}  // namespace bonafide::steps
