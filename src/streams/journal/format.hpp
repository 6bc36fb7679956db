#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "flow/record.hpp"

// The journal's bytes on disk. README.md in this folder has the tables; this is the only code that knows
// them.
namespace bonafide::streams::journal {

constexpr uint32_t format_version = 1;
constexpr size_t segment_header_bytes = 64;
constexpr size_t frame_header_bytes = 56;
constexpr size_t record_entry_bytes = 40;
constexpr size_t progress_entry_bytes = 32;
constexpr size_t definition_entry_bytes = 32;  // and the name, padded
constexpr size_t footer_trailer_bytes = 24;
/// Frames begin and end at multiples of this.
constexpr size_t frame_alignment = 8;
constexpr size_t max_name_bytes = 255;
constexpr uint16_t max_shards = 1024;

/// One shard of a topic inside one journal, as small as the directory has it.
struct ShardKey {
  uint16_t topic = 0;
  uint16_t shard = 0;
  flow::Lane lane = flow::Lane::live;
  auto operator<=>(const ShardKey&) const = default;
};

struct SegmentHeader {
  uint64_t journal_id = 0;
  uint64_t base = 0;
  Time created;
  uint64_t previous_hash = 0;
};

enum class FrameKind : uint8_t {
  data = 0,
  mark = 1,     ///< only carries a durable mark
  control = 2,  ///< topics, groups, joins; the first of a segment repeats all that is known
};

struct FrameHeader {
  uint64_t journal_id = 0;
  uint64_t lsn = 0;
  uint64_t durable = 0;  ///< everything before this lsn was synced when the frame was written
  uint32_t length = 0;   ///< of the whole frame
  uint32_t directory_length = 0;
  uint32_t directory_crc = 0;
  uint32_t records = 0;
  uint32_t progress = 0;
  uint16_t definitions = 0;
  FrameKind kind = FrameKind::data;
};

struct RecordEntry {
  ShardKey shard;
  uint16_t attempt = 0;
  uint64_t offset = 0;  ///< counts the shard's records from 0
  Time timestamp;
  uint32_t key_length = 0;
  uint32_t value_length = 0;
  uint32_t crc = 0;  ///< of key and value
};

struct ProgressEntry {
  uint16_t group = 0;
  ShardKey shard;
  flow::Position position;
  uint64_t next_offset = 0;  ///< of the first record after `position`
};

enum class DefinitionKind : uint8_t {
  topic = 1,   ///< number, name, second = shards a lane so far, a = the first that is not ended
  shard = 2,   ///< number = topic, second = shard, lane; a = next offset, b and c = last position
  group = 3,   ///< number, name
  member = 4,  ///< group `number` has joined topic `second`
  forget = 5,  ///< group `number` is no more
};

struct Definition {
  DefinitionKind kind = DefinitionKind::topic;
  flow::Lane lane = flow::Lane::live;
  uint16_t number = 0;
  uint16_t second = 0;
  uint64_t a = 0, b = 0;
  uint32_t c = 0;
  std::string name;
};

struct Directory {
  std::vector<RecordEntry> records;
  std::vector<ProgressEntry> progress;
  std::vector<Definition> definitions;
};

/// Where the records of one shard lie inside one segment: offsets [first, next), and a point about every 256
/// KiB.
struct ShardIndex {
  ShardKey shard;
  uint64_t first = 0, next = 0;
  struct Point {
    uint64_t offset = 0;
    uint64_t lsn = 0;
  };
  std::vector<Point> points;
};

struct Footer {
  uint64_t journal_id = 0;
  uint64_t base = 0, end = 0;
  uint64_t records = 0, frames = 0;
  Time first_timestamp{INT64_MAX}, last_timestamp{INT64_MIN};
  uint64_t hash = 0;
  std::vector<ShardIndex> shards;
  /// All topics, shards, groups and their progress at the end of the segment.
  std::vector<Definition> definitions;
  std::vector<ProgressEntry> progress;
};

struct Catalogue {
  uint64_t journal_id = 0;
  uint64_t durable = 0;
  uint64_t first_base = 0;  ///< older segments are retired
  std::vector<Definition> definitions;
  struct Sealed {
    uint64_t file_bytes = 0;
    Footer footer;
  };
  std::vector<Sealed> sealed;
};

std::string encode(const SegmentHeader& header);
Result<SegmentHeader> decode_segment_header(ByteView bytes);

/// Writes the header with its CRC over the 56 bytes at `out`.
void put_frame_header(char* out, const FrameHeader& header);
/// Sets the durable mark of an encoded header; returns the header's new CRC.
uint32_t set_durable(char* header, uint64_t durable);
/// Errors: damaged (magic, CRC, lengths that do not fit each other).
Result<FrameHeader> decode_frame_header(ByteView bytes);

void put_record(char* out, const RecordEntry& entry);
void put_progress(char* out, const ProgressEntry& entry);
void append_definition(std::string& out, const Definition& definition);
/// Errors: damaged (CRC; counts and lengths that do not fit the frame).
Result<Directory> decode_directory(const FrameHeader& header, ByteView bytes);

/// The footer with its trailer, as it stands at the end of a sealed segment.
std::string encode(const Footer& footer);
/// How many bytes before the end of the file the footer begins, from the file's last footer_trailer_bytes.
Result<uint64_t> footer_length(ByteView trailer);
/// Footer with trailer.
Result<Footer> decode_footer(ByteView bytes);

std::string encode(const Catalogue& catalogue);
Result<Catalogue> decode_catalogue(ByteView bytes);

/// The segment's file name, e.g. "0000000000001f40.segment", and back; nothing for other names.
std::string segment_name(uint64_t base);
Result<uint64_t> parse_segment_name(std::string_view name);

/// The chain over a segment's frames: from each frame's header CRC, which covers its directory and so its
/// payloads.
uint64_t extend_hash(uint64_t hash, uint32_t header_crc);

constexpr uint64_t aligned(uint64_t size) {
  return (size + frame_alignment - 1) / frame_alignment * frame_alignment;
}

}  // namespace bonafide::streams::journal
