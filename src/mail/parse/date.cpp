#include "mail/parse/date.hpp"

#include <array>

#include "base/text.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t max_date_bytes = 200;
constexpr int32_t max_offset_minutes = 24 * 60;

struct Zone {
  std::string_view name;
  int32_t minutes;
};
// RFC 5322 4.3, and the European and Asian ones that mailers write.
constexpr std::array<Zone, 22> zones = {
    {{"ut", 0},     {"gmt", 0},    {"utc", 0},    {"z", 0},      {"est", -300}, {"edt", -240},
     {"cst", -360}, {"cdt", -300}, {"mst", -420}, {"mdt", -360}, {"pst", -480}, {"pdt", -420},
     {"wet", 0},    {"bst", 60},   {"met", 60},   {"mez", 60},   {"cet", 60},   {"cest", 120},
     {"eet", 120},  {"msk", 180},  {"jst", 540},  {"kst", 540}}};

// 1 to 12 for a word that begins with the name of a month, else 0.
int month_of(std::string_view word) {
  static constexpr std::string_view names = "jan feb mar apr may jun jul aug sep oct nov dec ";
  if (word.size() < 3) return 0;
  const std::array<char, 3> begin = {ascii_lower(word[0]), ascii_lower(word[1]), ascii_lower(word[2])};
  for (size_t i = 0; i < names.size(); i += 4) {
    if (begin[0] == names[i] && begin[1] == names[i + 1] && begin[2] == names[i + 2])
      return static_cast<int>(i / 4) + 1;
  }
  return 0;
}

int days_in(int64_t year, int month) {
  static constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[static_cast<size_t>(month - 1)];
}

// Reads tokens one after the other; each has one meaning by its shape.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  std::optional<MailDate> read() {
    while (!failed_ && next()) {
    }
    if (failed_ || day_ == 0 || month_ == 0 || year_ < 0 || !has_time_) return std::nullopt;
    if (year_digits_ == 2) year_ += year_ < 50 ? 2000 : 1900;  // RFC 5322 4.3
    if (year_digits_ > 2 && year_ < 1000) year_ += 1900;       // "102" and "0102": years since 1900
    if (year_ < 1970 || year_ > 9999 || day_ > days_in(year_, month_)) return std::nullopt;
    const Time local = from_civil({year_, month_, day_, hour_, minute_, second_, 0});
    return MailDate{local - Duration::minutes(offset_.value_or(0)), known_ ? offset_ : std::nullopt};
  }

 private:
  bool next() {
    while (!rest_.empty() && (is_space(rest_[0]) || rest_[0] == ',' || rest_[0] == '.'))
      rest_.remove_prefix(1);
    if (rest_.empty()) return false;
    const char c = rest_[0];
    if (c == '(') return skip_comment();
    if (is_digit(c)) return number();
    if (is_alpha(c)) return word();
    if ((c == '+' || c == '-') && has_time_) return zone_number();
    if (c == '-' || c == '/' || c == '"') {
      rest_.remove_prefix(1);
      return true;
    }
    failed_ = !has_time_;  // what follows a whole date does not matter
    return false;
  }

  bool skip_comment() {
    int depth = 0;
    size_t at = 0;
    for (; at < rest_.size(); ++at) {
      if (rest_[at] == '(') ++depth;
      if (rest_[at] == ')' && --depth == 0) break;
    }
    rest_.remove_prefix(std::min(at + 1, rest_.size()));
    return true;
  }

  int take_digits(int& count) {
    int value = 0;
    for (count = 0; count < 6 && !rest_.empty() && is_digit(rest_[0]); ++count) {
      value = value * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

  bool number() {
    int count = 0;
    const int value = take_digits(count);
    if (!rest_.empty() && rest_[0] == ':' && !has_time_) return time(value, ':');
    // "03.24.50" where a time is due.
    if (rest_.size() > 5 && rest_[0] == '.' && rest_[3] == '.' && !has_time_ && day_ != 0)
      return time(value, '.');
    if (count == 4 && day_ == 0 && month_ == 0 && year_ < 0 && !rest_.empty() && rest_[0] == '-')
      return iso_date(value);
    if (day_ == 0 && count <= 2 && value >= 1 && value <= 31) {
      day_ = value;
    } else if (year_ < 0 && count >= 2 && count <= 4) {
      year_ = value;
      year_digits_ = count;
    } else {
      failed_ = !has_time_;
      return false;
    }
    return true;
  }

  // "2003-01-09", maybe with "T" after it.
  bool iso_date(int year) {
    int count = 0;
    year_ = year;
    year_digits_ = 4;
    rest_.remove_prefix(1);
    month_ = take_digits(count);
    if (rest_.empty() || rest_[0] != '-') return fail();
    rest_.remove_prefix(1);
    day_ = take_digits(count);
    if (!rest_.empty() && ascii_lower(rest_[0]) == 't') rest_.remove_prefix(1);
    return month_ >= 1 && month_ <= 12 && day_ >= 1 ? true : fail();
  }

  bool fail() {
    failed_ = true;
    return false;
  }

  bool time(int hour, char separator) {
    int count = 0;
    hour_ = hour;
    rest_.remove_prefix(1);
    minute_ = take_digits(count);
    if (count == 0) return fail();
    if (!rest_.empty() && rest_[0] == separator) {
      rest_.remove_prefix(1);
      second_ = take_digits(count);
    }
    if (!rest_.empty() && rest_[0] == '.') {
      rest_.remove_prefix(1);
      take_digits(count);
    }
    has_time_ = true;
    return hour_ <= 23 && minute_ <= 59 && second_ <= 60 ? true : fail();
  }

  bool word() {
    size_t length = 0;
    while (length < rest_.size() && is_alpha(rest_[length])) ++length;
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length);
    if (const int month = month_ == 0 ? month_of(word) : 0; month != 0) {
      month_ = month;
    } else if (has_time_ && equals_ignoring_case(word, "pm")) {
      if (hour_ < 12) hour_ += 12;
    } else if (has_time_ && equals_ignoring_case(word, "am")) {
      if (hour_ == 12) hour_ = 0;
    } else if (has_time_ && !offset_) {
      zone_name(word);
    }
    return true;  // names of days, and whatever else somebody wrote
  }

  void zone_name(std::string_view name) {
    for (const auto& zone : zones) {
      if (!equals_ignoring_case(name, zone.name)) continue;
      // "GMT+0100" is meant as +0100.
      if (!rest_.empty() && (rest_[0] == '+' || rest_[0] == '-')) return;
      offset_ = zone.minutes;
      known_ = true;
    }
  }

  bool zone_number() {
    const bool negative = rest_[0] == '-';
    rest_.remove_prefix(1);
    int count = 0, minutes = 0;
    int value = take_digits(count);
    if (!rest_.empty() && rest_[0] == ':' && count <= 2) {
      rest_.remove_prefix(1);
      int more = 0;
      minutes = take_digits(more);
    } else if (count > 2) {
      minutes = value % 100;
      value /= 100;
    }
    const int32_t offset = value * 60 + minutes;
    if (count == 0 || offset_) return true;
    if (offset > max_offset_minutes || minutes > 59)
      return true;  // nobody lives there: as if none were given
    offset_ = negative ? -offset : offset;
    known_ = !negative || offset != 0;
    return true;
  }

  std::string_view rest_;
  bool failed_ = false, has_time_ = false, known_ = false;
  int64_t year_ = -1;
  int year_digits_ = 0, month_ = 0, day_ = 0, hour_ = 0, minute_ = 0, second_ = 0;
  std::optional<int32_t> offset_;
};

}  // namespace

std::optional<MailDate> parse_mail_date(std::string_view text) {
  return DateReader(text.substr(0, max_date_bytes)).read();
}

}  // namespace bonafide::mail
