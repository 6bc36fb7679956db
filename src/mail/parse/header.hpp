#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace bonafide::mail {

/// One header field as it stands in the message: views into it.
struct HeaderField {
  std::string_view name;   ///< without the colon and blanks before it
  std::string_view value;  ///< after the colon, folds and all, without the last line end
};

/// The header block of a message or of a MIME part (RFC 5322 2.2), found in one pass. Takes CRLF and LF.
/// Keeps views.
class HeaderBlock {
 public:
  /// Things wrong with the block, as bits.
  enum Flaw : uint32_t {
    no_colon = 1,          ///< a line that is neither a field nor a continuation; it is passed over
    nul = 2,               ///< NUL bytes
    bare_cr = 4,           ///< CR without LF
    mixed_ends = 8,        ///< some lines end in CRLF, some in LF
    long_line = 16,        ///< a line of more than 998 bytes
    not_utf8 = 32,         ///< bytes above 127 that are not UTF-8
    no_separator = 64,     ///< the body begins without an empty line before it
    too_many_fields = 128  ///< more than max_fields; the rest was only counted
  };
  static constexpr size_t max_fields = 20'000;

  /// Is asked of lines that begin with "--" whether they end a part.
  using LineTest = std::function<bool(std::string_view line)>;

  /// Scans the headers of a message: fields up to the first empty line. A single line without a colon is
  /// passed over, of two the first begins the body. Never fails.
  void scan(ByteView bytes) { scan(bytes, true, nullptr); }
  /// Scans the headers of a part: a line without a colon, or one that `ends_part`, ends the block.
  void scan_part(ByteView bytes, const LineTest& ends_part) { scan(bytes, false, &ends_part); }

  [[nodiscard]] const std::vector<HeaderField>& fields() const { return fields_; }
  /// Fields there were, also those past max_fields.
  [[nodiscard]] size_t total() const { return total_; }
  /// Bytes of the block without the empty line.
  [[nodiscard]] size_t size() const { return size_; }
  /// Where the body begins.
  [[nodiscard]] size_t body_at() const { return body_at_; }
  [[nodiscard]] uint32_t flaws() const { return flaws_; }
  /// The first field of that name, nullptr if there is none. Compares without case.
  [[nodiscard]] const HeaderField* find(std::string_view name) const;

 private:
  struct Line;
  void scan(ByteView bytes, bool tolerant, const LineTest* ends_part);
  bool take_line(const Line& line);
  void look_at_bytes(ByteView block);

  std::vector<HeaderField> fields_;
  size_t total_ = 0, size_ = 0, body_at_ = 0;
  uint32_t flaws_ = 0;
};

/// A value without its folds: each line end goes away, the blanks after it stay (RFC 5322 2.2.3); other
/// control characters become blanks; blanks at the ends are dropped. At most `max_bytes` of the value are
/// looked at. Returns a view of the value itself where nothing was to be done, else of `buffer`.
std::string_view unfold(std::string_view value, std::string& buffer, size_t max_bytes);

}  // namespace bonafide::mail
