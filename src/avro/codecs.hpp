#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace bonafide::avro {

/// The compression of a container file's blocks.
enum class Codec : uint8_t { null, deflate, snappy, zstandard };

/// "null", "deflate", "snappy", "zstandard": the value of avro.codec.
std::string_view to_string(Codec codec);
/// Errors: invalid, naming the codecs there are.
Result<Codec> parse_codec(std::string_view name);

/// Compresses and decompresses blocks, keeping the codec's working memory. Not safe from several threads.
class BlockCodec {
 public:
  /// `level`: 0 for the default (deflate 1, zstandard 1), else the codec's own (deflate 1-9, zstandard 1-19).
  explicit BlockCodec(Codec codec, int level = 0);
  ~BlockCodec();
  BlockCodec(BlockCodec&&) noexcept;
  BlockCodec& operator=(BlockCodec&&) noexcept;

  /// `out` becomes the block as it stands in the file: raw deflate (RFC 1951); snappy followed by the
  /// big-endian CRC32 of the plain bytes; a zstandard frame with content checksum. Errors: internal.
  Status compress(ByteView plain, std::string& out);
  /// `out` becomes the plain bytes, at most `max_bytes`. Errors: damaged; exhausted (longer than that).
  Status decompress(ByteView packed, size_t max_bytes, std::string& out);

 private:
  struct Work;
  Codec codec_;
  int level_;
  std::unique_ptr<Work> work_;
};

}  // namespace bonafide::avro
