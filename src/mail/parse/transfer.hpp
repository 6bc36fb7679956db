#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace bonafide::mail {

/// Content-Transfer-Encoding (RFC 2045 6), taken off part by part.
class TransferDecoder {
 public:
  enum class Encoding { identity, base64, quoted_printable, unknown };
  /// Of the header's value; unknown ones are passed through as they are.
  static Encoding encoding_of(std::string_view value);

  explicit TransferDecoder(Encoding encoding) : encoding_(encoding) {}

  /// Appends the decoded form of `bytes`, which continue those of the call before. Tolerant: what cannot be
  /// decoded is passed over (base64) or kept as it stands (quoted-printable), and broken() says so. Returns
  /// how many bytes were taken: fewer than given only if an escape is cut in two and this is not the `last`
  /// call.
  size_t decode(ByteView bytes, bool last, std::string& out);
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  void decode_base64(ByteView bytes, bool last, std::string& out);
  size_t decode_quoted(ByteView bytes, bool last, std::string& out);

  Encoding encoding_;
  bool broken_ = false;
  uint32_t bits_ = 0;  // of an unfinished base64 group
  int digits_ = 0;     // how many of its four digits are there
};

}  // namespace bonafide::mail
