#include <algorithm>
#include <set>

#include "avro/json.hpp"
#include "avro/json_codec.hpp"
#include "avro/schema_data.hpp"
#include "base/text.hpp"

namespace bonafide::avro {
namespace {

constexpr size_t max_text_bytes = 4 << 20;
constexpr int max_schema_depth = 100;

bool is_name(std::string_view text) {
  if (text.empty() || is_digit(text[0])) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
}

bool is_full_name(std::string_view text) {
  const auto parts = split(text, '.');
  return std::all_of(parts.begin(), parts.end(), is_name);
}

std::optional<Type> primitive_type(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Type::string); ++i) {
    if (to_string(static_cast<Type>(i)) == name) return static_cast<Type>(i);
  }
  return std::nullopt;
}

std::string quoted(std::string_view text) { return "\"" + std::string(text.substr(0, 80)) + "\""; }

std::string qualified(std::string_view name, std::string_view name_space) {
  if (name_space.empty() || name.find('.') != std::string_view::npos) return std::string(name);
  return std::string(name_space) + "." + std::string(name);
}

std::string_view namespace_of(std::string_view full_name) {
  const size_t dot = full_name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : full_name.substr(0, dot);
}

/// What the values inside a union are told apart by.
std::string branch_name(const Node& node) {
  return node.named() ? node.name : std::string(to_string(node.type));
}

constexpr size_t size_cap = 1 << 30;
size_t capped_sum(size_t a, size_t b) { return std::min(a + b, size_cap); }

}  // namespace

class SchemaParser {
 public:
  SchemaParser(std::string_view text, const Names* known)
      : text_(text), known_(known), data_(std::make_shared<Schema::Data>()) {}

  Result<Schema> parse() {
    if (text_.size() > max_text_bytes) return {Cause::invalid, "1:1: the schema is longer than 4 MiB"};
    BONAFIDE_ASSIGN(const Json json, parse_json(text_));
    BONAFIDE_ASSIGN(const Node* root, type(json, "", 0));
    for (const Pending& pending : defaults_) BONAFIDE_TRY(set_default(pending));
    return Schema(data_, root);
  }

 private:
  /// A default is checked once all types are known: it may use one that is still being read.
  struct Pending {
    Node* record;
    size_t field;
    const Json* json;
  };
  using Parsed = Result<const Node*>;

  Error error(const Json& at, const std::string& what) const {
    return {Cause::invalid, json_place(text_, at.at) + ": " + what};
  }
  Status expect(const Json& json, Json::Kind kind, std::string_view what) const {
    if (json.kind == kind) return Ok{};
    return error(json, std::string(what) + " must be " + std::string(describe(kind)) + ", not " +
                           std::string(describe(json.kind)));
  }
  Result<const Json*> need(const Json& object, std::string_view key, Json::Kind kind,
                           std::string_view of) const {
    const Json* member = object.find(key);
    if (member == nullptr) {
      return error(object, std::string(of) + " has no " + quoted(key) + ": add it");
    }
    BONAFIDE_TRY(expect(*member, kind, quoted(key)));
    return member;
  }
  Node& add(Type type) {
    Node& node = data_->nodes.emplace_back();
    node.type = type;
    return node;
  }

  Parsed type(const Json& json, std::string_view name_space, int depth) {
    if (depth > max_schema_depth) return error(json, "types are nested more than 100 deep");
    switch (json.kind) {
      case Json::Kind::string:
        return reference(json, json.text, name_space);
      case Json::Kind::array:
        return union_type(json, name_space, depth);
      case Json::Kind::object:
        return object_type(json, name_space, depth);
      default:
        return error(
            json, "a type is a name, an object or a list of types, not " + std::string(describe(json.kind)));
    }
  }

  Parsed reference(const Json& json, std::string_view name, std::string_view name_space) {
    if (const auto simple = primitive_type(name)) return &primitive(*simple);
    const std::string full = qualified(name, name_space);
    if (const auto found = data_->named.find(full); found != data_->named.end()) return found->second;
    if (known_ != nullptr) {
      if (const auto found = known_->entries_.find(full); found != known_->entries_.end()) {
        data_->borrowed.push_back(found->second.owner);
        return found->second.node;
      }
    }
    return unknown_type(json, name, full);
  }

  Error unknown_type(const Json& json, std::string_view name, const std::string& full) const {
    std::vector<std::string> candidates;
    for (int i = 0; i <= static_cast<int>(Type::fixed); ++i) {
      if (static_cast<Type>(i) != Type::union_) candidates.emplace_back(to_string(static_cast<Type>(i)));
    }
    if (std::find(candidates.begin(), candidates.end(), name) != candidates.end()) {
      return error(json,
                   quoted(name) + " needs attributes of its own: write {\"type\": " + quoted(name) + ", …}");
    }
    constexpr size_t enough = 1000;  // to look for a slip among
    for (const auto& [known, node] : data_->named) {
      if (candidates.size() < enough) candidates.push_back(known);
    }
    if (known_ != nullptr) {
      for (const auto& [known, entry] : known_->entries_) {
        if (candidates.size() < enough) candidates.push_back(known);
      }
    }
    const std::string slip = closest(full, candidates);
    return error(
        json, "there is no type " + quoted(full) +
                  (slip.empty() ? ": define it before it is used" : ": did you mean " + quoted(slip) + "?"));
  }

  Parsed union_type(const Json& json, std::string_view name_space, int depth) {
    Node& node = add(Type::union_);
    std::set<std::string, std::less<>> seen;
    size_t shortest = size_cap;
    for (const Json& item : json.items) {
      BONAFIDE_ASSIGN(const Node* branch, type(item, name_space, depth + 1));
      if (branch->type == Type::union_)
        return error(item, "a union stands directly in a union: merge the two lists");
      if (!seen.insert(branch_name(*branch)).second) {
        return error(item, "the union has " + quoted(branch_name(*branch)) + " twice: keep one");
      }
      node.branches.push_back(branch);
      node.depth = std::max(node.depth, branch->depth + 1);
      shortest = std::min(shortest, branch->min_bytes);
    }
    node.min_bytes = capped_sum(1, node.branches.empty() ? 0 : shortest);
    return too_deep(json, node);
  }

  Parsed too_deep(const Json& json, const Node& node) const {
    if (node.depth > 2 * max_schema_depth) return error(json, "types are nested more than 200 deep");
    return &node;
  }

  Parsed object_type(const Json& json, std::string_view name_space, int depth) {
    const Json* word = json.find("type");
    if (word == nullptr) return error(json, "the type object has no \"type\": add it");
    if (word->kind == Json::Kind::object || word->kind == Json::Kind::array) {
      return error(
          *word,
          "\"type\" of a type object is a name: put what stands here in the place of the object around it");
    }
    BONAFIDE_TRY(expect(*word, Json::Kind::string, "\"type\""));
    if (word->text == "record" || word->text == "error") return record_type(json, name_space, depth);
    if (word->text == "enum") return enum_type(json, name_space);
    if (word->text == "fixed") return fixed_type(json, name_space);
    if (word->text == "array") return container_type(json, Type::array, "items", name_space, depth);
    if (word->text == "map") return container_type(json, Type::map, "values", name_space, depth);
    if (const auto simple = primitive_type(word->text)) {
      if (json.items.size() == 1) return &primitive(*simple);
      Node& node = add(*simple);
      node.min_bytes = primitive(*simple).min_bytes;
      keep_attributes(json, {"type"}, node.attributes);
      annotate(json, node);
      return &node;
    }
    return reference(*word, word->text, name_space);
  }

  Parsed container_type(const Json& json, Type type_of_it, std::string_view key, std::string_view name_space,
                        int depth) {
    Node& node = add(type_of_it);
    const Json* inner = json.find(key);
    if (inner == nullptr) {
      return error(json, std::string(to_string(type_of_it)) + " has no " + quoted(key) +
                             ": add the type of its values");
    }
    BONAFIDE_ASSIGN(node.item, type(*inner, name_space, depth + 1));
    node.min_bytes = 1;
    node.depth = node.item->depth + 1;
    keep_attributes(json, {"type", key}, node.attributes);
    return too_deep(json, node);
  }

  /// Name, namespace, aliases and doc of a named type; the name is known from here on.
  Status header(const Json& json, Node& node, std::string_view enclosing) {
    BONAFIDE_ASSIGN(const Json* name, need(json, "name", Json::Kind::string, to_string(node.type)));
    std::string_view name_space = enclosing;
    if (const Json* given = json.find("namespace"); given != nullptr && given->kind != Json::Kind::null) {
      BONAFIDE_TRY(expect(*given, Json::Kind::string, "\"namespace\""));
      if (!given->text.empty() && !is_full_name(given->text)) {
        return error(*given, quoted(given->text) +
                                 " is not a namespace: names of letters, digits and _ joined by dots");
      }
      name_space = given->text;
    }
    if (!is_full_name(name->text)) {
      return error(*name, quoted(name->text) +
                              " is not a name: use letters, digits and _, not beginning with a digit");
    }
    node.name = qualified(name->text, name_space);
    if (primitive_type(name->text))
      return error(*name, quoted(name->text) + " is a primitive type: choose another name");
    BONAFIDE_TRY(aliases(json, node.aliases, namespace_of(node.name)));
    BONAFIDE_TRY(doc(json, node.doc));
    const bool taken = known_ != nullptr && known_->entries_.find(node.name) != known_->entries_.end();
    if (taken || !data_->named.emplace(node.name, &node).second) {
      return error(*name, quoted(node.name) + " is defined twice: refer to it by its name");
    }
    return Ok{};
  }

  Status doc(const Json& json, std::string& out) const {
    const Json* text = json.find("doc");
    if (text == nullptr || text->kind == Json::Kind::null) return Ok{};
    BONAFIDE_TRY(expect(*text, Json::Kind::string, "\"doc\""));
    out = text->text;
    return Ok{};
  }

  /// Aliases of a named type are full names; those of a field (no `name_space`) are plain ones.
  Status aliases(const Json& json, std::vector<std::string>& out,
                 std::optional<std::string_view> name_space) const {
    const Json* list = json.find("aliases");
    if (list == nullptr || list->kind == Json::Kind::null) return Ok{};
    BONAFIDE_TRY(expect(*list, Json::Kind::array, "\"aliases\""));
    for (const Json& item : list->items) {
      BONAFIDE_TRY(expect(item, Json::Kind::string, "an alias"));
      if (!(name_space ? is_full_name(item.text) : is_name(item.text))) {
        return error(item, quoted(item.text) +
                               " is not a name: use letters, digits and _, not beginning with a digit");
      }
      out.push_back(name_space ? qualified(item.text, *name_space) : item.text);
    }
    return Ok{};
  }

  static void keep_attributes(const Json& json, std::initializer_list<std::string_view> known,
                              std::vector<Attribute>& out) {
    for (size_t i = 0; i < json.keys.size(); ++i) {
      if (std::find(known.begin(), known.end(), json.keys[i]) != known.end()) continue;
      append_json(out.emplace_back(Attribute{json.keys[i], ""}).json, json.items[i]);
    }
  }

  Parsed record_type(const Json& json, std::string_view enclosing, int depth) {
    Node& node = add(Type::record);
    BONAFIDE_TRY(header(json, node, enclosing));
    BONAFIDE_ASSIGN(const Json* list, need(json, "fields", Json::Kind::array, "record " + quoted(node.name)));
    keep_attributes(json, {"type", "name", "namespace", "aliases", "doc", "fields"}, node.attributes);
    std::set<std::string, std::less<>> seen;
    const std::string name_space(namespace_of(node.name));
    for (const Json& item : list->items) {
      BONAFIDE_TRY(field(item, node, name_space, depth));
      const Field& added = node.fields.back();
      if (!seen.insert(added.name).second) {
        return error(item, "record " + quoted(node.name) + " has the field " + quoted(added.name) +
                               " twice: keep one");
      }
      node.min_bytes = capped_sum(node.min_bytes, added.type->min_bytes);
      node.depth = std::max(node.depth, added.type->depth + 1);
    }
    return too_deep(json, node);
  }

  Status field(const Json& json, Node& record, std::string_view name_space, int depth) {
    BONAFIDE_TRY(expect(json, Json::Kind::object, "a field"));
    Field& field = record.fields.emplace_back();
    BONAFIDE_ASSIGN(const Json* name, need(json, "name", Json::Kind::string, "a field"));
    if (!is_name(name->text)) {
      return error(*name, quoted(name->text) +
                              " is not a name: use letters, digits and _, not beginning with a digit");
    }
    field.name = name->text;
    const Json* its_type = json.find("type");
    if (its_type == nullptr)
      return error(json, "the field " + quoted(field.name) + " has no \"type\": add it");
    BONAFIDE_TRY(doc(json, field.doc));
    BONAFIDE_TRY(aliases(json, field.aliases, std::nullopt));
    BONAFIDE_TRY(order(json, field.order));
    BONAFIDE_ASSIGN(field.type, type(*its_type, name_space, depth + 1));
    keep_attributes(json, {"type", "name", "aliases", "doc", "order", "default"}, field.attributes);
    if (const Json* value = json.find("default")) {
      field.has_default = true;
      append_json(field.default_json, *value);
      defaults_.push_back({&record, record.fields.size() - 1, value});
    }
    return Ok{};
  }

  Status order(const Json& json, Order& out) const {
    const Json* word = json.find("order");
    if (word == nullptr) return Ok{};
    BONAFIDE_TRY(expect(*word, Json::Kind::string, "\"order\""));
    if (word->text == "ascending") return out = Order::ascending, Ok{};
    if (word->text == "descending") return out = Order::descending, Ok{};
    if (word->text == "ignore") return out = Order::ignore, Ok{};
    return error(*word,
                 "\"order\" is \"ascending\", \"descending\" or \"ignore\", not " + quoted(word->text));
  }

  Parsed enum_type(const Json& json, std::string_view enclosing) {
    Node& node = add(Type::enumeration);
    BONAFIDE_TRY(header(json, node, enclosing));
    BONAFIDE_ASSIGN(const Json* list, need(json, "symbols", Json::Kind::array, "enum " + quoted(node.name)));
    std::set<std::string, std::less<>> seen;
    for (const Json& item : list->items) {
      BONAFIDE_TRY(expect(item, Json::Kind::string, "a symbol"));
      if (!is_name(item.text)) {
        return error(item, quoted(item.text) +
                               " is not a symbol: use letters, digits and _, not beginning with a digit");
      }
      if (!seen.insert(item.text).second) {
        return error(
            item, "enum " + quoted(node.name) + " has the symbol " + quoted(item.text) + " twice: keep one");
      }
      node.symbols.push_back(item.text);
    }
    node.min_bytes = 1;
    keep_attributes(json, {"type", "name", "namespace", "aliases", "doc", "symbols", "default"},
                    node.attributes);
    const Json* value = json.find("default");
    if (value == nullptr) return &node;
    BONAFIDE_TRY(expect(*value, Json::Kind::string, "the default of an enum"));
    const auto found = std::find(node.symbols.begin(), node.symbols.end(), value->text);
    if (found == node.symbols.end()) {
      return error(*value, "the default " + quoted(value->text) + " is not a symbol of " + quoted(node.name));
    }
    node.default_symbol = static_cast<size_t>(found - node.symbols.begin());
    return &node;
  }

  Parsed fixed_type(const Json& json, std::string_view enclosing) {
    Node& node = add(Type::fixed);
    BONAFIDE_TRY(header(json, node, enclosing));
    BONAFIDE_ASSIGN(const Json* size, need(json, "size", Json::Kind::number, "fixed " + quoted(node.name)));
    const auto value = parse_int(size->text);
    if (!value.ok() || *value < 0 || *value > INT32_MAX) {
      return error(*size,
                   "the size of a fixed is a whole number of bytes from 0 to 2147483647, not " + size->text);
    }
    node.size = static_cast<size_t>(*value);
    node.min_bytes = std::min(node.size, size_cap);
    keep_attributes(json, {"type", "name", "namespace", "aliases", "doc", "size"}, node.attributes);
    annotate(json, node);
    return &node;
  }

  /// Sets the logical type where its annotation is known and valid; otherwise the underlying type stands
  /// alone.
  static void annotate(const Json& json, Node& node) {
    const Json* name = json.find("logicalType");
    if (name == nullptr || name->kind != Json::Kind::string) return;
    for (int i = 1; i <= static_cast<int>(Logical::duration); ++i) {
      const auto logical = static_cast<Logical>(i);
      if (to_string(logical) == name->text && logical_fits(json, node, logical)) node.logical = logical;
    }
  }

  static bool logical_fits(const Json& json, Node& node, Logical logical) {
    switch (logical) {
      case Logical::decimal:
        return (node.type == Type::bytes || node.type == Type::fixed) && decimal_fits(json, node);
      case Logical::uuid:
        return node.type == Type::string || (node.type == Type::fixed && node.size == 16);
      case Logical::date:
      case Logical::time_millis:
        return node.type == Type::int32;
      case Logical::duration:
        return node.type == Type::fixed && node.size == 12;
      default:
        return node.type == Type::int64;
    }
  }

  static bool decimal_fits(const Json& json, Node& node) {
    const auto number = [&](std::string_view key, int64_t otherwise) {
      const Json* member = json.find(key);
      if (member == nullptr) return otherwise;
      return member->kind == Json::Kind::number ? parse_int(member->text).value_or(-1) : -1;
    };
    const int64_t precision = number("precision", -1);
    const int64_t scale = number("scale", 0);
    if (precision <= 0 || precision > INT32_MAX || scale < 0 || scale > precision) return false;
    // Digits that any number of this many bytes can hold: floor(log10(2^(8n-1) - 1)).
    if (node.type == Type::fixed) {
      const auto digits =
          node.size == 0 ? 0.0 : (8.0 * static_cast<double>(node.size) - 1) * 0.30102999566398120;
      if (static_cast<double>(precision) > digits) return false;
    }
    node.precision = static_cast<int32_t>(precision);
    node.scale = static_cast<int32_t>(scale);
    return true;
  }

  Status set_default(const Pending& pending) {
    Field& field = pending.record->fields[pending.field];
    const auto encoded =
        default_to_binary(*pending.json, *field.type, text_, default_work_left_, field.default_binary);
    if (!encoded.ok()) {
      return Error{Cause::invalid,
                   encoded.error().message + " (default of the field " + quoted(field.name) + ")"};
    }
    return Ok{};
  }

  std::string_view text_;
  const Names* known_;
  std::shared_ptr<Schema::Data> data_;
  std::vector<Pending> defaults_;
  /// Encoding defaults may cost what their text is long, and some more where they refer to each other.
  size_t default_work_left_ = (256 << 10) + 4 * text_.size();
};

Result<Schema> parse_schema(std::string_view text, const Names* known) {
  return SchemaParser(text, known).parse();
}

Status Names::add(const Schema& schema) {
  for (const auto& [name, node] : schema.named()) {
    if (entries_.find(name) != entries_.end()) {
      return Error{Cause::conflict,
                   "the type " + quoted(name) + " is defined twice: refer to it by its name"};
    }
  }
  for (const auto& [name, node] : schema.named()) entries_.emplace(name, Entry{schema, node});
  return Ok{};
}

}  // namespace bonafide::avro
