#include "avro/codecs.hpp"

#include <algorithm>
#include <array>

#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

namespace bonafide::avro {
namespace {

constexpr std::array<std::string_view, 4> names = {"null", "deflate", "snappy", "zstandard"};

Error too_long(size_t max_bytes) {
  return {Cause::exhausted,
          "the block unpacks to more than the limit of " + std::to_string(max_bytes) + " bytes"};
}
Error not_valid(Codec codec, const char* why) {
  return {Cause::damaged, "the block is not valid " + std::string(to_string(codec)) + ": " + why};
}

/// The next size for an output that was too small: begins near what is usual, so that a lie costs little.
size_t grown(size_t size, size_t packed, size_t max_bytes) {
  return std::min(max_bytes, size == 0 ? std::max<size_t>(packed * 4, 4096) : size * 2);
}

}  // namespace

std::string_view to_string(Codec codec) { return names[static_cast<size_t>(codec)]; }

Result<Codec> parse_codec(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<Codec>(found - names.begin());
  return {Cause::invalid, "there is no codec \"" + std::string(name.substr(0, 40)) +
                              "\" here: use null, deflate, snappy or zstandard"};
}

struct BlockCodec::Work {
  z_stream packer{};
  z_stream unpacker{};
  bool packer_ready = false;
  bool unpacker_ready = false;
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> zstd_packer{nullptr, ZSTD_freeCCtx};
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> zstd_unpacker{nullptr, ZSTD_freeDCtx};

  Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  ~Work() {
    if (packer_ready) deflateEnd(&packer);
    if (unpacker_ready) inflateEnd(&unpacker);
  }

  Status deflate_block(ByteView plain, int level, std::string& out);
  Status inflate_block(ByteView packed, size_t max_bytes, std::string& out);
  Status zstd_pack(ByteView plain, int level, std::string& out);
  Status zstd_unpack(ByteView packed, size_t max_bytes, std::string& out);
};

BlockCodec::BlockCodec(Codec codec, int level)
    : codec_(codec), level_(level), work_(std::make_unique<Work>()) {}
BlockCodec::~BlockCodec() = default;
BlockCodec::BlockCodec(BlockCodec&&) noexcept = default;
BlockCodec& BlockCodec::operator=(BlockCodec&&) noexcept = default;

Status BlockCodec::Work::deflate_block(ByteView plain, int level, std::string& out) {
  constexpr int raw_window = -15;  // no zlib header, as Avro wants it
  if (!packer_ready) {
    if (deflateInit2(&packer, level, Z_DEFLATED, raw_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      return Error{Cause::internal, "zlib cannot begin to compress"};
    }
    packer_ready = true;
  }
  deflateReset(&packer);
  out.resize(deflateBound(&packer, plain.size()));
  packer.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  packer.avail_in = static_cast<uInt>(plain.size());
  packer.next_out = reinterpret_cast<Bytef*>(out.data());
  packer.avail_out = static_cast<uInt>(out.size());
  if (::deflate(&packer, Z_FINISH) != Z_STREAM_END)
    return Error{Cause::internal, "zlib did not compress a block"};
  out.resize(packer.total_out);
  return Ok{};
}

Status BlockCodec::Work::inflate_block(ByteView packed, size_t max_bytes, std::string& out) {
  constexpr int raw_window = -15;
  if (!unpacker_ready) {
    if (inflateInit2(&unpacker, raw_window) != Z_OK)
      return Error{Cause::internal, "zlib cannot begin to decompress"};
    unpacker_ready = true;
  }
  inflateReset(&unpacker);
  unpacker.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  unpacker.avail_in = static_cast<uInt>(packed.size());
  out.clear();
  size_t used = 0;
  for (;;) {
    if (used == out.size()) {
      // One byte beyond the limit tells "exactly the limit" from "more".
      if (used > max_bytes) return too_long(max_bytes);
      out.resize(grown(used, packed.size(), max_bytes + 1));
    }
    unpacker.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    unpacker.avail_out = static_cast<uInt>(out.size() - used);
    const int code = ::inflate(&unpacker, Z_NO_FLUSH);
    used = out.size() - unpacker.avail_out;
    if (code == Z_STREAM_END) break;
    const bool wants_room = code == Z_BUF_ERROR && unpacker.avail_out == 0;
    if (code != Z_OK && !wants_room) {
      return not_valid(Codec::deflate, unpacker.msg != nullptr ? unpacker.msg : "it ends too early");
    }
  }
  if (used > max_bytes) return too_long(max_bytes);
  // Apache Avro for Python and fastavro leave a part of zlib's checksum behind the end.
  constexpr uInt zlib_checksum_bytes = 4;
  if (unpacker.avail_in > zlib_checksum_bytes) return not_valid(Codec::deflate, "bytes follow its end");
  out.resize(used);
  return Ok{};
}

Status BlockCodec::Work::zstd_pack(ByteView plain, int level, std::string& out) {
  if (!zstd_packer) {
    zstd_packer.reset(ZSTD_createCCtx());
    if (!zstd_packer) return Error{Cause::internal, "zstandard cannot begin to compress"};
    ZSTD_CCtx_setParameter(zstd_packer.get(), ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setParameter(zstd_packer.get(), ZSTD_c_compressionLevel, level);
  }
  out.resize(ZSTD_compressBound(plain.size()));
  const size_t size = ZSTD_compress2(zstd_packer.get(), out.data(), out.size(), plain.data(), plain.size());
  if (ZSTD_isError(size) != 0)
    return Error{Cause::internal, std::string("zstandard: ") + ZSTD_getErrorName(size)};
  out.resize(size);
  return Ok{};
}

Status BlockCodec::Work::zstd_unpack(ByteView packed, size_t max_bytes, std::string& out) {
  if (!zstd_unpacker) {
    zstd_unpacker.reset(ZSTD_createDCtx());
    if (!zstd_unpacker) return Error{Cause::internal, "zstandard cannot begin to decompress"};
    ZSTD_DCtx_setParameter(zstd_unpacker.get(), ZSTD_d_windowLogMax, 26);
  }
  ZSTD_DCtx_reset(zstd_unpacker.get(), ZSTD_reset_session_only);
  ZSTD_inBuffer input{packed.data(), packed.size(), 0};
  out.clear();
  size_t used = 0;
  size_t hint = 1;
  while (hint != 0 || input.pos < input.size) {
    if (used == out.size()) {
      if (used > max_bytes) return too_long(max_bytes);
      out.resize(grown(used, packed.size(), max_bytes + 1));
    }
    ZSTD_outBuffer output{out.data(), out.size(), used};
    hint = ZSTD_decompressStream(zstd_unpacker.get(), &output, &input);
    used = output.pos;
    if (ZSTD_isError(hint) != 0) return not_valid(Codec::zstandard, ZSTD_getErrorName(hint));
    if (hint != 0 && input.pos == input.size && used < out.size()) {
      return not_valid(Codec::zstandard, "it ends too early");
    }
  }
  if (used > max_bytes) return too_long(max_bytes);
  out.resize(used);
  return Ok{};
}

namespace {

Status snappy_pack(ByteView plain, std::string& out) {
  snappy::Compress(plain.data(), plain.size(), &out);
  append_be32(out, static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(plain.data()),
                                               static_cast<uInt>(plain.size()))));
  return Ok{};
}

Status snappy_unpack(ByteView packed, size_t max_bytes, std::string& out) {
  if (packed.size() < 4) return not_valid(Codec::snappy, "it is shorter than its checksum");
  const uint32_t stored = load_be32(packed.data() + packed.size() - 4);
  packed.remove_suffix(4);
  size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size)) {
    return not_valid(Codec::snappy, "its length is not readable");
  }
  // Snappy packs at most 64 bytes into 3; who claims more lies.
  if (size / 22 > packed.size()) return not_valid(Codec::snappy, "its length cannot be true");
  if (size > max_bytes) return too_long(max_bytes);
  out.resize(size);
  if (!snappy::RawUncompress(packed.data(), packed.size(), out.data())) {
    return not_valid(Codec::snappy, "it cannot be unpacked");
  }
  if (crc32(0, reinterpret_cast<const Bytef*>(out.data()), static_cast<uInt>(size)) != stored) {
    return not_valid(Codec::snappy, "the checksum differs");
  }
  return Ok{};
}

}  // namespace

Status BlockCodec::compress(ByteView plain, std::string& out) {
  constexpr size_t most = 1 << 30;  // zlib counts in 32 bits
  if (plain.size() > most)
    return Error{Cause::exhausted, "a block may hold 1 GiB at most: end blocks earlier"};
  switch (codec_) {
    case Codec::null:
      out = plain;
      return Ok{};
    case Codec::deflate:
      return work_->deflate_block(plain, level_ == 0 ? 1 : level_, out);
    case Codec::snappy:
      return snappy_pack(plain, out);
    case Codec::zstandard:
      return work_->zstd_pack(plain, level_ == 0 ? 1 : level_, out);
  }
  return Error{Cause::internal, "no such codec"};
}

Status BlockCodec::decompress(ByteView packed, size_t max_bytes, std::string& out) {
  switch (codec_) {
    case Codec::null:
      if (packed.size() > max_bytes) return too_long(max_bytes);
      out = packed;
      return Ok{};
    case Codec::deflate:
      return work_->inflate_block(packed, max_bytes, out);
    case Codec::snappy:
      return snappy_unpack(packed, max_bytes, out);
    case Codec::zstandard:
      return work_->zstd_unpack(packed, max_bytes, out);
  }
  return Error{Cause::internal, "no such codec"};
}

}  // namespace bonafide::avro
