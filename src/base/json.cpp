#include "base/json.hpp"

#include <cmath>

#include "base/text.hpp"

namespace bonafide {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_escape(std::string& out, uint32_t unit) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += hex_digits[(unit >> shift) & 15];
}

// Bytes at the start of valid `text` that may stand in a JSON string but are better escaped: C1 controls, and
// the two line ends that break JavaScript. Appends the escape and returns how many bytes it stands for, 0 if
// none.
size_t escape_beyond_ascii(std::string& out, std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  if (byte(0) == 0xC2 && byte(1) < 0xA0) {
    append_escape(out, byte(1));
    return 2;
  }
  if (byte(0) == 0xE2 && byte(1) == 0x80 && (byte(2) == 0xA8 || byte(2) == 0xA9)) {
    append_escape(out, 0x2000U + (byte(2) & 0x3FU));
    return 3;
  }
  return 0;
}

bool is_plain(char c) { return c >= ' ' && c < 0x7F && c != '"' && c != '\\'; }

void append_escaped(std::string& out, std::string_view valid) {
  for (size_t i = 0; i < valid.size();) {
    const size_t run = i;
    while (i < valid.size() && is_plain(valid[i])) ++i;
    out.append(valid, run, i - run);
    if (i == valid.size()) return;
    const char c = valid[i];
    if (const size_t escaped = static_cast<uint8_t>(c) < 0x80 ? 0 : escape_beyond_ascii(out, valid.substr(i));
        escaped > 0) {
      i += escaped;
      continue;
    }
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
          append_escape(out, static_cast<uint8_t>(c));
        } else {
          out += c;
        }
    }
    ++i;
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  if (is_utf8(text)) {
    append_escaped(out, text);
  } else {
    append_escaped(out, repair_utf8(text));
  }
  out += '"';
}

void JsonWriter::separate() {
  if (out_.empty()) return;
  const char last = out_.back();
  if (last != '{' && last != '[' && last != ':' && last != '\n') out_ += ',';
}

JsonWriter& JsonWriter::punctuate(char bracket) {
  separate();
  out_ += bracket;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_ += ':';
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  return std::isfinite(number) ? raw(to_decimal(number)) : null();
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

}  // namespace bonafide
