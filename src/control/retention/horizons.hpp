#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "env/files.hpp"

namespace bonafide::control {

/// For how long things are kept, by their time of acceptance. Nothing: for ever.
struct RetentionSettings {
  std::optional<Duration> rows = Duration::days(90);
  std::optional<Duration> archive = Duration::days(400);  ///< whole days
  std::optional<Duration> raw = Duration{};
  std::optional<Duration> parked = Duration::days(90);  ///< after they were retried or dropped
  uint64_t archive_bytes = 0;                           ///< the archive is cut to it; 0: whatever it takes
  uint64_t rows_bytes = 0, raw_bytes = 0;               ///< likewise
  Duration every = Duration::minutes(5);

  static RetentionSettings for_ever() { return {std::nullopt, std::nullopt, std::nullopt, std::nullopt}; }
};

/// What was accepted before these times is not kept any more. The beginning of time: nothing was removed yet.
struct Horizons {
  Time rows, archive, raw, parked, door;
  friend bool operator==(const Horizons&, const Horizons&) = default;
};

/// What a decision looks at.
struct RetentionView {
  Time now;
  Horizons horizons;  ///< as they stand
  /// Acceptance of the oldest event that some reader of the streams has not dealt with.
  Time under_way = {INT64_MAX};
  /// Bytes of the archive's days (since 1970-01-01), oldest first; only where a size is set.
  std::vector<std::pair<int64_t, uint64_t>> archive_days = {};
  /// Where the store is larger than its size: it would not be, were what was accepted before not there.
  Time rows_fit = {}, raw_fit = {};
};

/// The horizons as they should be: never earlier than they stand, never past a reader, the door's never past
/// any store's.
Horizons decide(const RetentionSettings& settings, const RetentionView& view);

/// The file of the horizons: text, a store and a time a line, with a checksum. Errors: not_found; damaged
/// (says what to do).
Result<Horizons> read_horizons(env::Files& files, const std::string& path);
/// Durable once this returns.
Status write_horizons(env::Files& files, const std::string& path, const Horizons& horizons);

}  // namespace bonafide::control
