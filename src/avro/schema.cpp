#include "avro/schema.hpp"

#include <array>
#include <set>

#include "avro/json.hpp"
#include "avro/schema_data.hpp"
#include "base/text.hpp"

namespace bonafide::avro {

std::string_view to_string(Type type) {
  static constexpr std::array<std::string_view, 14> names = {"null",   "boolean", "int",    "long",   "float",
                                                             "double", "bytes",   "string", "record", "enum",
                                                             "array",  "map",     "union",  "fixed"};
  return names[static_cast<size_t>(type)];
}

std::string_view to_string(Logical logical) {
  static constexpr std::array<std::string_view, 13> names = {"",
                                                             "decimal",
                                                             "uuid",
                                                             "date",
                                                             "time-millis",
                                                             "time-micros",
                                                             "timestamp-millis",
                                                             "timestamp-micros",
                                                             "timestamp-nanos",
                                                             "local-timestamp-millis",
                                                             "local-timestamp-micros",
                                                             "local-timestamp-nanos",
                                                             "duration"};
  return names[static_cast<size_t>(logical)];
}

const Node& primitive(Type type) {
  static const std::array<Node, 8> nodes = [] {
    constexpr std::array<size_t, 8> min_bytes = {0, 1, 1, 1, 4, 8, 1, 1};
    std::array<Node, 8> made;
    for (size_t i = 0; i < made.size(); ++i) {
      made[i].type = static_cast<Type>(i);
      made[i].min_bytes = min_bytes[i];
    }
    return made;
  }();
  return nodes[static_cast<size_t>(type)];
}

Schema::Schema() : data_(std::make_shared<Data>()), root_(&primitive(Type::null)) {}

const std::map<std::string, const Node*, std::less<>>& Schema::named() const { return data_->named; }

namespace {

/// Writes a schema: all of it, or its Parsing Canonical Form.
class SchemaWriter {
 public:
  SchemaWriter(std::string& out, bool canonical) : out_(out), canonical_(canonical) {}

  void write(const Node& node) {
    if (node.type == Type::union_) return write_union(node);
    const bool bare = node.type <= Type::string && (canonical_ || node.attributes.empty());
    if (bare) return append_json_string(out_, to_string(node.type));
    if (node.named() && !written_.insert(node.name).second) return append_json_string(out_, node.name);
    out_ += '{';
    const std::string enclosing = namespace_;
    if (node.named()) {
      member("name", node.name);
      const size_t dot = node.name.rfind('.');
      namespace_ = dot == std::string::npos ? "" : node.name.substr(0, dot);
      // A name without a dot would be taken into the namespace around it.
      if (!canonical_ && namespace_.empty() && !enclosing.empty()) member("namespace", "");
    }
    member("type", to_string(node.type));
    write_body(node);
    namespace_ = enclosing;
    if (!canonical_) write_extras(node);
    out_.back() == ',' ? void(out_.back() = '}') : out_.push_back('}');
  }

 private:
  void key(std::string_view name) {
    append_json_string(out_, name);
    out_ += ':';
  }
  void member(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(out_, value);
    out_ += ',';
  }
  void list(std::string_view name, const std::vector<std::string>& values) {
    key(name);
    out_ += '[';
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out_ += ',';
      append_json_string(out_, values[i]);
    }
    out_ += "],";
  }
  void attributes(const std::vector<Attribute>& extra) {
    for (const Attribute& attribute : extra) {
      key(attribute.key);
      out_ += attribute.json;
      out_ += ',';
    }
  }

  void write_union(const Node& node) {
    out_ += '[';
    for (size_t i = 0; i < node.branches.size(); ++i) {
      if (i > 0) out_ += ',';
      write(*node.branches[i]);
    }
    out_ += ']';
  }

  void write_body(const Node& node) {
    switch (node.type) {
      case Type::record:
        key("fields");
        out_ += '[';
        for (size_t i = 0; i < node.fields.size(); ++i) {
          if (i > 0) out_ += ',';
          write_field(node.fields[i]);
        }
        out_ += "],";
        break;
      case Type::enumeration:
        list("symbols", node.symbols);
        break;
      case Type::fixed:
        key("size");
        out_ += std::to_string(node.size) + ",";
        break;
      case Type::array:
      case Type::map:
        key(node.type == Type::array ? "items" : "values");
        write(*node.item);
        out_ += ',';
        break;
      default:
        break;
    }
  }

  void write_field(const Field& field) {
    static constexpr std::array<std::string_view, 3> orders = {"ascending", "descending", "ignore"};
    out_ += '{';
    member("name", field.name);
    key("type");
    write(*field.type);
    if (!canonical_) {
      out_ += ',';
      if (!field.doc.empty()) member("doc", field.doc);
      if (!field.aliases.empty()) list("aliases", field.aliases);
      if (field.has_default) {
        key("default");
        out_ += field.default_json + ",";
      }
      if (field.order != Order::ascending) member("order", orders[static_cast<size_t>(field.order)]);
      attributes(field.attributes);
      out_.pop_back();
    }
    out_ += '}';
  }

  void write_extras(const Node& node) {
    if (!node.doc.empty()) member("doc", node.doc);
    if (!node.aliases.empty()) list("aliases", node.aliases);
    if (node.default_symbol) member("default", node.symbols[*node.default_symbol]);
    attributes(node.attributes);
  }

  std::string& out_;
  bool canonical_;
  std::string namespace_;
  std::set<std::string, std::less<>> written_;
};

constexpr std::array<uint64_t, 256> rabin_table() {
  constexpr uint64_t empty = 0xC15D213AA4D7A795;
  std::array<uint64_t, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    uint64_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (empty & (0 - (value & 1)));
    table[i] = value;
  }
  return table;
}

}  // namespace

std::string Schema::to_json() const {
  std::string out;
  SchemaWriter(out, false).write(*root_);
  return out;
}

std::string canonical_form(const Schema& schema) {
  std::string out;
  SchemaWriter(out, true).write(schema.root());
  return out;
}

uint64_t rabin_fingerprint(ByteView bytes) {
  static constexpr std::array<uint64_t, 256> table = rabin_table();
  uint64_t value = 0xC15D213AA4D7A795;
  for (const char c : bytes) value = (value >> 8) ^ table[(value ^ static_cast<uint8_t>(c)) & 0xFF];
  return value;
}

uint64_t fingerprint64(const Schema& schema) { return rabin_fingerprint(canonical_form(schema)); }

Digest fingerprint_sha256(const Schema& schema) { return sha256(canonical_form(schema)); }

std::string single_object_header(const Schema& schema) {
  std::string header = "\xC3\x01";
  append_le(header, fingerprint64(schema));
  return header;
}

}  // namespace bonafide::avro
