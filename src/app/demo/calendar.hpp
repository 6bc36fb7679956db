#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "app/demo/dice.hpp"
#include "base/time.hpp"

// Local time for the simulated people: zones with summer time, and when in a day somebody writes.
namespace bonafide::app::demo {

enum class Zone : uint8_t {
  utc,
  london,
  berlin,
  helsinki,
  new_york,
  chicago,
  sao_paulo,
  lagos,
  dubai,
  kolkata,
  tokyo
};

/// Minutes east of UTC at a moment, by the summer-time rules of 2007 (US) and 1996 (EU).
int offset_minutes(Zone zone, Time at);
/// "CET", "EDT" …; "" where the zone has no usual one.
std::string_view abbreviation(Zone zone, Time at);
/// The moment a zone's clock shows `minute` of `day` (days since 1970-01-01).
Time from_local(Zone zone, int64_t day, int64_t minute);
int64_t local_day(Zone zone, Time at);
int local_minute(Zone zone, Time at);
/// 0 = Monday.
constexpr int weekday(int64_t day) { return static_cast<int>(((day + 3) % 7 + 7) % 7); }

/// RFC 5322 3.3, e.g. "Tue, 05 Nov 2024 10:12:13 +0100"; `padded` false: "Tue, 5 Nov …".
void append_date(std::string& out, Time at, int offset, bool padded = true);

/// When in a day somebody, or something, sends.
enum class Rhythm : uint8_t { office, early, late, home, machine, business };
/// Minute of the day, drawn by the rhythm.
int64_t draw_minute(Dice& dice, Rhythm rhythm);
/// Share of a usual day's mail that a day of the week brings, in thousandths.
int64_t day_share(Rhythm rhythm, int64_t day);
/// Does one who keeps this rhythm read mail at this time of the day?
bool awake(Rhythm rhythm, int64_t day, int64_t minute);

}  // namespace bonafide::app::demo
