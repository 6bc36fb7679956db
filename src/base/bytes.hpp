#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace bonafide {

/// Bytes somebody else owns. Not text: may hold anything.
using ByteView = std::string_view;

/// Immutable bytes with shared ownership: copies are cheap, the bytes never move. Safe to share between
/// threads.
class SharedBytes {
 public:
  SharedBytes() = default;
  explicit SharedBytes(std::string bytes)
      : SharedBytes(std::make_shared<const std::string>(std::move(bytes))) {}
  explicit SharedBytes(std::shared_ptr<const std::string> owner) : view_(*owner), owner_(std::move(owner)) {}
  /// A part of bytes that `owner` keeps alive.
  SharedBytes(std::shared_ptr<const void> owner, ByteView part) : view_(part), owner_(std::move(owner)) {}
  static SharedBytes copy(ByteView bytes) { return SharedBytes(std::string(bytes)); }

  [[nodiscard]] ByteView view() const { return view_; }
  [[nodiscard]] size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }
  /// The part [at, at + count), owned together with the whole.
  [[nodiscard]] SharedBytes part(size_t at, size_t count) const { return {owner_, view_.substr(at, count)}; }
  friend bool operator==(const SharedBytes& a, const SharedBytes& b) { return a.view_ == b.view_; }

 private:
  ByteView view_;
  std::shared_ptr<const void> owner_;
};

// Fixed-width integers at any alignment. Little-endian for our own files, big-endian where order or a
// protocol wants it.
template <class T>
T load_le(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
template <class T>
void store_le(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
template <class T>
void append_le(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
inline uint64_t load_be64(const char* at) { return __builtin_bswap64(load_le<uint64_t>(at)); }
inline uint32_t load_be32(const char* at) { return __builtin_bswap32(load_le<uint32_t>(at)); }
inline void store_be64(char* at, uint64_t value) { store_le(at, __builtin_bswap64(value)); }
inline void store_be32(char* at, uint32_t value) { store_le(at, __builtin_bswap32(value)); }
inline void append_be64(std::string& out, uint64_t value) { append_le(out, __builtin_bswap64(value)); }
inline void append_be32(std::string& out, uint32_t value) { append_le(out, __builtin_bswap32(value)); }

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "on-disk formats are written on little-endian machines");

}  // namespace bonafide
