#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "avro/codec.hpp"
#include "avro/schema.hpp"
#include "avro/types.hpp"

namespace bonafide::avro {

/// Any value of any schema, for tools and tests. What is on a hot path is bound to structs (bind.hpp)
/// instead.
struct Value {
  struct Null {
    friend bool operator==(Null, Null) { return true; }
  };
  /// Bytes or fixed.
  using Raw = Bytes;
  struct Symbol {
    size_t index = 0;
    friend bool operator==(Symbol, Symbol) = default;
  };
  using Items = std::vector<Value>;  ///< array
  struct Entry;
  using Entries = std::vector<Entry>;  ///< map, in the order of the data
  struct Members {
    std::vector<Value> values;  ///< record: in the order of the schema's fields
    friend bool operator==(const Members&, const Members&) = default;
  };

  std::variant<Null, bool, int32_t, int64_t, float, double, Raw, std::string, Symbol, Items, Entries, Members>
      data;
  /// Where the schema has a union: the index of the branch that `data` is of.
  int32_t branch = 0;

  friend bool operator==(const Value&, const Value&) = default;
};

struct Value::Entry {
  std::string key;
  Value value;
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// Reads one value. Errors: invalid (damaged bytes, a string that is not UTF-8), "byte N: …".
Result<Value> decode(Decoder& in, const Node& node);
/// The same for a value that takes all of `bytes`.
Result<Value> decode(ByteView bytes, const Schema& schema);

/// Appends the binary encoding. Errors: invalid (the value is not of this schema), naming the place in the
/// value; `out` is then as before.
Status encode(const Value& value, const Node& node, std::string& out);

/// Avro's JSON encoding (json_codec.hpp). Errors: invalid.
Result<std::string> to_json(const Value& value, const Schema& schema);
/// Errors: invalid, "line:column: …".
Result<Value> from_json(std::string_view text, const Schema& schema);

}  // namespace bonafide::avro
