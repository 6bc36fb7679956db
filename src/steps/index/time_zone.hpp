#pragma once
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace bonafide::steps {

/// A time zone of the IANA data base, as ICU knows it.
class TimeZone {
 public:
  /// "Europe/Berlin", "UTC". Errors: invalid (there is none; names one that is likely meant).
  static Result<TimeZone> find(const std::string& name);
  ~TimeZone();
  TimeZone(TimeZone&&) noexcept;
  TimeZone& operator=(TimeZone&&) noexcept;

  /// What is added to UTC at that moment.
  [[nodiscard]] Duration offset(Time at) const;
  /// "2026-03-29"
  [[nodiscard]] std::string day(Time at) const;
  /// The hour's begin with its offset: "2026-03-29T03:00:00+02:00", "…Z" where it is zero.
  [[nodiscard]] std::string hour(Time at) const;

 private:
  struct Zone;
  explicit TimeZone(std::unique_ptr<Zone> zone);
  std::unique_ptr<Zone> zone_;
};

}  // namespace bonafide::steps
