#pragma once
#include <string>

#include "base/result.hpp"
#include "flow/record.hpp"

namespace bonafide::flow {

/// A record that a step could not process, as it waits in the parked topic: with its payload, its place and
/// the cause, so that it can be looked at, put back or dropped. Known by (step, shard, position).
struct ParkedRecord {
  std::string step;
  ShardId shard;  ///< where it was read
  Position position;
  SharedBytes key, value;
  Time timestamp;
  uint16_t attempt = 0;
  std::string cause;  ///< the error in words, cut to max_cause_bytes
  Time parked_at;

  static constexpr size_t max_cause_bytes = 2048;
  /// What a parked record needs beside key and value: outputs are kept this much below a log's bound, so that
  /// the next step can always park them.
  static constexpr size_t overhead_bytes = 4096;

  /// Compact form: a version byte, then varints and length-prefixed bytes in the order of the fields.
  [[nodiscard]] std::string encode() const;
  /// Errors: damaged.
  static Result<ParkedRecord> decode(ByteView bytes);
};

}  // namespace bonafide::flow
