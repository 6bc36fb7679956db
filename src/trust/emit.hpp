#pragma once
#include <algorithm>
#include <memory>
#include <utility>

#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "trust/learn.hpp"

namespace bonafide::trust {

/// How every step ends that writes mail.scored: what the event teaches is observed with it.
inline void emit(const mail::EventCodec& codec, mail::Scored scored, flow::Output& output) {
  for (auto& delta : deltas(scored)) output.observe(std::move(delta));
  output.emit(std::make_shared<const mail::EventPayload<mail::Scored>>(codec, std::move(scored)));
}

/// A further revision by `step`, whose hop the event then has once, however many revisions it made.
inline void emit_revision(const mail::EventCodec& codec, mail::Scored next, const char* step, Time now,
                          flow::Output& output) {
  auto& hops = next.received.hops;
  std::erase_if(hops, [step](const mail::HopTime& hop) { return hop.hop == step; });
  hops.push_back({step, now, now});
  emit(codec, std::move(next), output);
}

}  // namespace bonafide::trust
