#include "mail/parse/header.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/text.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t max_line_bytes = 998;  // RFC 5322 2.1.1

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Place of the first control character at or after `at`, text.size() if there is none. Eight bytes at a time
// are told apart by the borrow that a zero leaves in its high bit.
size_t next_control(std::string_view text, size_t at) {
  constexpr uint64_t ones = 0x0101010101010101U, highs = 0x80 * ones;
  for (; at + 8 <= text.size(); at += 8) {
    const auto eight = load_le<uint64_t>(text.data() + at);
    const uint64_t deletes = eight ^ (0x7F * ones);
    const uint64_t found = (((eight - ' ' * ones) & ~eight) | ((deletes - ones) & ~deletes)) & highs;
    // Bytes above the first one found may be found by its borrow: the lowest is the true one.
    if (found != 0) return at + static_cast<size_t>(std::countr_zero(found)) / 8;
  }
  while (at < text.size() && static_cast<uint8_t>(text[at]) >= ' ' && text[at] != 127) ++at;
  return at;
}

// Length of the field name at the start of a line, 0 if there is none: printable ASCII, blanks allowed before
// the colon (obsolete syntax). `colon` is set to the colon's place.
size_t name_length(std::string_view line, size_t& colon) {
  size_t at = 0;
  while (at < line.size() && line[at] > ' ' && line[at] < 127 && line[at] != ':') ++at;
  const size_t length = at;
  while (at < line.size() && is_blank(line[at])) ++at;
  if (length == 0 || at == line.size() || line[at] != ':') return 0;
  colon = at;
  return length;
}

}  // namespace

struct HeaderBlock::Line {
  std::string_view text;  // without its end
  size_t next = 0;        // where the next one begins
  bool ended = false;     // by LF; else the bytes are over
  bool cr = false;        // by CRLF

  static Line at(ByteView bytes, size_t begin) {
    Line line;
    const auto* end = static_cast<const char*>(std::memchr(bytes.data() + begin, '\n', bytes.size() - begin));
    line.ended = end != nullptr;
    const size_t stop = line.ended ? static_cast<size_t>(end - bytes.data()) : bytes.size();
    line.next = line.ended ? stop + 1 : stop;
    line.cr = line.ended && stop > begin && bytes[stop - 1] == '\r';
    line.text = bytes.substr(begin, stop - begin - (line.cr ? 1 : 0));
    return line;
  }
};

void HeaderBlock::scan(ByteView bytes, bool tolerant, const LineTest* ends_part) {
  fields_.clear();
  total_ = size_ = body_at_ = 0;
  flaws_ = 0;
  size_t at = 0;
  bool crlf = false, lf = false;
  while (at < bytes.size()) {
    const Line line = Line::at(bytes, at);
    if (line.ended) (line.cr ? crlf : lf) = true;
    if (line.text.empty()) {
      size_ = at;
      body_at_ = line.next;
      break;
    }
    if (ends_part != nullptr && line.text.starts_with("--") && (*ends_part)(line.text)) break;
    if (line.text.size() > max_line_bytes) flaws_ |= long_line;
    if (!take_line(line)) {
      // One stray line among fields is passed over; where the next line is none either, the body has begun.
      size_t colon = 0;
      const bool stray = tolerant && line.next < bytes.size() && [&] {
        const Line after = Line::at(bytes, line.next);
        return after.text.empty() || is_blank(after.text[0]) || name_length(after.text, colon) > 0;
      }();
      if (!stray) {
        flaws_ |= no_separator;
        size_ = body_at_ = at;
        break;
      }
      flaws_ |= no_colon;
    }
    at = line.next;
    size_ = body_at_ = at;
  }
  if (crlf && lf) flaws_ |= mixed_ends;
  if (total_ > fields_.size()) flaws_ |= too_many_fields;
  look_at_bytes(bytes.substr(0, size_));
}

// A field, or the continuation of the one before. False: neither.
bool HeaderBlock::take_line(const Line& line) {
  if (is_blank(line.text[0])) {
    if (total_ == 0) return false;
    if (total_ == fields_.size()) {
      auto& value = fields_.back().value;
      value = {value.data(), static_cast<size_t>(line.text.data() + line.text.size() - value.data())};
    }
    return true;
  }
  size_t colon = 0;
  const size_t length = name_length(line.text, colon);
  if (length == 0) return false;
  ++total_;
  if (fields_.size() < max_fields)
    fields_.push_back({line.text.substr(0, length), line.text.substr(colon + 1)});
  return true;
}

void HeaderBlock::look_at_bytes(ByteView block) {
  if (block.find('\0') != ByteView::npos) flaws_ |= nul;
  for (size_t cr = block.find('\r'); cr != ByteView::npos; cr = block.find('\r', cr + 1)) {
    if (cr + 1 == block.size() || block[cr + 1] != '\n') {
      flaws_ |= bare_cr;
      break;
    }
  }
  if (!is_utf8(block)) flaws_ |= not_utf8;
}

const HeaderField* HeaderBlock::find(std::string_view name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const HeaderField& field) {
    return equals_ignoring_case(field.name, name);
  });
  return found == fields_.end() ? nullptr : &*found;
}

std::string_view unfold(std::string_view value, std::string& buffer, size_t max_bytes) {
  value = trim(value.substr(0, max_bytes));
  size_t at = next_control(value, 0);
  if (at == value.size()) return value;
  buffer.clear();
  for (size_t done = 0; done < value.size(); at = next_control(value, done)) {
    buffer.append(value, done, at - done);
    done = at + 1;
    if (at == value.size() || value[at] == '\n' || value.substr(at, 2) == "\r\n") continue;
    buffer += ' ';
  }
  return buffer;
}

}  // namespace bonafide::mail
