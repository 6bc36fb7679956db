#include "avro/json_codec.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

#include "base/text.hpp"

namespace bonafide::avro {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text.substr(0, 80)) + "\""; }

std::string_view branch_name(const Node& node) {
  return node.named() ? std::string_view(node.name) : to_string(node.type);
}

/// float and double, shortest form that reads back the same; JSON has no word for what is not finite.
template <class T>
void append_number(std::string& out, T value) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    char buffer[32];
    out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
  }
}

/// Bytes as characters U+0000 to U+00FF.
void append_bytes(std::string& out, ByteView bytes) {
  std::string latin;
  latin.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      latin += c;
    } else {
      latin += static_cast<char>(0xC0 | (byte >> 6));
      latin += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  append_json_string(out, latin);
}

void write_json(Decoder& in, const Node& node, std::string& out);

void write_blocks(Decoder& in, const Node& node, std::string& out) {
  const bool map = node.type == Type::map;
  bool first = true;
  out += map ? '{' : '[';
  while (size_t count = in.next_block(node.item->min_bytes + (map ? 1 : 0))) {
    for (; count > 0 && in.ok(); --count) {
      if (!first) out += ',';
      first = false;
      if (map) {
        append_json_string(out, in.get_bytes());
        out += ':';
      }
      write_json(in, *node.item, out);
    }
  }
  out += map ? '}' : ']';
}

void write_record(Decoder& in, const Node& node, std::string& out) {
  if (node.min_bytes == 0) in.get_empty();
  char before = '{';
  for (const Field& field : node.fields) {
    if (!in.ok()) return;
    out += before;
    before = ',';
    append_json_string(out, field.name);
    out += ':';
    write_json(in, *field.type, out);
  }
  out += node.fields.empty() ? "{}" : "}";
}

void write_union(Decoder& in, const Node& node, std::string& out) {
  const size_t index = in.get_index(node.branches.size());
  if (!in.ok()) return;
  const Node& branch = *node.branches[index];
  if (branch.type == Type::null) {
    out += "null";
    return;
  }
  out += '{';
  append_json_string(out, branch_name(branch));
  out += ':';
  write_json(in, branch, out);
  out += '}';
}

void write_nested(Decoder& in, const Node& node, std::string& out) {
  if (!in.enter()) return;
  if (node.type == Type::record) {
    write_record(in, node, out);
  } else if (node.type == Type::union_) {
    write_union(in, node, out);
  } else {
    write_blocks(in, node, out);
  }
  in.leave();
}

void write_json(Decoder& in, const Node& node, std::string& out) {
  switch (node.type) {
    case Type::null:
      in.get_empty();
      out += "null";
      break;
    case Type::boolean:
      out += in.get_boolean() ? "true" : "false";
      break;
    case Type::int32:
      out += std::to_string(in.get_int());
      break;
    case Type::int64:
      out += std::to_string(in.get_long());
      break;
    case Type::float32:
      append_number(out, in.get_float());
      break;
    case Type::float64:
      append_number(out, in.get_double());
      break;
    case Type::bytes:
      append_bytes(out, in.get_bytes());
      break;
    case Type::string:
      append_json_string(out, in.get_bytes());
      break;
    case Type::fixed:
      if (node.size == 0) in.get_empty();
      append_bytes(out, in.get_fixed(node.size));
      break;
    case Type::enumeration: {
      const size_t symbol = in.get_index(node.symbols.size());
      if (in.ok()) append_json_string(out, node.symbols[symbol]);
      break;
    }
    case Type::record:
    case Type::union_:
    case Type::array:
    case Type::map:
      write_nested(in, node, out);
  }
}

/// The members of an object by key; small ones are searched, large ones are not worth what that would cost.
class Members {
 public:
  explicit Members(const Json& json) : json_(json) {
    if (json.keys.size() <= 32) return;
    for (size_t i = 0; i < json.keys.size(); ++i) by_key_.emplace(json.keys[i], &json.items[i]);
  }
  [[nodiscard]] const Json* find(std::string_view key) const {
    if (by_key_.empty()) return json_.find(key);
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : found->second;
  }

 private:
  const Json& json_;
  std::unordered_map<std::string_view, const Json*> by_key_;
};

/// JSON to binary, for data and for defaults.
class JsonReader {
 public:
  JsonReader(std::string_view text, bool defaults, size_t& work_left)
      : text_(text), defaults_(defaults), work_left_(work_left) {}

  Status read(const Json& json, const Node& node, std::string& out) {
    const size_t work = 1 + json.text.size();
    if (work_left_ < work || depth_left_ == 0) {
      return error(json, "the value is too large: a default may have become part of itself");
    }
    work_left_ -= work;
    --depth_left_;
    Status done = value(json, node, out);
    ++depth_left_;
    return done;
  }

 private:
  Error error(const Json& json, const std::string& what) const {
    // Inside the default of a field that was left out, the place is that of the record which left it out.
    const Json& place = outer_ != nullptr ? *outer_ : json;
    return {Cause::invalid, json_place(text_, place.at) + ": " + what};
  }
  Error mismatch(const Json& json, const Node& node) const {
    const std::string name = node.named() ? " " + quoted(node.name) : "";
    std::string found(describe(json.kind));
    if (json.kind == Json::Kind::number) found = json.text.substr(0, 40);
    return error(json, found + " is not a value of type " + std::string(to_string(node.type)) + name);
  }

  Status value(const Json& json, const Node& node, std::string& out) {
    using Kind = Json::Kind;
    switch (node.type) {
      case Type::null:
        if (json.kind != Kind::null) return mismatch(json, node);
        return Ok{};
      case Type::boolean:
        if (json.kind != Kind::boolean) return mismatch(json, node);
        Encoder(out).put_boolean(json.truth);
        return Ok{};
      case Type::int32:
      case Type::int64:
        return whole_number(json, node, out);
      case Type::float32:
      case Type::float64:
        return real_number(json, node, out);
      case Type::string:
        if (json.kind != Kind::string) return mismatch(json, node);
        Encoder(out).put_bytes(json.text);
        return Ok{};
      case Type::bytes:
      case Type::fixed:
        return bytes(json, node, out);
      case Type::enumeration:
        return symbol(json, node, out);
      case Type::array:
        return array(json, node, out);
      case Type::map:
        return map(json, node, out);
      case Type::record:
        return record(json, node, out);
      case Type::union_:
        return defaults_ ? first_branch(json, node, out) : named_branch(json, node, out);
    }
    return mismatch(json, node);
  }

  Status whole_number(const Json& json, const Node& node, std::string& out) {
    if (json.kind != Json::Kind::number) return mismatch(json, node);
    const auto number = parse_int(json.text);
    const bool narrow = node.type == Type::int32;
    if (!number.ok() || (narrow && *number != static_cast<int32_t>(*number))) {
      return error(json,
                   json.text.substr(0, 40) + " is not a whole number of " + (narrow ? "32" : "64") + " bits");
    }
    Encoder(out).put_long(*number);
    return Ok{};
  }

  Status real_number(const Json& json, const Node& node, std::string& out) {
    if (node.type == Type::float64) {
      BONAFIDE_ASSIGN(const double number, real<double>(json, node));
      Encoder(out).put_double(number);
    } else {
      BONAFIDE_ASSIGN(const float number, real<float>(json, node));
      Encoder(out).put_float(number);
    }
    return Ok{};
  }

  /// Rounds once, from the text: a float by way of a double would be rounded twice. Too small a number is
  /// zero.
  template <class T>
  Result<T> real(const Json& json, const Node& node) const {
    const bool text = json.kind == Json::Kind::string;
    if (text && json.text == "NaN") return std::numeric_limits<T>::quiet_NaN();
    if (text && json.text == "Infinity") return std::numeric_limits<T>::infinity();
    if (text && json.text == "-Infinity") return -std::numeric_limits<T>::infinity();
    if (json.kind != Json::Kind::number) return mismatch(json, node);
    const char* end = json.text.data() + json.text.size();
    T number = 0;
    if (std::from_chars(json.text.data(), end, number).ec == std::errc() && std::isfinite(number))
      return number;
    long double wide = 0;
    if (std::from_chars(json.text.data(), end, wide).ec == std::errc() && std::fabs(wide) < 1) return T{0};
    return error(json,
                 json.text.substr(0, 40) + " is beyond the range of a " + std::string(to_string(node.type)));
  }

  Status bytes(const Json& json, const Node& node, std::string& out) {
    if (json.kind != Json::Kind::string) return mismatch(json, node);
    std::string raw;
    for (size_t i = 0; i < json.text.size(); ++i) {
      const auto byte = static_cast<uint8_t>(json.text[i]);
      if (byte < 0x80) {
        raw += json.text[i];
      } else if (byte <= 0xC3) {
        raw += static_cast<char>((byte << 6) | (static_cast<uint8_t>(json.text[++i]) & 0x3F));
      } else {
        return error(json, "a character above U+00FF stands for no byte");
      }
    }
    if (node.type == Type::bytes) {
      Encoder(out).put_bytes(raw);
      return Ok{};
    }
    if (raw.size() != node.size) {
      return error(json, quoted(node.name) + " has " + std::to_string(node.size) + " bytes, not " +
                             std::to_string(raw.size()));
    }
    out += raw;
    return Ok{};
  }

  Status symbol(const Json& json, const Node& node, std::string& out) {
    if (json.kind != Json::Kind::string) return mismatch(json, node);
    for (size_t i = 0; i < node.symbols.size(); ++i) {
      if (node.symbols[i] != json.text) continue;
      Encoder(out).put_index(i);
      return Ok{};
    }
    const std::string slip = closest(json.text, node.symbols);
    return error(json, quoted(json.text) + " is not a symbol of " + quoted(node.name) +
                           (slip.empty() ? "" : ": did you mean " + quoted(slip) + "?"));
  }

  Status array(const Json& json, const Node& node, std::string& out) {
    if (json.kind != Json::Kind::array) return mismatch(json, node);
    if (!json.items.empty()) Encoder(out).begin_block(json.items.size());
    for (const Json& item : json.items) BONAFIDE_TRY(read(item, *node.item, out));
    Encoder(out).end_blocks();
    return Ok{};
  }

  Status map(const Json& json, const Node& node, std::string& out) {
    if (json.kind != Json::Kind::object) return mismatch(json, node);
    if (!json.items.empty()) Encoder(out).begin_block(json.items.size());
    for (size_t i = 0; i < json.items.size(); ++i) {
      Encoder(out).put_bytes(json.keys[i]);
      BONAFIDE_TRY(read(json.items[i], *node.item, out));
    }
    Encoder(out).end_blocks();
    return Ok{};
  }

  Status record(const Json& json, const Node& node, std::string& out) {
    if (json.kind != Json::Kind::object) return mismatch(json, node);
    size_t found = 0;
    const Members members(json);
    for (const Field& field : node.fields) {
      if (const Json* member = members.find(field.name)) {
        ++found;
        BONAFIDE_TRY(read(*member, *field.type, out));
      } else {
        BONAFIDE_TRY(left_out(json, node, field, out));
      }
    }
    // A default with more keys than the record has fields is no one's mistake but the schema author's;
    // readers ignore it.
    if (!defaults_ && found < json.items.size()) return unknown_field(json, node);
    return Ok{};
  }

  Status left_out(const Json& json, const Node& node, const Field& field, std::string& out) {
    if (!field.has_default) {
      return error(json, "the field " + quoted(field.name) + " of " + quoted(node.name) + " is missing");
    }
    if (work_left_ < field.default_json.size()) return error(json, "the value is too large");
    work_left_ -= field.default_json.size();
    BONAFIDE_ASSIGN(const Json value, parse_json(field.default_json));
    const bool outer_defaults = std::exchange(defaults_, true);
    const Json* outer = std::exchange(outer_, outer_ != nullptr ? outer_ : &json);
    Status done = read(value, *field.type, out);
    defaults_ = outer_defaults;
    outer_ = outer;
    return done;
  }

  Status unknown_field(const Json& json, const Node& node) const {
    std::vector<std::string> names;
    names.reserve(node.fields.size());
    for (const Field& field : node.fields) names.push_back(field.name);
    for (size_t i = 0; i < json.keys.size(); ++i) {
      if (std::find(names.begin(), names.end(), json.keys[i]) != names.end()) continue;
      if (names.size() > 1000) names.resize(1000);
      const std::string slip = closest(json.keys[i], names);
      return error(json.items[i], quoted(node.name) + " has no field " + quoted(json.keys[i]) +
                                      (slip.empty() ? "" : ": did you mean " + quoted(slip) + "?"));
    }
    return Ok{};
  }

  Status named_branch(const Json& json, const Node& node, std::string& out) {
    const bool null = json.kind == Json::Kind::null;
    if (!null && (json.kind != Json::Kind::object || json.items.size() != 1)) {
      return error(json, R"(a value of a union is null or {"name of its type": value})");
    }
    const std::string_view name = null ? std::string_view("null") : std::string_view(json.keys[0]);
    for (size_t i = 0; i < node.branches.size(); ++i) {
      if (branch_name(*node.branches[i]) != name) continue;
      Encoder(out).put_index(i);
      return null ? Ok{} : read(json.items[0], *node.branches[i], out);
    }
    std::vector<std::string> names;
    names.reserve(node.branches.size());
    for (const Node* branch : node.branches) names.emplace_back(branch_name(*branch));
    return error(json, "the union has no branch " + quoted(name) + ", only " + join(names, ", "));
  }

  Status first_branch(const Json& json, const Node& node, std::string& out) {
    const size_t start = out.size();
    for (size_t i = 0; i < node.branches.size(); ++i) {
      Encoder(out).put_index(i);
      if (read(json, *node.branches[i], out).ok()) return Ok{};
      out.resize(start);
    }
    return error(json, "the default fits no branch of the union");
  }

  std::string_view text_;
  bool defaults_;
  size_t& work_left_;
  const Json* outer_ = nullptr;
  int depth_left_ = Decoder::max_depth;
};

Status read_or_undo(JsonReader reader, const Json& json, const Node& node, std::string& out) {
  const size_t start = out.size();
  Status done = reader.read(json, node, out);
  if (!done.ok()) out.resize(start);
  return done;
}

}  // namespace

Status binary_to_json(Decoder& in, const Node& node, std::string& out) {
  const size_t start = out.size();
  write_json(in, node, out);
  if (!in.ok()) out.resize(start);
  return in.status();
}

Status json_to_binary(std::string_view text, const Node& node, std::string& out) {
  BONAFIDE_ASSIGN(const Json json, parse_json(text));
  size_t work_left = (text.size() + (1 << 20)) * 16;
  return read_or_undo(JsonReader(text, false, work_left), json, node, out);
}

Status default_to_binary(const Json& json, const Node& node, std::string_view text, size_t& work_left,
                         std::string& out) {
  return read_or_undo(JsonReader(text, true, work_left), json, node, out);
}

}  // namespace bonafide::avro
