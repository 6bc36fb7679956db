#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace bonafide {

// ASCII only: independent of any locale.
constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
std::string ascii_lower(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);
bool starts_ignoring_case(std::string_view text, std::string_view prefix);
std::string_view trim(std::string_view text);
/// The parts between `separator`s; n separators give n + 1 parts.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// Lower-case hex of any bytes, two digits a byte.
std::string to_hex(ByteView bytes);
/// Errors: invalid (odd length, not a hex digit).
Result<std::string> from_hex(std::string_view hex);
/// RFC 4648 section 4, padded.
std::string to_base64(ByteView bytes);

/// Is this valid UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF)?
bool is_utf8(std::string_view text);
/// `text` with each byte that is not part of valid UTF-8 made U+FFFD.
std::string repair_utf8(std::string_view text);
/// Valid UTF-8 without control characters (C0 except tab and newline where `keep_lines`, DEL, C1): broken
/// bytes become U+FFFD, and the result is cut at a character boundary to at most `max_bytes`.
std::string clean_text(std::string_view text, size_t max_bytes, bool keep_lines = false);
/// The longest prefix of at most `max_bytes` that does not end inside a UTF-8 character.
std::string_view cut_utf8(std::string_view text, size_t max_bytes);

/// The shortest decimal text that reads back as the same double: the same on every compiler and build.
std::string to_decimal(double value);
/// Errors: invalid.
Result<int64_t> parse_int(std::string_view text);
Result<double> parse_double(std::string_view text);

/// Of `candidates`, the one closest to `word` by edit distance, if close enough to be a likely slip; else "".
std::string closest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace bonafide
