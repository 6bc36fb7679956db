#include "control/retention/horizons.hpp"

#include <algorithm>
#include <array>

#include "base/sealed_text.hpp"
#include "base/text.hpp"

namespace bonafide::control {
namespace {

constexpr std::string_view head = "bonafide-retention 1\n";

struct Line {
  std::string_view name;
  Time Horizons::*time;
};
constexpr std::array<Line, 5> lines = {{{"rows", &Horizons::rows},
                                        {"archive", &Horizons::archive},
                                        {"raw", &Horizons::raw},
                                        {"parked", &Horizons::parked},
                                        {"door", &Horizons::door}}};

Time start_of_day(Time time) { return Time{} + Duration::days(time.day()); }

// Where it makes no difference to anybody a horizon moves by whole hours.
Time rounded(Time time, Duration keep) {
  const int64_t step = Duration::minutes(60).us;
  return keep < Duration::days(1) ? time : Time{time.us - time.us % step};
}

// Before which nothing is kept for its age.
Time by_age(const std::optional<Duration>& keep, const RetentionView& view) {
  if (!keep) return Time{};
  return std::min(rounded(view.now - *keep, *keep), view.under_way);
}

// The oldest days go until the rest fits; never the day that is being written, nor one a reader needs.
Time by_size(uint64_t most, const RetentionView& view) {
  if (most == 0) return Time{};
  uint64_t total = 0;
  for (const auto& [day, bytes] : view.archive_days) total += bytes;
  const int64_t last = std::min(view.now, view.under_way).day();
  Time cut;
  for (const auto& [day, bytes] : view.archive_days) {
    if (total <= most || day >= last) break;
    total -= bytes;
    cut = Time{} + Duration::days(day + 1);
  }
  return cut;
}

// Never past a reader, nor past the clock, however large the store is.
Time fitting(Time fit, const RetentionView& view) { return std::min({fit, view.under_way, view.now}); }

}  // namespace

Horizons decide(const RetentionSettings& settings, const RetentionView& view) {
  Horizons next = view.horizons;
  next.rows = std::max({next.rows, by_age(settings.rows, view), fitting(view.rows_fit, view)});
  next.raw = std::max({next.raw, by_age(settings.raw, view), fitting(view.raw_fit, view)});
  next.parked = std::max(next.parked, by_age(settings.parked, view));
  const Time archive = std::max(by_age(settings.archive, view), by_size(settings.archive_bytes, view));
  next.archive = std::max(next.archive, start_of_day(archive));
  next.door = std::max(next.door, std::min({next.rows, next.archive, next.raw}));
  return next;
}

Result<Horizons> read_horizons(env::Files& files, const std::string& path) {
  BONAFIDE_ASSIGN(const std::string text, files.read_file(path));
  const Error damaged = {Cause::damaged, path +
                                             " is damaged: delete it; until retention has run again, verify "
                                             "misses what was removed"};
  const auto sound = unsealed(text);
  if (!sound) return damaged;
  if (!sound->starts_with(head))
    return Error{Cause::invalid, path + ": written by a newer version: run that one"};
  Horizons horizons;
  for (const auto line : split(sound->substr(head.size()), '\n')) {
    if (line.empty()) continue;
    const size_t space = line.find(' ');
    const auto known = std::find_if(lines.begin(), lines.end(),
                                    [&](const Line& one) { return one.name == line.substr(0, space); });
    if (space == std::string_view::npos || known == lines.end()) return damaged;
    const auto time = parse_rfc3339(line.substr(space + 1));
    if (!time.ok()) return damaged;
    horizons.*known->time = *time;
  }
  return horizons;
}

Status write_horizons(env::Files& files, const std::string& path, const Horizons& horizons) {
  std::string text(head);
  for (const auto& [name, time] : lines)
    text += std::string(name) + " " + format_rfc3339(horizons.*time) + "\n";
  return files.write_file(path, sealed(std::move(text)));
}

}  // namespace bonafide::control
