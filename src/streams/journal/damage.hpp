#pragma once
#include <optional>
#include <string>

#include "flow/record.hpp"

namespace bonafide::streams::journal {

/// A stretch of stored bytes that is not what was written. Named and skipped, never served.
struct Damage {
  std::string file;                            ///< path of the segment (or catalogue)
  uint64_t byte = 0;                           ///< where the stretch begins in the file
  uint64_t bytes = 0;                          ///< how long it is; 0 if unknown
  uint64_t lsn = 0;                            ///< of the frame, where it is one
  std::string what;                            ///< e.g. "the checksum of the record is wrong"
  std::optional<flow::ShardId> shard;          ///< where it is known whose records are lost
  uint64_t first_offset = 0, next_offset = 0;  ///< the lost records: offsets [first, next) of `shard`
  std::optional<flow::Position> position;      ///< of the lost record, if it is one

  /// One line for people: place, what, whose.
  [[nodiscard]] std::string text() const {
    std::string out = file + ", byte " + std::to_string(byte);
    if (bytes > 0) out += " to " + std::to_string(byte + bytes - 1);
    out += ": " + what;
    if (shard) {
      out += " (" + shard->text() + ", offset " + std::to_string(first_offset);
      if (next_offset > first_offset + 1) out += " to " + std::to_string(next_offset - 1);
      out += ")";
    }
    return out;
  }
};

}  // namespace bonafide::streams::journal
