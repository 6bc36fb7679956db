#include "avro/json.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bonafide::avro {
namespace {

void append_utf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

class Parser {
 public:
  Parser(std::string_view text, int max_depth) : text_(text), depth_left_(max_depth) {}

  Result<Json> document() {
    Json value;
    skip_space();
    BONAFIDE_TRY(parse(value));
    skip_space();
    if (at_ != text_.size()) return error(at_, "text after the end of the JSON value: remove it");
    return value;
  }

 private:
  Error error(size_t at, const std::string& what) const {
    return {Cause::invalid, json_place(text_, at) + ": " + what};
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  Status parse(Json& value) {
    value.at = at_;
    switch (peek()) {
      case '{':
        return nested(value, &Parser::object);
      case '[':
        return nested(value, &Parser::array);
      case '"':
        value.kind = Json::Kind::string;
        return string(value.text);
      case 't':
        value.truth = true;
        return word(value, "true", Json::Kind::boolean);
      case 'f':
        return word(value, "false", Json::Kind::boolean);
      case 'n':
        return word(value, "null", Json::Kind::null);
      default:
        break;
    }
    if (peek() == '-' || is_digit(peek())) return number(value);
    if (at_ >= text_.size()) return error(at_, "the text ends where a JSON value should stand");
    return error(at_, "a JSON value is expected here");
  }

  Status nested(Json& value, Status (Parser::*body)(Json&)) {
    if (depth_left_ == 0) return error(at_, "too many arrays and objects inside each other");
    --depth_left_;
    ++at_;
    BONAFIDE_TRY((this->*body)(value));
    ++depth_left_;
    return Ok{};
  }

  Status array(Json& value) {
    value.kind = Json::Kind::array;
    skip_space();
    if (take(']')) return Ok{};
    for (;;) {
      skip_space();
      BONAFIDE_TRY(parse(value.items.emplace_back()));
      skip_space();
      if (take(']')) return Ok{};
      if (!take(','))
        return error(at_, "expected \",\" or \"]\" in the array begun at " + json_place(text_, value.at));
    }
  }

  Status object(Json& value) {
    value.kind = Json::Kind::object;
    skip_space();
    if (take('}')) return Ok{};
    for (;;) {
      skip_space();
      if (peek() != '"') return error(at_, "expected a key in double quotes");
      BONAFIDE_TRY(string(value.keys.emplace_back()));
      skip_space();
      if (!take(':')) return error(at_, "expected \":\" after the key \"" + value.keys.back() + "\"");
      skip_space();
      BONAFIDE_TRY(parse(value.items.emplace_back()));
      skip_space();
      if (take('}')) return unique_keys(value);
      if (!take(','))
        return error(at_, "expected \",\" or \"}\" in the object begun at " + json_place(text_, value.at));
    }
  }

  Status unique_keys(const Json& value) {
    std::vector<std::string_view> keys(value.keys.begin(), value.keys.end());
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice == keys.end()) return Ok{};
    return error(value.at, "the object has the key \"" + std::string(*twice) + "\" twice: keep one");
  }

  Status word(Json& value, std::string_view word, Json::Kind kind) {
    if (text_.substr(at_, word.size()) != word) return error(at_, "a JSON value is expected here");
    at_ += word.size();
    value.kind = kind;
    return Ok{};
  }

  Status digits() {
    if (!is_digit(peek())) return error(at_, "a digit is expected here");
    while (is_digit(peek())) ++at_;
    return Ok{};
  }

  Status number(Json& value) {
    value.kind = Json::Kind::number;
    const size_t start = at_;
    take('-');
    if (take('0')) {
      if (is_digit(peek())) return error(start, "a number does not begin with 0");
    } else {
      BONAFIDE_TRY(digits());
    }
    if (take('.')) BONAFIDE_TRY(digits());
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      BONAFIDE_TRY(digits());
    }
    value.text = text_.substr(start, at_ - start);
    return Ok{};
  }

  Result<uint32_t> four_hex() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = ascii_lower(peek());
      if (is_digit(c)) {
        value = value * 16 + static_cast<uint32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        value = value * 16 + static_cast<uint32_t>(c - 'a' + 10);
      } else {
        return error(at_, "four hex digits are expected after \\u");
      }
    }
    return value;
  }

  Status unicode_escape(std::string& out) {
    const size_t start = at_ - 2;
    BONAFIDE_ASSIGN(uint32_t point, four_hex());
    if (point >= 0xDC00 && point <= 0xDFFF) return error(start, "half of a surrogate pair");
    if (point >= 0xD800 && point <= 0xDBFF) {
      if (!take('\\') || !take('u')) return error(start, "half of a surrogate pair");
      BONAFIDE_ASSIGN(const uint32_t low, four_hex());
      if (low < 0xDC00 || low > 0xDFFF) return error(start, "half of a surrogate pair");
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, point);
    return Ok{};
  }

  Status escape(std::string& out) {
    static constexpr std::string_view letters = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const char c = peek();
    const size_t i = letters.find(c);
    if (at_ < text_.size() && i != std::string_view::npos) {
      ++at_;
      out += meanings[i];
      return Ok{};
    }
    if (c != 'u') return error(at_ - 1, "no such escape in JSON");
    ++at_;
    return unicode_escape(out);
  }

  Status string(std::string& out) {
    const size_t start = at_++;
    for (;;) {
      const size_t plain = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<uint8_t>(text_[at_]) >= 0x20) {
        ++at_;
      }
      const std::string_view run = text_.substr(plain, at_ - plain);
      if (!is_utf8(run))
        return error(plain, "the string begun at " + json_place(text_, start) + " is not valid UTF-8");
      out += run;
      if (at_ >= text_.size()) return error(start, "the string that begins here does not end");
      if (take('"')) return Ok{};
      if (!take('\\')) return error(at_, "a control character in a string: write it as an escape");
      BONAFIDE_TRY(escape(out));
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_left_;
};

}  // namespace

const Json* Json::find(std::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return &items[i];
  }
  return nullptr;
}

Result<Json> parse_json(std::string_view text, int max_depth) { return Parser(text, max_depth).document(); }

std::string json_place(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  // Continuation bytes of UTF-8 are not characters of their own.
  const auto column = std::count_if(before.begin() + static_cast<std::ptrdiff_t>(line_start), before.end(),
                                    [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
  return std::to_string(lines + 1) + ":" + std::to_string(column + 1);
}

std::string_view describe(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::null:
      return "null";
    case Json::Kind::boolean:
      return "a boolean";
    case Json::Kind::number:
      return "a number";
    case Json::Kind::string:
      return "a string";
    case Json::Kind::array:
      return "an array";
    case Json::Kind::object:
      return "an object";
  }
  return "";
}

void append_json(std::string& out, const Json& value) {
  switch (value.kind) {
    case Json::Kind::null:
      out += "null";
      break;
    case Json::Kind::boolean:
      out += value.truth ? "true" : "false";
      break;
    case Json::Kind::number:
      out += value.text;
      break;
    case Json::Kind::string:
      append_json_string(out, value.text);
      break;
    case Json::Kind::array:
      out += '[';
      for (size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out += ',';
        append_json(out, value.items[i]);
      }
      out += ']';
      break;
    case Json::Kind::object:
      out += '{';
      for (size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out += ',';
        append_json_string(out, value.keys[i]);
        out += ':';
        append_json(out, value.items[i]);
      }
      out += '}';
      break;
  }
}

}  // namespace bonafide::avro
