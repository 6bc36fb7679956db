#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

namespace bonafide {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// Length of the valid UTF-8 character at the start of `text`, 0 if there is none. `text` is not empty.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto follows = [&](size_t i, uint8_t low = 0x80, uint8_t high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;
    const uint8_t high = lead == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

constexpr uint64_t ones = 0x0101010101010101U, highs = 0x80 * ones;

// Length of the ASCII bytes at the start of `text`; most mail is nothing else, and 32 at a time are cheap to
// tell.
size_t ascii_length(std::string_view text) {
  size_t length = 0;
  for (; length + 32 <= text.size(); length += 32) {
    const char* at = text.data() + length;
    if (((load_le<uint64_t>(at) | load_le<uint64_t>(at + 8) | load_le<uint64_t>(at + 16) |
          load_le<uint64_t>(at + 24)) &
         highs) != 0)
      break;
  }
  for (; length + 8 <= text.size(); length += 8) {
    if (const uint64_t found = load_le<uint64_t>(text.data() + length) & highs; found != 0)
      return length + static_cast<size_t>(std::countr_zero(found)) / 8;
  }
  while (length < text.size() && static_cast<uint8_t>(text[length]) < 0x80) ++length;
  return length;
}

// Length of the printable ASCII bytes at the start of `text`; eight at a time, by the borrow that a byte
// below 0x20 leaves in its high bit, and a byte of 0x7F in the sum with 1.
size_t printable_length(std::string_view text) {
  size_t length = 0;
  for (; length + 8 <= text.size(); length += 8) {
    const auto eight = load_le<uint64_t>(text.data() + length);
    // Bytes above the first one found may be found by its borrow: the lowest is the true one.
    if (const uint64_t found = (eight | (eight - 0x20 * ones) | (eight + ones)) & highs; found != 0)
      return length + static_cast<size_t>(std::countr_zero(found)) / 8;
  }
  while (length < text.size() && text[length] >= ' ' && text[length] < 0x7F) ++length;
  return length;
}

}  // namespace

std::string ascii_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = ascii_lower(c);
  return lower;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && starts_ignoring_case(a, b);
}

bool starts_ignoring_case(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (size_t i = 0; i < prefix.size(); ++i) {
    if (ascii_lower(text[i]) != ascii_lower(prefix[i])) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t end = text.find(separator); end != std::string_view::npos; end = text.find(separator)) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) joined += separator;
    joined += parts[i];
  }
  return joined;
}

std::string to_hex(ByteView bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    hex += digits[static_cast<uint8_t>(c) >> 4];
    hex += digits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

Result<std::string> from_hex(std::string_view hex) {
  const auto nibble = [](char c) {
    if (is_digit(c)) return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (hex.size() % 2 != 0) return {Cause::invalid, "hex text must have an even number of digits"};
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = nibble(hex[i]), low = nibble(hex[i + 1]);
    if (high < 0 || low < 0) return {Cause::invalid, "not a hex digit at position " + std::to_string(i)};
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string to_base64(ByteView bytes) {
  static constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0);
    text += alphabet[group >> 18 & 63];
    text += alphabet[group >> 12 & 63];
    text += i + 1 < bytes.size() ? alphabet[group >> 6 & 63] : '=';
    text += i + 2 < bytes.size() ? alphabet[group & 63] : '=';
  }
  return text;
}

bool is_utf8(std::string_view text) {
  for (text.remove_prefix(ascii_length(text)); !text.empty(); text.remove_prefix(ascii_length(text))) {
    const size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string repair_utf8(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  while (!text.empty()) {
    const size_t plain = ascii_length(text);
    repaired += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const size_t length = utf8_length(text);
    repaired += length == 0 ? replacement : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return repaired;
}

std::string clean_text(std::string_view text, size_t max_bytes, bool keep_lines) {
  std::string clean;
  clean.reserve(std::min(text.size(), max_bytes));
  while (!text.empty()) {
    if (const size_t plain = printable_length(text); plain > 0) {
      clean += text.substr(0, std::min(plain, max_bytes - clean.size()));
      if (clean.size() == max_bytes) break;
      text.remove_prefix(plain);
      continue;
    }
    size_t length = utf8_length(text);
    std::string_view character = text.substr(0, length);
    const auto lead = static_cast<uint8_t>(text[0]);
    if (length == 0) {
      character = replacement;
      length = 1;
    } else if (lead < 0x20 || lead == 0x7F || (lead == 0xC2 && static_cast<uint8_t>(text[1]) < 0xA0)) {
      const bool keep = keep_lines && (lead == '\t' || lead == '\n');
      if (!keep) character = is_space(static_cast<char>(lead)) ? std::string_view(" ") : std::string_view();
    }
    if (clean.size() + character.size() > max_bytes) break;
    clean += character;
    text.remove_prefix(length);
  }
  return clean;
}

std::string_view cut_utf8(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  while (end > 0 && max_bytes - end < 4 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

std::string to_decimal(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end};
}

Result<int64_t> parse_int(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return {Cause::invalid, "\"" + std::string(text.substr(0, 64)) + "\" is not a whole number"};
  }
  return value;
}

Result<double> parse_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return {Cause::invalid, "\"" + std::string(text.substr(0, 64)) + "\" is not a number"};
  }
  return value;
}

std::string closest(std::string_view word, const std::vector<std::string>& candidates) {
  const auto distance = [](std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= b.size(); ++j) {
        const size_t change = diagonal + (ascii_lower(a[i - 1]) == ascii_lower(b[j - 1]) ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
      }
    }
    return row.back();
  };
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    if (const size_t d = distance(word, candidate); d < best_distance) {
      best_distance = d;
      best = candidate;
    }
  }
  return best;
}

}  // namespace bonafide
