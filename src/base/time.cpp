#include "base/time.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace bonafide {
namespace {

// Days since 1970-01-01 of a civil date, and back: the era arithmetic of the Gregorian calendar
// (400 years = 146,097 days; years counted from March so that the leap day comes last).
constexpr int64_t days_per_era = 146'097;

int64_t days_from_civil(int64_t year, int month, int day) {
  const int64_t shifted = month <= 2 ? year - 1 : year;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
  const int64_t year_of_era = shifted - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * days_per_era + day_of_era - 719'468;
}

bool digits(std::string_view text, size_t at, size_t count, int& out) {
  if (at + count > text.size()) return false;
  int value = 0;
  for (size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  out = value;
  return true;
}

Error bad_time(std::string_view text) {
  return {Cause::invalid, "\"" + std::string(text.substr(0, 64)) +
                              "\" is not an RFC 3339 time; write e.g. 2026-01-02T03:04:05Z"};
}

}  // namespace

Civil to_civil(Time time) {
  const int64_t days = time.day();
  int64_t rest = time.us - days * 86'400'000'000;
  const int64_t shifted = days + 719'468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - (days_per_era - 1)) / days_per_era;
  const int64_t day_of_era = shifted - era * days_per_era;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  Civil civil;
  civil.day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  civil.month = static_cast<int>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  civil.year = year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0);
  civil.micros = static_cast<int>(rest % 1'000'000);
  rest /= 1'000'000;
  civil.second = static_cast<int>(rest % 60);
  civil.minute = static_cast<int>(rest / 60 % 60);
  civil.hour = static_cast<int>(rest / 3600);
  return civil;
}

Time from_civil(const Civil& c) {
  const int64_t days = days_from_civil(c.year, c.month, c.day);
  return {((days * 24 + c.hour) * 60 + c.minute) * 60'000'000 + int64_t{c.second} * 1'000'000 + c.micros};
}

std::string format_rfc3339(Time time) {
  const Civil c = to_civil(time);
  std::array<char, 48> buffer{};
  int n = std::snprintf(buffer.data(), buffer.size(), "%04lld-%02d-%02dT%02d:%02d:%02d",
                        static_cast<long long>(c.year), c.month, c.day, c.hour, c.minute, c.second);
  if (c.micros % 1000 != 0) {
    n += std::snprintf(buffer.data() + n, buffer.size() - static_cast<size_t>(n), ".%06d", c.micros);
  } else if (c.micros != 0) {
    n += std::snprintf(buffer.data() + n, buffer.size() - static_cast<size_t>(n), ".%03d", c.micros / 1000);
  }
  return std::string(buffer.data(), static_cast<size_t>(n)) + "Z";
}

Result<Time> parse_rfc3339(std::string_view text) {
  int year = 0;
  Civil c;
  const bool shaped = digits(text, 0, 4, year) && digits(text, 5, 2, c.month) && digits(text, 8, 2, c.day) &&
                      digits(text, 11, 2, c.hour) && digits(text, 14, 2, c.minute) &&
                      digits(text, 17, 2, c.second) && text[4] == '-' && text[7] == '-' &&
                      (text[10] == 'T' || text[10] == 't' || text[10] == ' ') && text[13] == ':' &&
                      text[16] == ':';
  if (!shaped || c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31 || c.hour > 23 || c.minute > 59 ||
      c.second > 60) {
    return bad_time(text);
  }
  c.year = year;
  size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    int scale = 100'000;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      c.micros += (text[at] - '0') * scale;
      scale /= 10;
    }
  }
  if (at >= text.size()) return bad_time(text);
  int64_t offset_minutes = 0;
  if (text[at] == '+' || text[at] == '-') {
    int hours = 0, minutes = 0;
    if (text.size() != at + 6 || text[at + 3] != ':' || !digits(text, at + 1, 2, hours) ||
        !digits(text, at + 4, 2, minutes)) {
      return bad_time(text);
    }
    offset_minutes = (text[at] == '-' ? -1 : 1) * (int64_t{hours} * 60 + minutes);
  } else if ((text[at] != 'Z' && text[at] != 'z') || text.size() != at + 1) {
    return bad_time(text);
  }
  return from_civil(c) - Duration::minutes(offset_minutes);
}

Result<Duration> parse_duration(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (error == std::errc() && number >= 0 && number < 1'000'000'000) {
    if (unit == "us") return Duration::micros(number);
    if (unit == "ms") return Duration::millis(number);
    if (unit == "s") return Duration::seconds(number);
    if (unit == "m") return Duration::minutes(number);
    if (unit == "h") return Duration::hours(number);
    if (unit == "d" && number < 100'000) return Duration::days(number);
  }
  return {Cause::invalid, "\"" + std::string(text.substr(0, 64)) +
                              "\" is not a duration; write a number and us, ms, s, m, h or d, e.g. 90s"};
}

std::string format_duration(Duration duration) {
  struct Unit {
    int64_t us;
    const char* name;
  };
  static constexpr std::array<Unit, 5> units = {
      {{86'400'000'000, "d"}, {3'600'000'000, "h"}, {60'000'000, "m"}, {1'000'000, "s"}, {1000, "ms"}}};
  for (const auto& unit : units) {
    if (duration.us != 0 && duration.us % unit.us == 0)
      return std::to_string(duration.us / unit.us) + unit.name;
  }
  return std::to_string(duration.us) + "us";
}

}  // namespace bonafide
