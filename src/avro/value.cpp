#include "avro/value.hpp"

#include "avro/json_codec.hpp"
#include "base/text.hpp"

namespace bonafide::avro {
namespace {

void read(Decoder& in, const Node& node, Value& value);

void read_items(Decoder& in, const Node& node, Value::Items& items) {
  while (const size_t count = in.next_block(node.item->min_bytes)) {
    for (size_t i = 0; i < count && in.ok(); ++i) read(in, *node.item, items.emplace_back());
  }
}

void read_string(Decoder& in, std::string& out) {
  const ByteView text = in.get_bytes();
  if (!is_utf8(text)) return in.fail("a string is not valid UTF-8");
  out = text;
}

void read_entries(Decoder& in, const Node& node, Value::Entries& entries) {
  while (const size_t count = in.next_block(node.item->min_bytes + 1)) {
    for (size_t i = 0; i < count && in.ok(); ++i) {
      auto& [key, value] = entries.emplace_back();
      read_string(in, key);
      read(in, *node.item, value);
    }
  }
}

void read_members(Decoder& in, const Node& node, Value::Members& members) {
  if (node.min_bytes == 0) in.get_empty();
  for (const Field& field : node.fields) {
    if (!in.ok()) return;
    read(in, *field.type, members.values.emplace_back());
  }
}

void read_union(Decoder& in, const Node& node, Value& value) {
  const size_t index = in.get_index(node.branches.size());
  if (!in.ok()) return;
  const Node& branch = *node.branches[index];
  if (branch.type != Type::null) read(in, branch, value);
  value.branch = static_cast<int32_t>(index);
}

void read_nested(Decoder& in, const Node& node, Value& value) {
  if (!in.enter()) return;
  if (node.type == Type::record) {
    read_members(in, node, value.data.emplace<Value::Members>());
  } else if (node.type == Type::union_) {
    read_union(in, node, value);
  } else if (node.type == Type::array) {
    read_items(in, node, value.data.emplace<Value::Items>());
  } else {
    read_entries(in, node, value.data.emplace<Value::Entries>());
  }
  in.leave();
}

void read(Decoder& in, const Node& node, Value& value) {
  switch (node.type) {
    case Type::null:
      in.get_empty();
      break;
    case Type::boolean:
      value.data = in.get_boolean();
      break;
    case Type::int32:
      value.data = in.get_int();
      break;
    case Type::int64:
      value.data = in.get_long();
      break;
    case Type::float32:
      value.data = in.get_float();
      break;
    case Type::float64:
      value.data = in.get_double();
      break;
    case Type::bytes:
      value.data.emplace<Value::Raw>().data = in.get_bytes();
      break;
    case Type::string:
      read_string(in, value.data.emplace<std::string>());
      break;
    case Type::fixed:
      if (node.size == 0) in.get_empty();
      value.data.emplace<Value::Raw>().data = in.get_fixed(node.size);
      break;
    case Type::enumeration:
      value.data.emplace<Value::Symbol>().index = in.get_index(node.symbols.size());
      break;
    case Type::record:
    case Type::union_:
    case Type::array:
    case Type::map:
      read_nested(in, node, value);
  }
}

/// Encodes a value, keeping the way to the place it is at for the error.
class ValueWriter {
 public:
  explicit ValueWriter(std::string& out) : out_(out) {}

  Status write(const Value& value, const Node& node, const std::string& path) {
    Encoder encoder(out_);
    switch (node.type) {
      case Type::null:
        return std::get_if<Value::Null>(&value.data) != nullptr ? Status(Ok{}) : mismatch(node, path);
      case Type::boolean:
        return put<bool>(value, node, path, [&](bool v) { encoder.put_boolean(v); });
      case Type::int32:
        return put<int32_t>(value, node, path, [&](int32_t v) { encoder.put_int(v); });
      case Type::int64:
        return put<int64_t>(value, node, path, [&](int64_t v) { encoder.put_long(v); });
      case Type::float32:
        return put<float>(value, node, path, [&](float v) { encoder.put_float(v); });
      case Type::float64:
        return put<double>(value, node, path, [&](double v) { encoder.put_double(v); });
      case Type::bytes:
        return put<Value::Raw>(value, node, path, [&](const Value::Raw& v) { encoder.put_bytes(v.data); });
      case Type::string:
        return write_string(value, node, path);
      case Type::fixed:
        return write_fixed(value, node, path);
      case Type::enumeration:
        return write_symbol(value, node, path);
      case Type::record:
        return write_members(value, node, path);
      case Type::array:
        return write_items(value, node, path);
      case Type::map:
        return write_entries(value, node, path);
      case Type::union_:
        return write_union(value, node, path);
    }
    return mismatch(node, path);
  }

 private:
  static Status mismatch(const Node& node, const std::string& path) {
    const std::string name = node.named() ? " \"" + node.name + "\"" : "";
    return Error{Cause::invalid, path + ": not a value of type " + std::string(to_string(node.type)) + name};
  }

  template <class T, class Put>
  static Status put(const Value& value, const Node& node, const std::string& path, Put put_value) {
    const T* held = std::get_if<T>(&value.data);
    if (held == nullptr) return mismatch(node, path);
    put_value(*held);
    return Ok{};
  }

  Status write_string(const Value& value, const Node& node, const std::string& path) {
    const auto* text = std::get_if<std::string>(&value.data);
    if (text == nullptr) return mismatch(node, path);
    if (!is_utf8(*text)) return Error{Cause::invalid, path + ": a string must be valid UTF-8"};
    Encoder(out_).put_bytes(*text);
    return Ok{};
  }

  Status write_fixed(const Value& value, const Node& node, const std::string& path) {
    const auto* raw = std::get_if<Value::Raw>(&value.data);
    if (raw == nullptr || raw->data.size() != node.size) return mismatch(node, path);
    out_ += raw->data;
    return Ok{};
  }

  Status write_symbol(const Value& value, const Node& node, const std::string& path) {
    const auto* symbol = std::get_if<Value::Symbol>(&value.data);
    if (symbol == nullptr || symbol->index >= node.symbols.size()) return mismatch(node, path);
    Encoder(out_).put_index(symbol->index);
    return Ok{};
  }

  Status write_members(const Value& value, const Node& node, const std::string& path) {
    const auto* members = std::get_if<Value::Members>(&value.data);
    if (members == nullptr || members->values.size() != node.fields.size()) return mismatch(node, path);
    for (size_t i = 0; i < node.fields.size(); ++i) {
      BONAFIDE_TRY(write(members->values[i], *node.fields[i].type, path + "." + node.fields[i].name));
    }
    return Ok{};
  }

  Status write_items(const Value& value, const Node& node, const std::string& path) {
    const auto* items = std::get_if<Value::Items>(&value.data);
    if (items == nullptr) return mismatch(node, path);
    if (!items->empty()) Encoder(out_).begin_block(items->size());
    for (size_t i = 0; i < items->size(); ++i) {
      BONAFIDE_TRY(write((*items)[i], *node.item, path + "[" + std::to_string(i) + "]"));
    }
    Encoder(out_).end_blocks();
    return Ok{};
  }

  Status write_entries(const Value& value, const Node& node, const std::string& path) {
    const auto* entries = std::get_if<Value::Entries>(&value.data);
    if (entries == nullptr) return mismatch(node, path);
    if (!entries->empty()) Encoder(out_).begin_block(entries->size());
    for (const auto& [key, item] : *entries) {
      if (!is_utf8(key)) return Error{Cause::invalid, path + ": a key must be valid UTF-8"};
      Encoder(out_).put_bytes(key);
      BONAFIDE_TRY(write(item, *node.item, std::string(path).append("{").append(key).append("}")));
    }
    Encoder(out_).end_blocks();
    return Ok{};
  }

  Status write_union(const Value& value, const Node& node, const std::string& path) {
    const auto branch = static_cast<size_t>(value.branch);
    if (value.branch < 0 || branch >= node.branches.size()) {
      return Error{Cause::invalid, path + ": the union has no branch " + std::to_string(value.branch)};
    }
    Encoder(out_).put_index(branch);
    return write(value, *node.branches[branch], path);
  }

  std::string& out_;
};

}  // namespace

Result<Value> decode(Decoder& in, const Node& node) {
  Value value;
  read(in, node, value);
  BONAFIDE_TRY(in.status());
  return value;
}

Result<Value> decode(ByteView bytes, const Schema& schema) {
  Decoder in(bytes);
  BONAFIDE_ASSIGN(Value value, decode(in, schema.root()));
  BONAFIDE_TRY(in.finish());
  return value;
}

Status encode(const Value& value, const Node& node, std::string& out) {
  const size_t start = out.size();
  Status done = ValueWriter(out).write(value, node, "$");
  if (!done.ok()) out.resize(start);
  return done;
}

Result<std::string> to_json(const Value& value, const Schema& schema) {
  std::string binary;
  BONAFIDE_TRY(encode(value, schema.root(), binary));
  std::string json;
  Decoder in(binary);
  BONAFIDE_TRY(binary_to_json(in, schema.root(), json));
  return json;
}

Result<Value> from_json(std::string_view text, const Schema& schema) {
  std::string binary;
  BONAFIDE_TRY(json_to_binary(text, schema.root(), binary));
  return decode(binary, schema);
}

}  // namespace bonafide::avro
