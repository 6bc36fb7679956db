#include "mail/parse/excerpt.hpp"

#include <array>

#include "base/bytes.hpp"
#include "base/text.hpp"

namespace bonafide::mail {
namespace {

// Length of the character at the start of `text` if it has no width or is a blank beyond ASCII; `blank` tells
// which.
size_t invisible_length(std::string_view text, bool& blank) {
  static constexpr std::array<std::string_view, 2> blanks = {"\xC2\xA0", "\xE3\x80\x80"};
  // Soft hyphen, combining grapheme joiner, zero-width space to right-to-left mark, word joiner, byte order
  // mark.
  static constexpr std::array<std::string_view, 9> nothing = {"\xC2\xAD",     "\xCD\x8F",     "\xE2\x80\x8B",
                                                              "\xE2\x80\x8C", "\xE2\x80\x8D", "\xE2\x80\x8E",
                                                              "\xE2\x80\x8F", "\xE2\x81\xA0", "\xEF\xBB\xBF"};
  for (const auto one : blanks) {
    if (text.starts_with(one)) return (blank = true), one.size();
  }
  blank = false;
  for (const auto one : nothing) {
    if (text.starts_with(one)) return one.size();
  }
  // En quad to hair space.
  if (text.starts_with("\xE2\x80") && text.size() > 2 && static_cast<uint8_t>(text[2]) <= 0x8A) {
    blank = true;
    return 3;
  }
  return 0;
}

// Bytes that need a look: blanks, and first bytes of what invisible_length() knows.
constexpr auto needs_look = [] {
  std::array<bool, 256> table{};
  for (const uint8_t byte : {' ', '\t', '\n', '\v', '\f', '\r'}) table[byte] = true;
  for (const unsigned byte : {0xC2U, 0xCDU, 0xE2U, 0xE3U, 0xEFU}) table[byte] = true;
  return table;
}();
bool is_ordinary(char c) { return !needs_look[static_cast<uint8_t>(c)]; }

// Where, from `at` on, the printable ASCII with single blanks between ends, or up to eight bytes before that;
// never behind a blank. Eight bytes at a time: the high bit of each byte tells what it is.
size_t skip_words(std::string_view text, size_t at) {
  constexpr uint64_t ones = 0x0101010101010101U, highs = 0x80 * ones, lows = 0x7F * ones;
  const size_t begin = at;
  uint64_t blank_before = 0x80;  // at the start none is taken
  for (; at + 8 <= text.size(); at += 8) {
    const auto eight = load_le<uint64_t>(text.data() + at);
    const uint64_t visible = (eight & lows) + (0x7F - ' ') * ones;  // high bit: above the blank
    const uint64_t other = eight ^ (' ' * ones);
    const uint64_t blanks = ~(((other & lows) + lows) | other) & highs;
    if ((((~visible & ~blanks) | eight | (blanks & (blanks << 8 | blank_before))) & highs) != 0) break;
    blank_before = blanks >> 56;
  }
  return at > begin && text[at - 1] == ' ' ? at - 1 : at;
}

}  // namespace

void Excerpt::put(std::string_view visible) {
  if (visible.empty() || full_) return;
  std::string_view before;
  if (!text_.empty())
    before = pending_ == none ? "" : pending_ == space ? " " : pending_ == newline ? "\n" : "\n\n";
  pending_ = none;
  if (text_.size() + before.size() >= max_bytes_) {
    full_ = true;
    return;
  }
  text_ += before;
  const auto fits = cut_utf8(visible, max_bytes_ - text_.size());
  text_ += fits;
  full_ = fits.size() < visible.size();
}

void Excerpt::flow(std::string_view text) {
  size_t begin = 0;
  for (size_t at = 0; at < text.size() && !full_;) {
    // Ordinary characters with one blank between are taken as they are.
    at = skip_words(text, at);
    while (at < text.size() && is_ordinary(text[at])) ++at;
    if (at == text.size()) break;
    if (text[at] == ' ' && at > begin && at + 1 < text.size() && is_ordinary(text[at + 1])) {
      ++at;
      continue;
    }
    bool gap = is_space(text[at]);
    const size_t skipped = gap ? 1 : invisible_length(text.substr(at), gap);
    if (skipped == 0) {
      ++at;
      continue;
    }
    put(text.substr(begin, at - begin));
    if (gap) blank();
    at += skipped;
    begin = at;
  }
  if (begin < text.size()) put(text.substr(begin));
}

void Excerpt::lines(std::string_view text) {
  while (!text.empty() && !full_) {
    const size_t end = text.find('\n');
    flow(text.substr(0, end));
    if (end == std::string_view::npos) break;
    line_break();
    text.remove_prefix(end + 1);
  }
}

std::string Excerpt::take_since(size_t mark) {
  std::string taken = text_.substr(mark);
  text_.resize(mark);
  full_ = false;
  pending_ = newline;
  return taken;
}

void Excerpt::put_back(std::string_view text) {
  text_ += text;
  full_ = text_.size() >= max_bytes_;
}

}  // namespace bonafide::mail
