#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "base/result.hpp"

// Avro schemas (Apache Avro specification 1.11 and 1.12).
namespace bonafide::avro {

enum class Type : uint8_t {
  null,
  boolean,
  int32,
  int64,
  float32,
  float64,
  bytes,
  string,
  record,
  enumeration,
  array,
  map,
  union_,
  fixed,
};

/// The name as the specification spells it: "int", "long", "enum" …
std::string_view to_string(Type type);

enum class Logical : uint8_t {
  none,
  decimal,
  uuid,
  date,
  time_millis,
  time_micros,
  timestamp_millis,
  timestamp_micros,
  timestamp_nanos,
  local_timestamp_millis,
  local_timestamp_micros,
  local_timestamp_nanos,
  duration,
};

/// "timestamp-micros" …; "" for none.
std::string_view to_string(Logical logical);

enum class Order : uint8_t { ascending, descending, ignore };

struct Node;

/// An attribute the specification does not know; kept, and written back by to_json().
struct Attribute {
  std::string key, json;
};

struct Field {
  std::string name;
  std::string doc;
  std::vector<std::string> aliases;
  Order order = Order::ascending;
  const Node* type = nullptr;
  bool has_default = false;
  std::string default_json;    ///< as in the schema, without white space
  std::string default_binary;  ///< the default in the binary encoding of `type`
  std::vector<Attribute> attributes;
};

/// One place of a schema; what is not of its type is empty. Never changes once parsed, and may stand in a
/// cycle.
struct Node {
  Type type = Type::null;
  Logical logical =
      Logical::none;  ///< none too where the annotation is unknown or invalid, as the specification asks
  int32_t precision = 0, scale = 0;  ///< of a decimal
  std::string name;                  ///< full name of a record, enum or fixed
  std::string doc;
  std::vector<std::string> aliases;  ///< full names
  std::vector<Field> fields;         ///< record
  std::vector<std::string> symbols;  ///< enum
  std::optional<size_t> default_symbol;
  size_t size = 0;                    ///< fixed, in bytes
  const Node* item = nullptr;         ///< array: items; map: values
  std::vector<const Node*> branches;  ///< union
  std::vector<Attribute> attributes;  ///< also an ignored logicalType
  size_t min_bytes = 0;               ///< no value of this type is encoded shorter (a lower bound)
  int depth = 1;                      ///< longest chain of nested types below, not counting recursion

  [[nodiscard]] bool named() const {
    return type == Type::record || type == Type::enumeration || type == Type::fixed;
  }
};

/// A parsed schema. Immutable; copies share it; safe to use from several threads.
class Schema {
 public:
  /// The schema "null".
  Schema();
  [[nodiscard]] const Node& root() const { return *root_; }
  const Node* operator->() const { return root_; }
  /// The named types defined in this schema's text, by full name.
  [[nodiscard]] const std::map<std::string, const Node*, std::less<>>& named() const;
  /// The whole schema as JSON without white space: self-contained (types known from elsewhere are written out
  /// where they first occur), nothing left out, attributes in a fixed order. Equal texts mean equal schemas.
  [[nodiscard]] std::string to_json() const;

 private:
  friend class SchemaParser;
  struct Data;
  Schema(std::shared_ptr<const Data> data, const Node* root) : data_(std::move(data)), root_(root) {}

  std::shared_ptr<const Data> data_;
  const Node* root_;
};

/// Named types that later schemas may refer to.
class Names {
 public:
  /// Takes over all types that `schema` defines. Errors: conflict (a name is taken).
  Status add(const Schema& schema);

 private:
  friend class SchemaParser;
  struct Entry {
    Schema owner;
    const Node* node;
  };
  std::map<std::string, Entry, std::less<>> entries_;
};

/// Parses a schema of at most 4 MiB. Errors: invalid, "line:column: what is wrong: what to do".
Result<Schema> parse_schema(std::string_view text, const Names* known = nullptr);

/// Parsing Canonical Form: what matters for reading, in one spelling. Doc, defaults, aliases and logical
/// types are not part of it.
std::string canonical_form(const Schema& schema);

/// CRC-64-AVRO of the canonical form. The specification prints it big-endian as a number (this value) and
/// puts it little-endian into single-object encoding (see single_object_header).
uint64_t fingerprint64(const Schema& schema);
/// CRC-64-AVRO (Rabin) of any bytes.
uint64_t rabin_fingerprint(ByteView bytes);
Digest fingerprint_sha256(const Schema& schema);
/// The 10 bytes before a value in single-object encoding: C3 01 and the fingerprint, little-endian.
std::string single_object_header(const Schema& schema);

}  // namespace bonafide::avro
