#include "steps/index/time_zone.hpp"

#include <cstdio>
#include <vector>

#include <unicode/strenum.h>
#include <unicode/timezone.h>
#include <unicode/unistr.h>

#include "base/text.hpp"

namespace bonafide::steps {

struct TimeZone::Zone {
  std::unique_ptr<icu::TimeZone> icu;
};

namespace {

std::string likely_name(const std::string& name) {
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<icu::StringEnumeration> all(
      icu::TimeZone::createTimeZoneIDEnumeration(UCAL_ZONE_TYPE_ANY, nullptr, nullptr, error));
  std::vector<std::string> names;
  while (U_SUCCESS(error) && all != nullptr) {
    const char* next = all->next(nullptr, error);
    if (next == nullptr) break;
    names.emplace_back(next);
  }
  // "Berlin" is enough to know what is meant.
  for (const auto& known : names) {
    const size_t slash = known.rfind('/');
    if (slash != std::string::npos && equals_ignoring_case(known.substr(slash + 1), name)) return known;
  }
  return closest(name, names);
}

}  // namespace

TimeZone::TimeZone(std::unique_ptr<Zone> zone) : zone_(std::move(zone)) {}
TimeZone::~TimeZone() = default;
TimeZone::TimeZone(TimeZone&&) noexcept = default;
TimeZone& TimeZone::operator=(TimeZone&&) noexcept = default;

Result<TimeZone> TimeZone::find(const std::string& name) {
  const auto id = icu::UnicodeString::fromUTF8(name);
  icu::UnicodeString canonical;
  UBool known = 0;
  UErrorCode error = U_ZERO_ERROR;
  icu::TimeZone::getCanonicalID(id, canonical, known, error);
  if (U_FAILURE(error) || known == 0 || name.size() > 64) {
    const std::string likely = likely_name(name.substr(0, 64));
    return Error{Cause::invalid,
                 "there is no time zone \"" + clean_text(name, 64) + "\"; " +
                     (likely.empty() ? "write a name like Europe/Berlin" : "do you mean " + likely + "?")};
  }
  auto zone = std::make_unique<Zone>();
  zone->icu.reset(icu::TimeZone::createTimeZone(id));
  return TimeZone(std::move(zone));
}

Duration TimeZone::offset(Time at) const {
  int32_t raw = 0, summer = 0;
  UErrorCode error = U_ZERO_ERROR;
  zone_->icu->getOffset(static_cast<UDate>(at.millis()), 0, raw, summer, error);
  return Duration::millis(U_SUCCESS(error) ? int64_t{raw} + summer : 0);
}

std::string TimeZone::day(Time at) const { return format_rfc3339(at + offset(at)).substr(0, 10); }

std::string TimeZone::hour(Time at) const {
  const Duration ahead = offset(at);
  std::string text = format_rfc3339(at + ahead).substr(0, 13) + ":00:00";
  const int64_t minutes = ahead.us / 60'000'000;
  if (minutes == 0) return text + "Z";
  char sign[16];
  const int64_t size = minutes < 0 ? -minutes : minutes;
  std::snprintf(sign, sizeof sign, "%c%02d:%02d", minutes < 0 ? '-' : '+', static_cast<int>(size / 60 % 100),
                static_cast<int>(size % 60));
  return text + sign;
}

}  // namespace bonafide::steps
