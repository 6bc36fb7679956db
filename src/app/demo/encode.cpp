#include "app/demo/encode.hpp"

#include <algorithm>
#include <array>

#include "app/demo/dice.hpp"
#include "base/text.hpp"

namespace bonafide::app::demo {
namespace {

constexpr std::string_view crlf = "\r\n";

bool is_word_safe(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '!' || c == '*';
}

void append_escaped(std::string& out, char c) {
  out += '=';
  out += upper_hex[static_cast<uint8_t>(c) >> 4];
  out += upper_hex[static_cast<uint8_t>(c) & 15];
}

// Printable characters that stand for themselves in quoted-printable.
constexpr std::array<bool, 256> is_literal = [] {
  std::array<bool, 256> table{};
  for (size_t c = ' '; c < 127; ++c) table[c] = c != '=';
  return table;
}();

}  // namespace

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

void append_quoted_printable(std::string& out, std::string_view text) {
  constexpr size_t most = 75;  // and the "=" of a soft line break
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    size_t column = 0;
    for (size_t i = 0; i < line.size();) {
      size_t run = i;  // as much as can stand as it is, a blank at the end of the line cannot
      while (run < line.size() && is_literal[static_cast<uint8_t>(line[run])] &&
             (line[run] != ' ' || run + 1 < line.size()))
        ++run;
      for (size_t left = run - i; left > 0;) {
        const size_t part = std::min(left, most - column);
        out.append(line, i, part);
        i += part;
        left -= part;
        column += part;
        if (left > 0) {
          out += "=\r\n";
          column = 0;
        }
      }
      if (i == line.size()) break;
      if (column + 3 > most) {
        out += "=\r\n";
        column = 0;
      }
      append_escaped(out, line[i++]);
      column += 3;
    }
    out += crlf;
  }
}

void append_base64_lines(std::string& out, std::string_view text) {
  constexpr size_t bytes_a_line = 57;
  for (size_t i = 0; i < text.size(); i += bytes_a_line) {
    out += to_base64(text.substr(i, bytes_a_line));
    out += crlf;
  }
}

void append_with_crlf(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out += text.substr(0, end);
    out += crlf;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void append_header_text(std::string& out, std::string_view text, bool base64) {
  if (is_ascii(text)) {
    out += text;
    return;
  }
  constexpr size_t most =
      39;  // bytes of text in a word: 75 characters of word even if each byte takes three … or nearly
  while (!text.empty()) {
    std::string_view part = cut_utf8(text, base64 ? most : most / 2 + 1);
    text.remove_prefix(part.size());
    out += base64 ? "=?UTF-8?B?" : "=?UTF-8?Q?";
    if (base64) {
      out += to_base64(part);
    } else {
      for (const char c : part) {
        if (c == ' ') {
          out += '_';
        } else if (is_word_safe(c)) {
          out += c;
        } else {
          append_escaped(out, c);
        }
      }
    }
    out += "?=";
    if (!text.empty()) out += "\r\n ";
  }
}

void append_mailbox(std::string& out, std::string_view name, std::string_view address, bool always_quotes,
                    bool base64) {
  if (name.empty()) {
    out += address;
    return;
  }
  if (!is_ascii(name)) {
    append_header_text(out, name, base64);
  } else if (always_quotes || name.find_first_of("()<>[]:;@\\,.\"") != std::string_view::npos) {
    out += '"';
    out += name;
    out += '"';
  } else {
    out += name;
  }
  out += " <";
  out += address;
  out += '>';
}

void append_wrapped(std::string& out, std::string_view paragraph, size_t width, std::string_view prefix) {
  do {
    size_t end = paragraph.size();
    if (end > width) {
      end = paragraph.rfind(' ', width);
      if (end == std::string_view::npos) end = std::min(paragraph.find(' '), paragraph.size());
    }
    out += prefix;
    out += paragraph.substr(0, end);
    out += '\n';
    paragraph.remove_prefix(std::min(end + 1, paragraph.size()));
  } while (!paragraph.empty());
}

void append_html_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of("&<>"), text.size());
    out += text.substr(0, end);
    text.remove_prefix(end);
    if (text.empty()) return;
    out += text[0] == '&' ? "&amp;" : text[0] == '<' ? "&lt;" : "&gt;";
    text.remove_prefix(1);
  }
}

}  // namespace bonafide::app::demo
