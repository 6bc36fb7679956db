// Bonafide's Avro for the interop test: one request a line on stdin, one answer a line on stdout, both JSON
// objects. Bytes are hex, schemas and values JSON inside strings.
//
//   {"op":"canonical","schema":…}                          {"canonical":…,"fingerprint":…,"full":…}
//   {"op":"encode","schema":…,"json":…}                    {"binary":…}
//   {"op":"decode","schema":…,"binary":…}                  {"json":…,"again":…}   again: encoded by way of
//   Value
//   {"op":"resolve","writer":…,"reader":…,"binary":…}      {"binary":…}
//   {"op":"write","schema":…,"codec":…,"records":[…]}      {"file":…}
//   {"op":"read","file":…}                                 {"schema":…,"records":[…]}
//
// What fails answers {"error":…}.
#include <iostream>
#include <string>

#include "avro/container.hpp"
#include "avro/json.hpp"
#include "avro/json_codec.hpp"
#include "avro/resolve.hpp"
#include "avro/value.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace {

using namespace bonafide;
using namespace bonafide::avro;

std::string_view text_of(const Json& request, std::string_view key) {
  const Json* found = request.find(key);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

Status canonical(const Json& request, JsonWriter& answer) {
  BONAFIDE_ASSIGN(const Schema schema, parse_schema(text_of(request, "schema")));
  const uint64_t number = fingerprint64(schema);
  answer.member("canonical", canonical_form(schema)).member("fingerprint", static_cast<int64_t>(number));
  answer.member("full", schema.to_json());
  return Ok{};
}

Status encode_json(const Json& request, JsonWriter& answer) {
  BONAFIDE_ASSIGN(const Schema schema, parse_schema(text_of(request, "schema")));
  std::string binary;
  BONAFIDE_TRY(json_to_binary(text_of(request, "json"), schema.root(), binary));
  answer.member("binary", to_hex(binary));
  return Ok{};
}

Status decode_binary(const Json& request, JsonWriter& answer) {
  BONAFIDE_ASSIGN(const Schema schema, parse_schema(text_of(request, "schema")));
  BONAFIDE_ASSIGN(const std::string binary, from_hex(text_of(request, "binary")));
  BONAFIDE_ASSIGN(const Value value, decode(binary, schema));
  BONAFIDE_ASSIGN(const std::string json, to_json(value, schema));
  std::string again;
  BONAFIDE_TRY(encode(value, schema.root(), again));
  answer.member("json", json).member("again", to_hex(again));
  return Ok{};
}

Status resolve(const Json& request, JsonWriter& answer) {
  BONAFIDE_ASSIGN(const Schema writer, parse_schema(text_of(request, "writer")));
  BONAFIDE_ASSIGN(const Schema reader, parse_schema(text_of(request, "reader")));
  BONAFIDE_ASSIGN(const std::string binary, from_hex(text_of(request, "binary")));
  BONAFIDE_ASSIGN(const Plan plan, Plan::compile(writer, reader));
  std::string read;
  BONAFIDE_TRY(plan.run(binary, read));
  if (plan.is_identity() && read != binary)
    return Error{Cause::internal, "an identity that changes the bytes"};
  answer.member("binary", to_hex(read));
  return Ok{};
}

Status write_container(const Json& request, JsonWriter& answer) {
  BONAFIDE_ASSIGN(const Schema schema, parse_schema(text_of(request, "schema")));
  BONAFIDE_ASSIGN(const Codec codec, parse_codec(text_of(request, "codec")));
  ContainerOptions options{
      .codec = codec, .level = 0, .block_bytes = 200, .metadata = {{"from", "bonafide"}}};
  for (size_t i = 0; i < options.sync.size(); ++i) options.sync[i] = static_cast<char>(0x91 * (i + 1));
  ContainerWriter writer(schema, options);
  std::string file;
  BONAFIDE_TRY(writer.header(file));
  const Json* records = request.find("records");
  for (size_t i = 0; records != nullptr && i < records->items.size(); ++i) {
    BONAFIDE_ASSIGN(const std::string record, from_hex(records->items[i].text));
    BONAFIDE_TRY(writer.append(record, file));
  }
  BONAFIDE_TRY(writer.end_block(file));
  answer.member("file", to_hex(file));
  return Ok{};
}

Status read_container(const Json& request, JsonWriter& answer) {
  BONAFIDE_ASSIGN(const std::string file, from_hex(text_of(request, "file")));
  BONAFIDE_ASSIGN(ContainerReader reader, ContainerReader::open(ByteView(file)));
  std::vector<std::string> records;
  for (ByteView record;;) {
    BONAFIDE_ASSIGN(const bool more, reader.next(record));
    if (!more) break;
    records.push_back(to_hex(record));
  }
  answer.member("schema", reader.schema().to_json()).key("records").begin_array();
  for (const std::string& record : records) answer.value(record);
  answer.end_array();
  return Ok{};
}

Status answer_to(std::string_view line, JsonWriter& answer) {
  BONAFIDE_ASSIGN(const Json request, parse_json(line));
  const std::string_view op = text_of(request, "op");
  if (op == "canonical") return canonical(request, answer);
  if (op == "encode") return encode_json(request, answer);
  if (op == "decode") return decode_binary(request, answer);
  if (op == "resolve") return resolve(request, answer);
  if (op == "write") return write_container(request, answer);
  if (op == "read") return read_container(request, answer);
  return Error{Cause::invalid, "no such op"};
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    JsonWriter answer;
    answer.begin_object();
    const Status done = answer_to(line, answer);
    if (!done.ok()) {
      answer = JsonWriter();
      answer.begin_object().member("error", done.error().message);
    }
    std::cout << answer.end_object().text() << std::endl;
  }
}
