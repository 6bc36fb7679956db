#pragma once
#include <array>
#include <functional>
#include <map>
#include <string>

#include "avro/codecs.hpp"
#include "avro/schema.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

// Avro object container files: a header (schema, codec, metadata, sync marker), then blocks of records, each
// block followed by the marker.
namespace bonafide::avro {

using SyncMarker = std::array<char, 16>;

struct ContainerOptions {
  Codec codec = Codec::zstandard;
  int level = 0;                  ///< 0: the codec's default, see BlockCodec
  size_t block_bytes = 64 << 10;  ///< of records before compression, after which a block ends
  std::map<std::string, std::string> metadata = {};  ///< keys "avro.…" are reserved
  SyncMarker sync{};  ///< 16 random bytes, so that they do not occur in the data by chance
};

/// Makes the bytes of a container file; the caller puts them where they belong. Holds at most one block.
class ContainerWriter {
 public:
  ContainerWriter(const Schema& schema, ContainerOptions options);

  /// Appends the header: the first bytes of the file. It may be made last, when the metadata are known, where
  /// the caller keeps the blocks apart until then. Errors: invalid (a reserved metadata key).
  Status header(std::string& out) const;
  void set_metadata(const std::string& key, std::string value) { options_.metadata[key] = std::move(value); }

  /// Adds one record, encoded by the schema. Ends the block when it is full: appends it to `out`. Errors:
  /// internal.
  Status append(ByteView record, std::string& out);
  /// Adds `count` records that stand one after the other.
  Status append_many(ByteView records, uint64_t count, std::string& out);
  /// Appends the block begun, if any. A file is whole after this.
  Status end_block(std::string& out);

  [[nodiscard]] uint64_t records() const { return records_; }
  /// Bytes of records that wait for the end of their block.
  [[nodiscard]] size_t waiting_bytes() const { return block_.size(); }

 private:
  ContainerOptions options_;
  std::string schema_json_;
  BlockCodec codec_;
  std::string block_;
  std::string packed_;
  uint64_t in_block_ = 0;
  uint64_t records_ = 0;
};

/// What a reader is willing to hold in memory.
struct ContainerLimits {
  size_t header_bytes = 16 << 20;
  size_t block_bytes = 64 << 20;  ///< of one block, packed as well as plain
};

/// Reads a container file of any origin, block by block, through random access. Memory is bounded by one
/// block.
class ContainerReader {
 public:
  /// Up to `count` bytes at `offset`; fewer only at the end of the file.
  using ReadAt = std::function<Result<std::string>(uint64_t offset, size_t count)>;

  struct Block {
    uint64_t offset = 0;      ///< in the file
    uint64_t file_bytes = 0;  ///< from its count to the end of its sync marker
    uint64_t count = 0;       ///< of records
    ByteView data;            ///< the records, unpacked; valid until the next call
  };

  /// Reads the header. Errors: damaged (not a container file, header cut or broken), invalid (its schema or
  /// codec), all naming the byte; those of `read_at`.
  static Result<ContainerReader> open(ReadAt read_at, ContainerLimits limits = {});
  /// Of a file that is in memory and stays there.
  static Result<ContainerReader> open(ByteView file, ContainerLimits limits = {});

  [[nodiscard]] const Schema& schema() const { return schema_; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  [[nodiscard]] Codec codec() const { return codec_name_; }
  [[nodiscard]] const SyncMarker& sync() const { return sync_; }

  /// The next block; false after the last. Skips what is left of the block next() is in. Errors: damaged or
  /// exhausted, "byte N: …" with N in the file; asked again the error comes again, and resync() goes on.
  Result<bool> next_block(Block& block);
  /// The next record, valid until the next call; false after the last. Errors as next_block().
  Result<bool> next(ByteView& record);
  /// After an error: goes on behind the next sync marker, which loses the damaged block and whatever lies
  /// before that marker. False if there is none.
  Result<bool> resync();
  /// Where the next block begins.
  [[nodiscard]] uint64_t offset() const { return offset_; }

 private:
  ContainerReader(ReadAt read_at, ContainerLimits limits)
      : read_at_(std::move(read_at)), limits_(limits), codec_(Codec::null) {}
  Status read_header();
  Status parse_header(ByteView bytes, bool& cut);
  Status take_metadata();
  Error damaged(uint64_t offset, const std::string& what) const;
  Status unpack(const Block& block, ByteView packed);
  Status check_count(const Block& block) const;

  ReadAt read_at_;
  ContainerLimits limits_;
  Schema schema_;
  std::map<std::string, std::string> metadata_;
  Codec codec_name_ = Codec::null;
  BlockCodec codec_;
  SyncMarker sync_{};
  uint64_t offset_ = 0;
  std::string raw_;
  std::string plain_;
  // The block next() is in: where it began, what is left of it.
  uint64_t block_offset_ = 0;
  size_t next_record_ = 0;
  uint64_t records_left_ = 0;
};

}  // namespace bonafide::avro
