#include "base/hash.hpp"

#include <nmmintrin.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace bonafide {
namespace {

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0);
    table[i] = crc;
  }
  return table;
}
constexpr auto crc_table = make_crc_table();

uint32_t crc_portable(ByteView bytes, uint32_t crc) {
  for (const char c : bytes) crc = crc_table[(crc ^ static_cast<uint8_t>(c)) & 0xFF] ^ (crc >> 8);
  return crc;
}

__attribute__((target("sse4.2"))) uint32_t crc_sse42(ByteView bytes, uint32_t seed) {
  uint64_t crc = seed;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) crc = _mm_crc32_u64(crc, load_le<uint64_t>(at));
  auto crc32 = static_cast<uint32_t>(crc);
  for (; left > 0; ++at, --left) crc32 = _mm_crc32_u8(crc32, static_cast<uint8_t>(*at));
  return crc32;
}

__extension__ using Wide = unsigned __int128;

uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

uint32_t crc32c(ByteView bytes, uint32_t seed) {
  static const bool fast = __builtin_cpu_supports("sse4.2") != 0;
  return ~(fast ? crc_sse42(bytes, ~seed) : crc_portable(bytes, ~seed));
}

// Multiply-and-fold over 8-byte words; constants are the fractional bits of sqrt(2), sqrt(3) and sqrt(5),
// made odd.
uint64_t hash64(ByteView bytes, uint64_t seed) {
  constexpr uint64_t k0 = 0x6A09E667F3BCC909, k1 = 0xBB67AE8584CAA73B, k2 = 0x3C6EF372FE94F82B;
  uint64_t state = seed ^ k0 ^ (bytes.size() * k2);
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) state = mix(state ^ load_le<uint64_t>(at), k1);
  uint64_t tail = 0;
  if (left > 0) std::memcpy(&tail, at, left);
  state = mix(state ^ tail, k2 | 1);
  return mix(state ^ k1, k0);
}

Digest sha256(ByteView bytes) {
  Digest digest;
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr);
  return digest;
}

Digest hmac_sha256(ByteView key, ByteView bytes) {
  Digest digest;
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data(), &length);
  return digest;
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr);
}
Sha256::~Sha256() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }
void Sha256::update(ByteView bytes) {
  EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size());
}
Digest Sha256::finish() {
  Digest digest;
  unsigned length = 0;
  auto* context = static_cast<EVP_MD_CTX*>(context_);
  EVP_DigestFinal_ex(context, digest.data(), &length);
  EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
  return digest;
}

}  // namespace bonafide
