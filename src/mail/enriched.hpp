#pragma once
#include <memory>
#include <string>
#include <utility>

#include "mail/codec.hpp"

namespace bonafide::mail {

/// An enriched message and its parts, wherever they stand. Valid as long as those are.
struct EnrichedView {
  EnrichedView(const Received& r, const Enrichment& e) : received(r), enrichment(e) {}
  EnrichedView(const Enriched& whole)
      : EnrichedView(whole.received, whole.enrichment) {}  // NOLINT(*explicit*)
  const Received& received;
  const Enrichment& enrichment;
};

/// mail.enriched between fused steps: the received event as it was handed on, and what was found out. It is
/// put together only where it crosses a hop, so that the facts are not copied once more.
class EnrichedPayload final : public flow::Payload {
 public:
  using ReceivedPayload = EventPayload<Received>;
  EnrichedPayload(const EventCodec& codec, std::shared_ptr<const ReceivedPayload> received, HopTime hop,
                  Enrichment enrichment)
      : codec_(codec),
        received_(std::move(received)),
        hop_(std::move(hop)),
        enrichment_(std::move(enrichment)) {}

  void encode(std::string& out) const override {
    Enriched whole{received_->event, enrichment_};
    whole.received.hops.push_back(hop_);
    codec_.encode(whole, out);
  }
  [[nodiscard]] EnrichedView view() const { return {received_->event, enrichment_}; }
  /// The hop that view().received does not have yet.
  [[nodiscard]] const HopTime& hop() const { return hop_; }

 private:
  const EventCodec& codec_;
  std::shared_ptr<const ReceivedPayload> received_;
  HopTime hop_;
  Enrichment enrichment_;
};

}  // namespace bonafide::mail
