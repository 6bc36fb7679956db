#pragma once
#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

namespace bonafide {

/// The id of an event: 128 bits, 48 of milliseconds of first acceptance (big-endian), 80 of an HMAC.
/// Byte order is time order. Text form: 32 lower-case hex digits.
struct EventId {
  std::array<char, 16> bytes{};

  static EventId make(Time accepted_at, ByteView ten_random_bytes) {
    EventId id;
    const auto millis = static_cast<uint64_t>(accepted_at.millis());
    for (int i = 0; i < 6; ++i) id.bytes[static_cast<size_t>(i)] = static_cast<char>(millis >> (40 - 8 * i));
    std::memcpy(id.bytes.data() + 6, ten_random_bytes.data(), 10);
    return id;
  }
  /// The smallest id accepted at `time`: for ranges.
  static EventId lowest(Time time) { return make(time, std::string_view("\0\0\0\0\0\0\0\0\0\0", 10)); }
  static Result<EventId> from_bytes(ByteView raw) {
    EventId id;
    if (raw.size() != id.bytes.size()) return {Cause::invalid, "an event id has 16 bytes"};
    std::memcpy(id.bytes.data(), raw.data(), raw.size());
    return id;
  }
  static Result<EventId> parse(std::string_view hex) {
    auto raw = from_hex(hex);
    if (hex.size() != 32 || !raw.ok()) {
      return {Cause::invalid,
              "\"" + std::string(hex.substr(0, 64)) + "\" is not an event id (32 hex digits)"};
    }
    return from_bytes(*raw);
  }

  [[nodiscard]] ByteView view() const { return {bytes.data(), bytes.size()}; }
  [[nodiscard]] std::string hex() const { return to_hex(view()); }
  [[nodiscard]] Time accepted_at() const {
    return Time::from_millis(static_cast<int64_t>(load_be64(bytes.data()) >> 16));
  }
  friend bool operator==(const EventId& a, const EventId& b) { return a.view() == b.view(); }
  friend auto operator<=>(const EventId& a, const EventId& b) { return a.view() <=> b.view(); }
};

}  // namespace bonafide

template <>
struct std::hash<bonafide::EventId> {
  size_t operator()(const bonafide::EventId& id) const noexcept {
    return bonafide::load_le<uint64_t>(id.bytes.data() + 8);
  }
};
