#pragma once
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "avro/codec.hpp"
#include "avro/shared_record.hpp"
#include "avro/types.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

// Plain C++ structs as Avro records, from the one description they carry (types.hpp shows how one looks).
//
//   member                          Avro                               JSON (write_json)
//   bool, int32_t, int64_t          boolean, int, long                 true, 1
//   float, double                   float, double                      shortest decimal; null where not
//   finite std::string                     string (must hold valid UTF-8)     "text" avro::Bytes bytes "hex"
//   std::array<char or uint8_t, N>  fixed(N)                           "hex"
//   a struct with such `bytes`      fixed(N), e.g. EventId             "hex"
//   Time                            long, timestamp-micros             RFC 3339
//   enum with EnumSymbols           enum; values are 0, 1, 2 …         "symbol"
//   std::vector<T>                  array                              [ ]
//   std::map<std::string, T>        map                                { }
//   std::optional<T>                union of null and T, default null  null or the value
//   a struct with fields()          record, with at least one field    { }
//   SharedRecord<T>                 as T                               as T
namespace bonafide::avro {

/// Full names of fixed types come from here; specialise it for other structs around an array.
template <class T>
struct FixedName;
template <>
struct FixedName<EventId> {
  static std::string name() { return "EventId"; }
};
template <class C, size_t N>
struct FixedName<std::array<C, N>> {
  static std::string name() { return "Fixed" + std::to_string(N); }
};

namespace bind {

template <class T>
inline constexpr bool is_byte_array = false;
template <size_t N>
inline constexpr bool is_byte_array<std::array<char, N>> = true;
template <size_t N>
inline constexpr bool is_byte_array<std::array<uint8_t, N>> = true;

template <class T, template <class...> class Template>
inline constexpr bool is_instance = false;
template <class... Args, template <class...> class Template>
inline constexpr bool is_instance<Template<Args...>, Template> = true;

template <class T>
concept Record = requires { T::avro_name; };
template <class T>
concept FixedStruct =
    !Record<T> && requires(const T& t) { requires is_byte_array<std::remove_cvref_t<decltype(t.bytes)>>; };
template <class T>
concept Fixed = is_byte_array<T> || FixedStruct<T>;
template <class T>
concept Enum = std::is_enum_v<T>;
template <class T>
concept List = is_instance<T, std::vector>;
template <class T>
concept Map = is_instance<T, std::map> && std::is_same_v<typename T::key_type, std::string>;
template <class T>
concept Optional = is_instance<T, std::optional>;
template <class T>
concept Shared = is_instance<T, SharedRecord>;

template <class T>
constexpr size_t fixed_size() {
  if constexpr (is_byte_array<T>) {
    return std::tuple_size_v<T>;
  } else {
    return std::tuple_size_v<decltype(T::bytes)>;
  }
}
template <Fixed T>
const char* fixed_data(const T& value) {
  if constexpr (is_byte_array<T>) {
    return reinterpret_cast<const char*>(value.data());
  } else {
    return reinterpret_cast<const char*>(value.bytes.data());
  }
}
template <Fixed T>
char* fixed_data(T& value) {
  return const_cast<char*>(fixed_data(static_cast<const T&>(value)));
}
template <Fixed T>
ByteView fixed_view(const T& value) {
  return {fixed_data(value), fixed_size<T>()};
}

/// No value of T is encoded shorter.
template <class T>
constexpr size_t min_bytes() {
  if constexpr (std::is_same_v<T, float>) {
    return 4;
  } else if constexpr (std::is_same_v<T, double>) {
    return 8;
  } else if constexpr (Fixed<T>) {
    return fixed_size<T>();
  } else {
    return 1;
  }
}

template <class T>
inline constexpr bool unsupported = false;

// --- encoding

template <class Out, class T>
void put(Out& out, const T& value);

template <class Out>
struct PutFields {
  Out& out;
  template <class T>
  void operator()(std::string_view, const T& member, std::string_view = {}) {
    put(out, member);
  }
};

/// `Out` is Encoder or RunEncoder.
template <class Out, class T>
void put(Out& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out.put_boolean(value);
  } else if constexpr (std::is_same_v<T, int32_t> || std::is_same_v<T, int64_t>) {
    out.put_long(value);
  } else if constexpr (std::is_same_v<T, float>) {
    out.put_float(value);
  } else if constexpr (std::is_same_v<T, double>) {
    out.put_double(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    out.put_bytes(value);
  } else if constexpr (std::is_same_v<T, Bytes>) {
    out.put_bytes(value.data);
  } else if constexpr (std::is_same_v<T, Time>) {
    out.put_long(value.us);
  } else if constexpr (Fixed<T>) {
    out.put_fixed(fixed_view(value));
  } else if constexpr (Enum<T>) {
    out.put_index(static_cast<size_t>(value));
  } else if constexpr (List<T>) {
    if (!value.empty()) out.begin_block(value.size());
    for (const auto& item : value) put(out, item);
    out.end_blocks();
  } else if constexpr (Map<T>) {
    if (!value.empty()) out.begin_block(value.size());
    for (const auto& [key, item] : value) {
      out.put_bytes(key);
      put(out, item);
    }
    out.end_blocks();
  } else if constexpr (Optional<T>) {
    out.put_index(value.has_value() ? 1 : 0);
    if (value.has_value()) put(out, *value);
  } else if constexpr (Shared<T>) {
    if (const ByteView kept = value.encoding(); !kept.empty()) {
      out.put_fixed(kept);
    } else {
      put(out, *value);
    }
  } else if constexpr (Record<T>) {
    PutFields<Out> visitor{out};
    T::fields(value, visitor);
  } else {
    static_assert(unsupported<T>, "this member type has no Avro counterpart: see the table in avro/bind.hpp");
  }
}

// --- decoding

template <class T>
void get(Decoder& in, T& value);

struct GetFields {
  Decoder& in;
  template <class T>
  void operator()(std::string_view, T& member, std::string_view = {}) {
    get(in, member);
  }
};

/// Elements that are there already are read into, which keeps the memory of their strings.
template <class T>
void get_list(Decoder& in, std::vector<T>& list) {
  static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no elements to read into");
  size_t used = 0;
  while (size_t count = in.next_block(min_bytes<T>())) {
    // A lie about the count costs no more than this; beyond it memory grows only with data that was there.
    list.reserve(used + (count < 1024 ? count : 1024));
    for (; count > 0 && in.ok(); --count, ++used)
      get(in, used < list.size() ? list[used] : list.emplace_back());
  }
  list.resize(used);
}

template <class T>
void get_map(Decoder& in, std::map<std::string, T>& map) {
  map.clear();
  while (size_t count = in.next_block(min_bytes<T>() + 1)) {
    for (; count > 0 && in.ok(); --count) {
      std::string key(in.get_bytes());
      get(in, map[std::move(key)]);
    }
  }
}

template <class T>
void get_nested(Decoder& in, T& value) {
  if (!in.enter()) return;
  if constexpr (List<T>) {
    get_list(in, value);
  } else {
    get_map(in, value);
  }
  in.leave();
}

template <class T>
void get_optional(Decoder& in, std::optional<T>& value) {
  if (in.get_index(2) == 0) {
    value.reset();
  } else {
    get(in, value.has_value() ? *value : value.emplace());
  }
}

template <class T>
void get(Decoder& in, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    value = in.get_boolean();
  } else if constexpr (std::is_same_v<T, int32_t>) {
    value = in.get_int();
  } else if constexpr (std::is_same_v<T, int64_t>) {
    value = in.get_long();
  } else if constexpr (std::is_same_v<T, float>) {
    value = in.get_float();
  } else if constexpr (std::is_same_v<T, double>) {
    value = in.get_double();
  } else if constexpr (std::is_same_v<T, std::string>) {
    value.assign(in.get_bytes());
  } else if constexpr (std::is_same_v<T, Bytes>) {
    value.data.assign(in.get_bytes());
  } else if constexpr (std::is_same_v<T, Time>) {
    value.us = in.get_long();
  } else if constexpr (Fixed<T>) {
    const ByteView raw = in.get_fixed(fixed_size<T>());
    if (!raw.empty()) std::memcpy(fixed_data(value), raw.data(), raw.size());
  } else if constexpr (Enum<T>) {
    value = static_cast<T>(in.get_index(EnumSymbols<T>::symbols.size()));
  } else if constexpr (List<T> || Map<T>) {
    get_nested(in, value);
  } else if constexpr (Optional<T>) {
    get_optional(in, value);
  } else if constexpr (Shared<T>) {
    get(in, value.edit());
  } else if constexpr (Record<T>) {
    GetFields visitor{in};
    T::fields(value, visitor);
  } else {
    static_assert(unsupported<T>, "this member type has no Avro counterpart: see the table in avro/bind.hpp");
  }
}

// --- schema

/// Appends schemas as JSON; a named type is written out where it first occurs.
class SchemaText {
 public:
  explicit SchemaText(std::string& out) : out_(out) {}

  template <class T>
  void type() {
    if constexpr (std::is_same_v<T, bool>) {
      out_ += R"("boolean")";
    } else if constexpr (std::is_same_v<T, int32_t>) {
      out_ += R"("int")";
    } else if constexpr (std::is_same_v<T, int64_t>) {
      out_ += R"("long")";
    } else if constexpr (std::is_same_v<T, float>) {
      out_ += R"("float")";
    } else if constexpr (std::is_same_v<T, double>) {
      out_ += R"("double")";
    } else if constexpr (std::is_same_v<T, std::string>) {
      out_ += R"("string")";
    } else if constexpr (std::is_same_v<T, Bytes>) {
      out_ += R"("bytes")";
    } else if constexpr (std::is_same_v<T, Time>) {
      out_ += R"({"type":"long","logicalType":"timestamp-micros"})";
    } else if constexpr (Fixed<T>) {
      if (begin("fixed", FixedName<T>::name())) out_ += ",\"size\":" + std::to_string(fixed_size<T>()) + "}";
    } else if constexpr (Enum<T>) {
      enumeration<T>();
    } else if constexpr (List<T>) {
      out_ += R"({"type":"array","items":)";
      type<typename T::value_type>();
      out_ += '}';
    } else if constexpr (Map<T>) {
      out_ += R"({"type":"map","values":)";
      type<typename T::mapped_type>();
      out_ += '}';
    } else if constexpr (Optional<T>) {
      out_ += R"(["null",)";
      type<typename T::value_type>();
      out_ += ']';
    } else if constexpr (Shared<T>) {
      type<typename T::value_type>();
    } else if constexpr (Record<T>) {
      record<T>("");
    } else {
      static_assert(unsupported<T>,
                    "this member type has no Avro counterpart: see the table in avro/bind.hpp");
    }
  }

  template <Record T>
  void record(std::string_view name_space) {
    if (!begin("record", T::avro_name, name_space)) return;
    out_ += ",\"fields\":[";
    const T any{};
    std::string separator;
    const auto field = [&]<class M>(std::string_view name, const M&, std::string_view default_json = {}) {
      out_ += separator + R"({"name":)";
      separator = ",";
      append_json_string(out_, name);
      out_ += ",\"type\":";
      type<M>();
      if (default_json.empty() && Optional<M>) default_json = "null";
      if (!default_json.empty()) out_ += ",\"default\":" + std::string(default_json);
      out_ += '}';
    };
    T::fields(any, field);
    out_ += "]}";
  }

 private:
  template <Enum T>
  void enumeration() {
    using Symbols = EnumSymbols<T>;
    if (!begin("enum", Symbols::name)) return;
    out_ += ",\"symbols\":[";
    std::string separator;
    for (const std::string_view symbol : Symbols::symbols) {
      out_ += separator;
      append_json_string(out_, symbol);
      separator = ",";
    }
    out_ += ']';
    if constexpr (requires { Symbols::default_symbol; }) {
      out_ += ",\"default\":";
      append_json_string(out_, Symbols::default_symbol);
    }
    out_ += '}';
  }

  /// False: the type is written already, and now referred to.
  bool begin(std::string_view kind, std::string_view name, std::string_view name_space = {}) {
    if (!written_.insert(std::string(name)).second) {
      append_json_string(out_, name);
      return false;
    }
    out_ += R"({"type":")" + std::string(kind) + R"(","name":)";
    append_json_string(out_, name);
    if (!name_space.empty()) {
      out_ += ",\"namespace\":";
      append_json_string(out_, name_space);
    }
    return true;
  }

  std::string& out_;
  std::set<std::string> written_;
};

// --- plain JSON

template <class T>
void put_json(std::string& out, const T& value);

struct PutJsonFields {
  std::string& out;
  char before = '{';
  template <class T>
  void operator()(std::string_view name, const T& member, std::string_view = {}) {
    // An Avro name needs no escapes.
    out += before;
    before = ',';
    out += '"';
    out += name;
    out += "\":";
    put_json(out, member);
  }
};

template <class T>
void put_json_entries(std::string& out, const T& map) {
  char before = '{';
  for (const auto& [key, item] : map) {
    out += before;
    before = ',';
    append_json_string(out, key);
    out += ':';
    put_json(out, item);
  }
  out += map.empty() ? "{}" : "}";
}

template <class T>
void put_json_items(std::string& out, const T& list) {
  char before = '[';
  for (const auto& item : list) {
    out += before;
    before = ',';
    put_json(out, item);
  }
  out += list.empty() ? "[]" : "]";
}

template <class T>
void put_json(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_same_v<T, int32_t> || std::is_same_v<T, int64_t>) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  } else if constexpr (std::is_floating_point_v<T>) {
    out += std::isfinite(value) ? to_decimal(static_cast<double>(value)) : "null";
  } else if constexpr (std::is_same_v<T, std::string>) {
    append_json_string(out, value);
  } else if constexpr (std::is_same_v<T, Bytes>) {
    out += '"' + to_hex(value.data) + '"';
  } else if constexpr (std::is_same_v<T, Time>) {
    out += '"' + format_rfc3339(value) + '"';
  } else if constexpr (Fixed<T>) {
    out += '"' + to_hex(fixed_view(value)) + '"';
  } else if constexpr (Enum<T>) {
    append_json_string(out, symbol_of(value));
  } else if constexpr (List<T>) {
    put_json_items(out, value);
  } else if constexpr (Map<T>) {
    put_json_entries(out, value);
  } else if constexpr (Optional<T>) {
    if (value.has_value()) {
      put_json(out, *value);
    } else {
      out += "null";
    }
  } else if constexpr (Shared<T>) {
    put_json(out, *value);
  } else if constexpr (Record<T>) {
    PutJsonFields visitor{out};
    T::fields(value, visitor);
    out += '}';
  } else {
    static_assert(unsupported<T>, "this member type has no JSON counterpart: see the table in avro/bind.hpp");
  }
}

}  // namespace bind

/// Appends the binary encoding of `value` by the schema schema_of<T>().
template <bind::Record T>
void encode(const T& value, std::string& out) {
  RunEncoder encoder(out);
  bind::put(encoder, value);
}

template <class T>
void SharedRecord<T>::keep_encoding() {
  if (!box_) box_ = std::make_shared<Box>();
  if (box_->encoding.empty()) encode(box_->value, box_->encoding);
}

/// Reads `value` from bytes of the schema schema_of<T>(); what it held is overwritten, its memory used again
/// where possible. Errors: invalid ("Received, byte N: …"); `value` then holds anything.
template <bind::Record T>
Status decode(ByteView bytes, T& value) {
  Decoder in(bytes);
  bind::get(in, value);
  Status done = in.finish();
  if (!done.ok()) return Error{done.error().cause, std::string(T::avro_name) + ", " + done.error().message};
  return done;
}

/// The schema of T as JSON text, types named inside `name_space`.
template <bind::Record T>
std::string schema_of(std::string_view name_space = {}) {
  std::string out;
  bind::SchemaText(out).record<T>(name_space);
  return out;
}

/// Appends `value` as plain JSON (not Avro's JSON encoding: a union's value stands bare; see the table
/// above).
template <bind::Record T>
void write_json(const T& value, std::string& out) {
  bind::put_json(out, value);
}

}  // namespace bonafide::avro
