#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bonafide {

/// A span of time in microseconds.
struct Duration {
  int64_t us = 0;

  static constexpr Duration micros(int64_t n) { return {n}; }
  static constexpr Duration millis(int64_t n) { return {n * 1000}; }
  static constexpr Duration seconds(int64_t n) { return {n * 1'000'000}; }
  static constexpr Duration minutes(int64_t n) { return seconds(n * 60); }
  static constexpr Duration hours(int64_t n) { return seconds(n * 3600); }
  static constexpr Duration days(int64_t n) { return seconds(n * 86'400); }

  [[nodiscard]] constexpr double in_seconds() const { return static_cast<double>(us) / 1e6; }
  [[nodiscard]] constexpr int64_t in_millis() const { return us / 1000; }
  constexpr auto operator<=>(const Duration&) const = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.us + b.us}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.us - b.us}; }
  friend constexpr Duration operator*(Duration a, int64_t n) { return {a.us * n}; }
};

/// A moment: microseconds since 1970-01-01T00:00:00Z, negative before.
struct Time {
  int64_t us = 0;

  static constexpr Time from_seconds(int64_t s) { return {s * 1'000'000}; }
  static constexpr Time from_millis(int64_t ms) { return {ms * 1000}; }
  [[nodiscard]] constexpr int64_t millis() const { return floor_div(us, 1000); }
  [[nodiscard]] constexpr int64_t seconds() const { return floor_div(us, 1'000'000); }
  [[nodiscard]] constexpr int64_t minute() const { return floor_div(us, 60'000'000); }
  /// Whole days since the epoch, UTC.
  [[nodiscard]] constexpr int64_t day() const { return floor_div(us, 86'400'000'000); }
  constexpr auto operator<=>(const Time&) const = default;
  friend constexpr Time operator+(Time t, Duration d) { return {t.us + d.us}; }
  friend constexpr Time operator-(Time t, Duration d) { return {t.us - d.us}; }
  friend constexpr Duration operator-(Time a, Time b) { return {a.us - b.us}; }

 private:
  static constexpr int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
};

/// A date of the proleptic Gregorian calendar with a time of day, UTC.
struct Civil {
  int64_t year = 1970;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0, micros = 0;
};

Civil to_civil(Time time);
Time from_civil(const Civil& civil);
/// RFC 3339 in UTC, e.g. "2026-01-02T03:04:05Z"; with a fraction of 3 or 6 digits where there is one.
std::string format_rfc3339(Time time);
/// RFC 3339 with any offset. Errors: invalid.
Result<Time> parse_rfc3339(std::string_view text);
/// "1h", "90s", "250ms", "7d": a number and one of us, ms, s, m, h, d. Errors: invalid.
Result<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration duration);

}  // namespace bonafide
