#include "base/hash.hpp"

#include <nmmintrin.h>
#include <openssl/evp.h>

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

namespace {

// Finding the algorithm and making a context costs as much as hashing a kilobyte: both are done once.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

Sha256& own_sha256() {
  thread_local Sha256 hash;
  return hash;
}

}  // namespace

Digest sha256(ByteView bytes) {
  Sha256& hash = own_sha256();
  hash.update(bytes);
  return hash.finish();
}

Digest hmac_sha256(ByteView key, ByteView bytes) {
  constexpr size_t block_bytes = 64;
  const Digest short_key = key.size() > block_bytes ? sha256(key) : Digest{};
  if (key.size() > block_bytes) key = view(short_key);
  std::array<char, block_bytes> inner_pad{}, outer_pad{};
  for (size_t i = 0; i < block_bytes; ++i) {
    const int byte = i < key.size() ? static_cast<uint8_t>(key[i]) : 0;
    inner_pad[i] = static_cast<char>(byte ^ 0x36);
    outer_pad[i] = static_cast<char>(byte ^ 0x5C);
  }
  Sha256& hash = own_sha256();
  hash.update({inner_pad.data(), block_bytes});
  hash.update(bytes);
  const Digest inner = hash.finish();
  hash.update({outer_pad.data(), block_bytes});
  hash.update(view(inner));
  return hash.finish();
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), sha256_algorithm(), nullptr);
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
  EVP_DigestInit_ex(context, sha256_algorithm(), nullptr);
  return digest;
}

}  // namespace bonafide
