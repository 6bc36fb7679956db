#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "flow/record.hpp"

namespace bonafide::steps {

/// Beside each archive file: a checksum of every byte of it, and what it holds. With it any damaged byte is
/// found, the events it costs are named, and a file that is gone is missed. Made durable before the file is
/// seen.
///
/// Layout: "bfindex1", CRC-32C of the rest (little-endian), then varints and length-prefixed bytes in the
/// order of the members; a position as the length of what it shares with the one before, and the bytes that
/// follow.
struct ArchiveIndex {
  struct Block {
    uint64_t bytes = 0;  ///< in the file, sync marker included
    uint64_t records = 0;
    uint32_t crc = 0;  ///< CRC-32C of these bytes
  };
  struct Entry {
    EventId id;
    int32_t revision = 0;
    uint64_t hash = 0;  ///< record_hash()
    flow::Position position;
  };

  std::string tenant;
  Time earliest, latest;  ///< event times
  uint64_t header_bytes = 0;
  uint32_t header_crc = 0;
  std::vector<Block> blocks;   ///< in the order of the file
  std::vector<Entry> entries;  ///< of each record, in the order of the file

  [[nodiscard]] uint64_t file_bytes() const;
  /// Sum over all records: does not depend on their order (invariant 9).
  [[nodiscard]] uint64_t content_hash() const;

  [[nodiscard]] std::string encode() const;
  /// Errors: damaged.
  static Result<ArchiveIndex> decode(ByteView bytes);

  static uint64_t record_hash(const EventId& id, ByteView message_key);
};

}  // namespace bonafide::steps
