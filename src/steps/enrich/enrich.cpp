#include "steps/enrich/enrich.hpp"

namespace bonafide::steps {

Status EnrichStep::process(const flow::Delivery& delivery, const flow::Answers&, const flow::Context& context,
                           flow::Output& output) {
  BONAFIDE_ASSIGN(const auto received, codec_.read<mail::Received>(delivery.record));
  mail::Enriched enriched;
  enriched.received = received->event;
  enriched.received.hops.push_back({"enrich", context.now, context.now});
  if (enriched.received.kind == mail::Kind::message) {
    enriched.enrichment = trust::enrich(enriched.received, *reference_);
  }
  output.emit(std::make_shared<const mail::EventPayload<mail::Enriched>>(codec_, std::move(enriched)));
  return Ok{};
}

}  // namespace bonafide::steps
