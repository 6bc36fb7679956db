#pragma once
#include <string>
#include <string_view>

#include "avro/codec.hpp"
#include "avro/json.hpp"
#include "avro/schema.hpp"

// Avro's JSON encoding: a value of a union other than null is {"branch": value}, bytes and fixed are strings
// whose characters U+0000 to U+00FF stand for bytes, enums are strings. NaN and the infinities are the
// strings "NaN", "Infinity" and "-Infinity", as Apache Avro writes them.
namespace bonafide::avro {

/// Reads one value and appends it as JSON, without white space. Errors: invalid (damaged bytes); `out` is
/// then as before.
Status binary_to_json(Decoder& in, const Node& node, std::string& out);

/// Appends the binary encoding of a value in Avro's JSON encoding; fields left out take their default.
/// Errors: invalid, beginning with "line:column: "; `out` is then as before.
Status json_to_binary(std::string_view text, const Node& node, std::string& out);

/// Appends the binary encoding of a field's default: JSON as above, but a value of a union stands bare and
/// takes the first branch it fits. `text` is what `json` was parsed from. Takes the effort off `work_left`
/// and fails at its end: defaults can refer to defaults.
Status default_to_binary(const Json& json, const Node& node, std::string_view text, size_t& work_left,
                         std::string& out);

}  // namespace bonafide::avro
