#include "steps/enrich/enrich.hpp"

#include "mail/enriched.hpp"

namespace bonafide::steps {

Status EnrichStep::process(const flow::Delivery& delivery, const flow::Answers&, const flow::Context& context,
                           flow::Output& output) {
  BONAFIDE_ASSIGN(auto received, codec_.read<mail::Received>(delivery.record));
  mail::Enrichment enrichment;
  if (received->event.kind == mail::Kind::message) {
    const auto reference = reference_.get();
    const auto directories = directories_.get();
    enrichment = trust::enrich(received->event, *reference, directories->of(received->event.tenant));
  }
  output.emit(std::make_shared<const mail::EnrichedPayload>(
      codec_, std::move(received), mail::HopTime{"enrich", context.now, context.now}, std::move(enrichment)));
  return Ok{};
}

}  // namespace bonafide::steps
