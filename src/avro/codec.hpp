#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "avro/schema.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

// Avro's binary encoding, value by value. Who writes and who reads must keep to the same schema; bind.hpp,
// value.hpp and resolve.hpp do so by description.
namespace bonafide::avro {

/// Zigzag: numbers near zero, of both signs, become small.
constexpr uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t unzigzag(uint64_t value) { return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1)); }
/// Writes a variable-length number at `at`, which must have room for 10 bytes; returns the end.
inline char* store_varint(char* at, uint64_t value) {
  while (value >= 0x80) {
    *at++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<char>(value);
  return at;
}
constexpr size_t varint_size(uint64_t value) {
  return (static_cast<size_t>(63 - std::countl_zero(value | 1)) * 9 + 73) / 64;
}

/// Appends values to a string. It never fails; the only allocation is the growth of the string.
class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}

  void put_boolean(bool value) { out_ += value ? '\1' : '\0'; }
  void put_int(int32_t value) { put_long(value); }
  void put_long(int64_t value) {
    const uint64_t coded = zigzag(value);
    if (coded < 0x80) {
      out_ += static_cast<char>(coded);
      return;
    }
    char buffer[10];
    out_.append(buffer, static_cast<size_t>(store_varint(buffer, coded) - buffer));
  }
  void put_float(float value) { append_le(out_, value); }
  void put_double(double value) { append_le(out_, value); }
  /// Also for string.
  void put_bytes(ByteView value) {
    put_long(static_cast<int64_t>(value.size()));
    out_ += value;
  }
  /// The value of a fixed: exactly as many bytes as its schema says.
  void put_fixed(ByteView value) { out_ += value; }
  /// The index of an enum's symbol or of a union's branch.
  void put_index(size_t index) { put_long(static_cast<int64_t>(index)); }
  /// Before `count` > 0 items of an array or entries of a map; more blocks may follow, and end_blocks() at
  /// last.
  void begin_block(size_t count) { put_long(static_cast<int64_t>(count)); }
  void end_blocks() { out_ += '\0'; }

 private:
  std::string& out_;
};

/// Like Encoder, and faster for many small values: writes into room made ahead, so that the string has its
/// true length only after finish() or the end of the encoder.
class RunEncoder {
 public:
  explicit RunEncoder(std::string& out) : out_(out), start_(out.size()) { make_room(0); }
  ~RunEncoder() { finish(); }
  RunEncoder(const RunEncoder&) = delete;
  RunEncoder& operator=(const RunEncoder&) = delete;
  void finish() {
    out_.resize(static_cast<size_t>(at_ - out_.data()));
    end_ = at_;
  }

  void put_boolean(bool value) {
    need(1);
    *at_++ = value ? '\1' : '\0';
  }
  void put_int(int32_t value) { put_long(value); }
  void put_long(int64_t value) {
    need(10);
    at_ = store_varint(at_, zigzag(value));
  }
  void put_float(float value) { put_raw(&value, sizeof value); }
  void put_double(double value) { put_raw(&value, sizeof value); }
  void put_bytes(ByteView value) {
    need(10 + value.size());
    at_ = store_varint(at_, zigzag(static_cast<int64_t>(value.size())));
    at_ += value.copy(at_, value.size());
  }
  void put_fixed(ByteView value) { put_raw(value.data(), value.size()); }
  void put_index(size_t index) { put_long(static_cast<int64_t>(index)); }
  void begin_block(size_t count) { put_long(static_cast<int64_t>(count)); }
  void end_blocks() { put_boolean(false); }

 private:
  void need(size_t bytes) {
    if (static_cast<size_t>(end_ - at_) < bytes) make_room(bytes);
  }
  void put_raw(const void* bytes, size_t size) {
    need(size);
    std::memcpy(at_, bytes, size);
    at_ += size;
  }
  /// Room grows with what was written, so that clearing it costs no more than writing did.
  void make_room(size_t bytes) {
    const size_t used = at_ == nullptr ? start_ : static_cast<size_t>(at_ - out_.data());
    out_.resize(used + std::max<size_t>(bytes, std::max<size_t>(512, used - start_)));
    at_ = out_.data() + used;
    end_ = out_.data() + out_.size();
  }

  std::string& out_;
  size_t start_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

/// Reads values from bytes it does not own. The first failure sticks: from then on everything reads as zero
/// or empty and every block as ended, so that a loop need not ask after each value; status() tells at last.
/// Never reads past the end; a count is believed only as far as the bytes left could hold it.
class Decoder {
 public:
  explicit Decoder(ByteView bytes)
      : begin_(bytes.data()),
        at_(begin_),
        end_(begin_ + bytes.size()),
        empty_left_((64 << 10) + bytes.size()) {}

  [[nodiscard]] bool ok() const { return failure_ == nullptr; }
  /// Errors: invalid, "byte N: …" with N counted from the first byte handed in.
  [[nodiscard]] Status status() const;
  /// status(), and an error where bytes are left over.
  [[nodiscard]] Status finish() const;
  /// Of the next byte to be read; of the failure if there was one.
  [[nodiscard]] size_t offset() const { return static_cast<size_t>((ok() ? at_ : failed_at_) - begin_); }
  [[nodiscard]] bool at_end() const { return at_ == end_; }
  [[nodiscard]] size_t left() const { return static_cast<size_t>(end_ - at_); }
  /// The bytes [from, to) of what was handed in.
  [[nodiscard]] ByteView between(size_t from, size_t to) const { return {begin_ + from, to - from}; }
  /// Reads on at another place; without effect after a failure. offset <= the size handed in.
  void seek(size_t offset) {
    if (ok()) at_ = begin_ + offset;
  }
  /// Marks everything from here as unreadable. `what` must live as long as the decoder.
  void fail(const char* what);

  /// A value that takes no bytes: null, a fixed of size 0, a record of such. Schemas can multiply them
  /// without end, so there is a limit of 65536 more than there are bytes.
  void get_empty() {
    if (empty_left_ == 0) return fail("there are too many values of no size");
    --empty_left_;
  }
  bool get_boolean() {
    if (at_ == end_) return fail(ends), false;
    const char byte = *at_++;
    if (static_cast<uint8_t>(byte) > 1) {
      --at_;
      return fail("a boolean is neither 0 nor 1"), false;
    }
    return byte != 0;
  }
  int32_t get_int() {
    const char* start = at_;
    const int64_t value = get_long();
    if (value == static_cast<int32_t>(value)) return static_cast<int32_t>(value);
    at_ = start;
    fail("an int has more than 32 bits");
    return 0;
  }
  int64_t get_long() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) return unzigzag(static_cast<uint8_t>(*at_++));
    return long_number();
  }
  float get_float() { return get_raw<float>(); }
  double get_double() { return get_raw<double>(); }
  /// Also for string (not checked for UTF-8). The view is valid as long as the bytes handed in.
  ByteView get_bytes() {
    const char* start = at_;
    const int64_t size = get_long();
    if (static_cast<uint64_t>(size) > left()) {
      at_ = start;
      fail(size < 0 ? "a length is negative" : ends);
      return {};
    }
    at_ += size;
    return {at_ - size, static_cast<size_t>(size)};
  }
  ByteView get_fixed(size_t size) {
    if (size > left()) return fail(ends), ByteView();
    at_ += size;
    return {at_ - size, size};
  }
  /// The index of an enum's symbol or of a union's branch; below `count`, or the decoder has failed.
  size_t get_index(size_t count) {
    const char* start = at_;
    const int64_t index = get_long();
    if (static_cast<uint64_t>(index) < count) return static_cast<size_t>(index);
    at_ = start;
    fail("there is no symbol or branch of this index");
    return 0;
  }
  /// How many items the next block of an array or map holds, 0 after the last. `min_bytes`: no item is
  /// encoded shorter. The caller may allocate by the count: items of no size are limited like get_empty().
  size_t next_block(size_t min_bytes);

  /// Bracket types that may contain themselves: bounds the depth of nesting.
  bool enter() {
    if (depth_left_ == 0) return fail("values are nested too deeply"), false;
    --depth_left_;
    return true;
  }
  void leave() { ++depth_left_; }

  static constexpr int max_depth = 256;

 private:
  static constexpr const char* ends = "the data ends in the middle of a value";

  template <class T>
  T get_raw() {
    if (left() < sizeof(T)) return fail(ends), T{};
    at_ += sizeof(T);
    return load_le<T>(at_ - sizeof(T));
  }
  int64_t long_number();

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* failed_at_ = nullptr;
  const char* failure_ = nullptr;
  size_t empty_left_;
  int depth_left_ = max_depth;
};

/// Reads over one value of the schema, checking that it is well-formed. False if the decoder has failed.
bool skip(Decoder& in, const Node& node);

}  // namespace bonafide::avro
