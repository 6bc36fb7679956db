#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace bonafide {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, continued from `seed` (the crc of what came
/// before).
uint32_t crc32c(ByteView bytes, uint32_t seed = 0);

/// 64-bit hash for tables and sums; the same on every machine and in every version. Not for secrets.
uint64_t hash64(ByteView bytes, uint64_t seed = 0);

using Digest = std::array<uint8_t, 32>;
inline ByteView view(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// SHA-256 (FIPS 180-4) in one call.
Digest sha256(ByteView bytes);
/// HMAC-SHA-256 (RFC 2104).
Digest hmac_sha256(ByteView key, ByteView bytes);

/// SHA-256 over parts as they come.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(ByteView bytes);
  /// The digest of all parts; the object begins anew after it.
  Digest finish();

 private:
  void* context_;
};

}  // namespace bonafide
