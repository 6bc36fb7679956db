#include "app/demo/calendar.hpp"

#include <array>

namespace bonafide::app::demo {
namespace {

enum class Summer : uint8_t { none, eu, us };

struct ZoneRule {
  int offset;
  Summer summer;
  std::string_view winter_name, summer_name;
};

constexpr std::array<ZoneRule, 11> zones{{
    {0, Summer::none, "UTC", "UTC"},
    {0, Summer::eu, "GMT", "BST"},
    {60, Summer::eu, "CET", "CEST"},
    {120, Summer::eu, "EET", "EEST"},
    {-300, Summer::us, "EST", "EDT"},
    {-360, Summer::us, "CST", "CDT"},
    {-180, Summer::none, "", ""},
    {60, Summer::none, "WAT", "WAT"},
    {240, Summer::none, "", ""},
    {330, Summer::none, "IST", "IST"},
    {540, Summer::none, "JST", "JST"},
}};

/// Day of the first Sunday at or after `day`.
int64_t sunday_from(int64_t day) { return day + (6 - weekday(day)); }

int64_t day_of(int64_t year, int month, int day) {
  Civil civil;
  civil.year = year;
  civil.month = month;
  civil.day = day;
  return from_civil(civil).day();
}

bool is_summer(const ZoneRule& rule, Time at) {
  if (rule.summer == Summer::none) return false;
  const int64_t year = to_civil(at).year;
  if (rule.summer == Summer::eu) {  // last Sundays of March and October, 01:00 UTC
    const auto from = Time::from_seconds(sunday_from(day_of(year, 3, 25)) * 86'400 + 3600);
    const auto to = Time::from_seconds(sunday_from(day_of(year, 10, 25)) * 86'400 + 3600);
    return at >= from && at < to;
  }
  // second Sunday of March, first of November, 02:00 by the clock before the change
  const auto from =
      Time::from_seconds(sunday_from(day_of(year, 3, 8)) * 86'400 + 7200 - int64_t{rule.offset} * 60);
  const auto to =
      Time::from_seconds(sunday_from(day_of(year, 11, 1)) * 86'400 + 3600 - int64_t{rule.offset} * 60);
  return at >= from && at < to;
}

constexpr std::array<std::string_view, 7> weekdays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void append_two(std::string& out, int value) {
  out += static_cast<char>('0' + value / 10 % 10);
  out += static_cast<char>('0' + value % 10);
}

// Weight of each hour of the day.
constexpr std::array<std::array<uint16_t, 24>, 6> hours{{
    {0, 0, 0, 0, 0, 0, 4, 25, 90, 130, 125, 105, 60, 85, 120, 115, 95, 60, 22, 10, 8, 6, 3, 1},     // office
    {0, 0, 0, 0, 2, 15, 70, 120, 125, 115, 100, 80, 70, 85, 90, 60, 25, 10, 5, 4, 2, 1, 0, 0},      // early
    {1, 0, 0, 0, 0, 0, 0, 2, 20, 60, 100, 115, 85, 80, 110, 120, 115, 100, 60, 40, 35, 30, 18, 6},  // late
    {6, 2, 1, 0, 0, 2, 12, 30, 40, 40, 42, 45, 55, 45, 40, 42, 50, 65, 80, 95, 100, 85, 50, 20},    // home
    {42, 42, 60, 60, 50, 60, 55, 40, 40, 40, 40, 40,
     40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 42, 42},                                           // machine
    {0, 0, 0, 0, 0, 8, 30, 80, 100, 120, 110, 90, 70, 80, 90, 80, 70, 40, 15, 10, 5, 2, 0, 0},  // business
}};

constexpr std::array<std::array<uint16_t, 7>, 6> shares{{
    {1000, 1050, 1040, 1000, 870, 60, 50},
    {1000, 1030, 1020, 1000, 900, 50, 40},
    {980, 1040, 1050, 1010, 880, 90, 100},
    {900, 900, 920, 950, 950, 1100, 1150},
    {1000, 1000, 1000, 1000, 1000, 950, 950},
    {1000, 1050, 1050, 1000, 850, 120, 80},
}};

}  // namespace

int offset_minutes(Zone zone, Time at) {
  const ZoneRule& rule = zones[static_cast<size_t>(zone)];
  return rule.offset + (is_summer(rule, at) ? 60 : 0);
}

std::string_view abbreviation(Zone zone, Time at) {
  const ZoneRule& rule = zones[static_cast<size_t>(zone)];
  return is_summer(rule, at) ? rule.summer_name : rule.winter_name;
}

Time from_local(Zone zone, int64_t day, int64_t minute) {
  const Time as_utc = Time::from_seconds(day * 86'400 + minute * 60);
  return as_utc - Duration::minutes(offset_minutes(zone, as_utc));
}

int64_t local_day(Zone zone, Time at) { return (at + Duration::minutes(offset_minutes(zone, at))).day(); }

int local_minute(Zone zone, Time at) {
  const Time local = at + Duration::minutes(offset_minutes(zone, at));
  return static_cast<int>(local.minute() - local.day() * 1440);
}

void append_date(std::string& out, Time at, int offset, bool padded) {
  const Civil civil = to_civil(at + Duration::minutes(offset));
  const int64_t day = (at + Duration::minutes(offset)).day();
  out += weekdays[static_cast<size_t>(weekday(day))];
  out += ", ";
  if (padded || civil.day >= 10) {
    append_two(out, civil.day);
  } else {
    out += static_cast<char>('0' + civil.day);
  }
  out += ' ';
  out += months[static_cast<size_t>(civil.month - 1)];
  out += ' ';
  out += std::to_string(civil.year);
  out += ' ';
  append_two(out, civil.hour);
  out += ':';
  append_two(out, civil.minute);
  out += ':';
  append_two(out, civil.second);
  out += offset < 0 ? " -" : " +";
  const int minutes = offset < 0 ? -offset : offset;
  append_two(out, minutes / 60);
  append_two(out, minutes % 60);
}

int64_t draw_minute(Dice& dice, Rhythm rhythm) {
  const auto hour = static_cast<int64_t>(dice.weighted(hours[static_cast<size_t>(rhythm)]));
  return hour * 60 + dice.between(0, 59);
}

int64_t day_share(Rhythm rhythm, int64_t day) {
  return shares[static_cast<size_t>(rhythm)][static_cast<size_t>(weekday(day))];
}

bool awake(Rhythm rhythm, int64_t day, int64_t minute) {
  return day_share(rhythm, day) >= 500 &&
         hours[static_cast<size_t>(rhythm)][static_cast<size_t>(minute / 60)] >= 20;
}

}  // namespace bonafide::app::demo
