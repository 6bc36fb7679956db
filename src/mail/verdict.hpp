#pragma once
#include "mail/event.hpp"

namespace bonafide::mail {

/// A verdict as rows, search, exports and answers show it. Mail that the tenant's own servers sent (outbound,
/// internal) is not judged: it has none, whatever stands in the event's score.
enum class ShownVerdict : uint8_t { trusted, suspicious, untrusted, none };

constexpr ShownVerdict shown(Direction direction, Verdict verdict) {
  return direction == Direction::inbound ? static_cast<ShownVerdict>(verdict) : ShownVerdict::none;
}
inline ShownVerdict shown_verdict(const Scored& scored) {
  return shown(scored.received.direction, scored.score.verdict);
}

}  // namespace bonafide::mail

template <>
struct bonafide::avro::EnumSymbols<bonafide::mail::ShownVerdict> {
  static constexpr std::string_view name = "Verdict";
  static constexpr std::array<std::string_view, 4> symbols = {"trusted", "suspicious", "untrusted", "none"};
  static constexpr std::string_view default_symbol = "suspicious";
};
