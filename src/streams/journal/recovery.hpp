#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "streams/journal/damage.hpp"
#include "streams/journal/segment.hpp"
#include "streams/journal/settings.hpp"
#include "streams/journal/tables.hpp"

namespace bonafide::streams::journal {

/// What a walk through the folder has found. Nothing was changed by it.
struct Recovery {
  uint64_t journal_id = 0;  ///< 0: there is no journal yet
  Tables tables;
  std::vector<std::shared_ptr<Segment>> segments;
  uint64_t end = 0;  ///< lsn behind the last good frame
  /// Lsn in the last segment up to which the frames themselves say that they were on the disk. What lies
  /// behind may be in the system's cache alone.
  uint64_t durable = 0;
  bool last_is_sealed = false;
  uint64_t first_base = 0;  ///< older segment files are retired ones that a crash has left over
  std::vector<std::string> left_over;
  std::vector<Damage> damages;
  bool filled_in = false;  ///< some topics or groups are known from the catalogue only
  /// Bytes behind `end` in the last segment that were never synced: to be cut off.
  struct TornTail {
    std::string file;
    uint64_t byte = 0, bytes = 0;
    std::string what;
  };
  std::optional<TornTail> torn;
  uint64_t frames_walked = 0;
};

/// Errors: the folder or the newest segment cannot be read; invalid (a format this program does not know).
Result<Recovery> recover(env::Files& files, const std::string& folder);

}  // namespace bonafide::streams::journal
