#pragma once
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.hpp"

namespace bonafide {

/// Appends `text` as a JSON string with its quotes (RFC 8259). Bytes that are not UTF-8 become U+FFFD;
/// control characters, also those of C1 and U+2028/2029, are escaped.
void append_json_string(std::string& out, std::string_view text);

/// Writes JSON without white space, commas placed by itself:
///
///   JsonWriter json;
///   json.begin_object().member("id",
///   id).key("hops").begin_array().value(1).value(2).end_array().end_object();
///
/// The caller closes what it opens and gives each member a key. Doubles are written by to_decimal(), so that
/// the same number gives the same bytes everywhere; those that are not finite become null, as JSON has no
/// word for them.
class JsonWriter {
 public:
  JsonWriter() = default;
  /// Continues after what `begun` already holds, e.g. the lines before.
  explicit JsonWriter(std::string begun) : out_(std::move(begun)) {}

  JsonWriter& begin_object() { return punctuate('{'); }
  JsonWriter& begin_array() { return punctuate('['); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(double number);
  /// RFC 3339, UTC.
  JsonWriter& value(Time time) { return value(std::string_view(format_rfc3339(time))); }
  template <std::same_as<bool> T>
  JsonWriter& value(T truth) {
    return raw(truth ? "true" : "false");
  }
  template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, char>)
  JsonWriter& value(T number) {
    return raw(std::to_string(number));
  }
  JsonWriter& null() { return raw("null"); }
  /// A value that is JSON already.
  JsonWriter& raw(std::string_view json);
  template <class T>
  JsonWriter& member(std::string_view name, T&& given) {
    return key(name).value(std::forward<T>(given));
  }
  /// Ends a top-level value: one value a line (JSON lines).
  JsonWriter& end_line() {
    out_ += '\n';
    return *this;
  }

  [[nodiscard]] const std::string& text() const { return out_; }
  [[nodiscard]] std::string take() { return std::exchange(out_, {}); }

 private:
  JsonWriter& punctuate(char bracket);
  JsonWriter& close(char bracket) {
    out_ += bracket;
    return *this;
  }
  void separate();

  std::string out_;
};

}  // namespace bonafide
