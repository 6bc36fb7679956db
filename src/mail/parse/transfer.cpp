#include "mail/parse/transfer.hpp"

#include <cstring>

#include "base/char_set.hpp"
#include "base/text.hpp"

namespace bonafide::mail {
namespace {

constexpr uint8_t not_a_digit = 0xFF;
constexpr size_t max_soft_break_blanks = 256;

constexpr std::array<uint8_t, 256> make_base64_digits() {
  std::array<uint8_t, 256> digits{};
  for (auto& digit : digits) digit = not_a_digit;
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < alphabet.size(); ++i)
    digits[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
  return digits;
}
constexpr auto base64_digits = make_base64_digits();

uint8_t digit_of(char c) { return base64_digits[static_cast<uint8_t>(c)]; }

// The bits of each digit at its place in a group of four; what is no digit sets a bit above the 24 of a
// group.
constexpr uint32_t not_a_group = 1U << 24;
constexpr auto base64_groups = [] {
  std::array<std::array<uint32_t, 256>, 4> groups{};
  for (size_t place = 0; place < groups.size(); ++place) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint8_t digit = base64_digits[byte];
      groups[place][byte] = digit == not_a_digit ? not_a_group : uint32_t{digit} << (18 - 6 * place);
    }
  }
  return groups;
}();
uint32_t group_of(const char* at) {
  const auto place = [&](size_t i) { return base64_groups[i][static_cast<uint8_t>(at[i])]; };
  return place(0) | place(1) | place(2) | place(3);
}

int hex_of(char c) {
  if (is_digit(c)) return c - '0';
  c = ascii_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

TransferDecoder::Encoding TransferDecoder::encoding_of(std::string_view value) {
  value = trim(value);
  // Comments and parameters after the word are against the rules and seen.
  static constexpr CharSet ends_word(" \t;(");
  value = value.substr(0, ends_word.find_in(value));
  if (equals_ignoring_case(value, "base64")) return Encoding::base64;
  if (equals_ignoring_case(value, "quoted-printable")) return Encoding::quoted_printable;
  for (const std::string_view plain : {"", "7bit", "8bit", "binary"}) {
    if (equals_ignoring_case(value, plain)) return Encoding::identity;
  }
  return Encoding::unknown;
}

size_t TransferDecoder::decode(ByteView bytes, bool last, std::string& out) {
  switch (encoding_) {
    case Encoding::base64:
      decode_base64(bytes, last, out);
      return bytes.size();
    case Encoding::quoted_printable:
      return decode_quoted(bytes, last, out);
    case Encoding::identity:
    case Encoding::unknown:
      break;
  }
  out += bytes;
  return bytes.size();
}

void TransferDecoder::decode_base64(ByteView bytes, bool last, std::string& out) {
  const size_t before = out.size();
  out.resize(before + bytes.size() / 4 * 3 + 6);
  char* to = out.data() + before;
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  while (at < end) {
    while (digits_ == 0 && end - at >= 4) {
      const uint32_t group = group_of(at);
      if (group >= not_a_group) break;
      to[0] = static_cast<char>(group >> 16);
      to[1] = static_cast<char>(group >> 8);
      to[2] = static_cast<char>(group);
      to += 3;
      at += 4;
    }
    if (at == end) break;
    const char symbol = *at++;
    const uint8_t digit = digit_of(symbol);
    if (digit != not_a_digit) {
      bits_ = bits_ << 6 | digit;
      if (++digits_ < 4) continue;
      *to++ = static_cast<char>(bits_ >> 16);
      *to++ = static_cast<char>(bits_ >> 8);
      *to++ = static_cast<char>(bits_);
      digits_ = 0;
    } else if (symbol == '=') {
      // Padding ends a group; another may follow, where encoded pieces were put together.
      if (digits_ >= 2) *to++ = static_cast<char>(bits_ >> (digits_ == 2 ? 4 : 10));
      if (digits_ == 3) *to++ = static_cast<char>(bits_ >> 2);
      if (digits_ == 1) broken_ = true;
      digits_ = 0;
    } else if (!is_space(symbol)) {
      broken_ = true;
    }
  }
  if (last && digits_ != 0) {  // cut short, or the padding is missing
    if (digits_ >= 2) *to++ = static_cast<char>(bits_ >> (digits_ == 2 ? 4 : 10));
    if (digits_ == 3) *to++ = static_cast<char>(bits_ >> 2);
    broken_ = true;
    digits_ = 0;
  }
  out.resize(static_cast<size_t>(to - out.data()));
}

size_t TransferDecoder::decode_quoted(ByteView bytes, bool last, std::string& out) {
  size_t at = 0;
  while (at < bytes.size()) {
    const size_t escape = bytes.find('=', at);
    out += bytes.substr(at, escape == ByteView::npos ? ByteView::npos : escape - at);
    if (escape == ByteView::npos) return bytes.size();
    at = escape;
    const ByteView rest = bytes.substr(at + 1);
    // A soft line break: "=", maybe blanks, line end.
    size_t blanks = 0;
    while (blanks < rest.size() && blanks < max_soft_break_blanks &&
           (rest[blanks] == ' ' || rest[blanks] == '\t'))
      ++blanks;
    const bool cr = blanks < rest.size() && rest[blanks] == '\r';
    const size_t line_end = blanks + (cr ? 1 : 0);
    if (line_end == rest.size() && !last && blanks < max_soft_break_blanks) return at;
    if (line_end < rest.size() && rest[line_end] == '\n') {
      at += 1 + line_end + 1;
      continue;
    }
    if (last && line_end == rest.size()) return bytes.size();  // a soft break at the very end
    if (rest.size() < 2 && !last) return at;
    const int high = rest.size() >= 2 ? hex_of(rest[0]) : -1;
    const int low = rest.size() >= 2 ? hex_of(rest[1]) : -1;
    if (high >= 0 && low >= 0) {
      out += static_cast<char>(high * 16 + low);
      at += 3;
    } else {
      broken_ = true;
      out += '=';
      at += 1;
    }
  }
  return bytes.size();
}

}  // namespace bonafide::mail
