#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace bonafide::mail {

/// A date-time as mail writes it.
struct MailDate {
  Time time;
  std::optional<int32_t>
      offset_minutes;  ///< of the time zone; none for "-0000" and zones nobody knows (RFC 5322 3.3)
};

/// Reads a date-time of RFC 5322 3.3 with its obsolete forms (years of two digits, named zones, comments),
/// and what is seen besides: no seconds, the day's name anywhere or missing, "Jan 9 12:22:47 2003",
/// "GMT+0100". Years 1970 to 9999. Nothing if it cannot be read.
std::optional<MailDate> parse_mail_date(std::string_view text);

}  // namespace bonafide::mail
