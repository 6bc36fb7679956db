#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

// JSON (RFC 8259) as Avro needs it: every node knows where it stands in the text, numbers keep their digits.
namespace bonafide::avro {

struct Json {
  enum class Kind : uint8_t { null, boolean, number, string, array, object };

  Kind kind = Kind::null;
  bool truth = false;             ///< boolean
  size_t at = 0;                  ///< byte offset of the first character of the value
  std::string text;               ///< string: decoded, valid UTF-8; number: as written
  std::vector<Json> items;        ///< array: elements; object: values
  std::vector<std::string> keys;  ///< object: keys, parallel to items, each once

  /// The member of an object, or nullptr.
  [[nodiscard]] const Json* find(std::string_view key) const;
};

/// Parses one JSON value, with nothing but white space around it. At most `max_depth` arrays and objects
/// inside each other. Errors: invalid, beginning with "line:column: ".
Result<Json> parse_json(std::string_view text, int max_depth = 256);

/// "line:column" of a byte offset, both from 1; columns count characters.
std::string json_place(std::string_view text, size_t offset);

/// The word for a kind of value, for errors: "a string", "an object" …
std::string_view describe(Json::Kind kind);

/// Appends the value without white space, keys in their order.
void append_json(std::string& out, const Json& value);

}  // namespace bonafide::avro
