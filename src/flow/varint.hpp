#pragma once
#include <cstdint>
#include <string>

#include "base/bytes.hpp"

// Variable-length integers (7 bits a byte, lowest first, as in Avro and Protocol Buffers) for the engine's
// own formats.
namespace bonafide::flow {

inline void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}
/// Zigzag: small negative numbers stay short.
inline void put_signed(std::string& out, int64_t value) {
  put_varint(out, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}
/// Length, then the bytes.
inline void put_bytes(std::string& out, ByteView bytes) {
  put_varint(out, bytes.size());
  out += bytes;
}

/// Reads what the put functions wrote. After the first thing that does not fit, ok() is false and all reads
/// give zero.
class VarintReader {
 public:
  explicit VarintReader(ByteView bytes) : rest_(bytes) {}

  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(rest_[0]);
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return fail();
  }
  int64_t signed_varint() {
    const uint64_t raw = varint();
    return static_cast<int64_t>((raw >> 1) ^ (~(raw & 1) + 1));
  }
  ByteView bytes() { return raw(varint()); }
  ByteView raw(uint64_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const ByteView part = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return part;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }

 private:
  uint64_t fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace bonafide::flow
