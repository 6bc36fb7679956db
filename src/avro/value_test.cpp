#include "avro/value.hpp"

#include <gtest/gtest.h>

#include "avro/json.hpp"
#include "avro/json_codec.hpp"
#include "base/text.hpp"

namespace bonafide::avro {
namespace {

Schema parsed(std::string_view text) { return *parse_schema(text); }

std::string binary(const Schema& schema, std::string_view json) {
  std::string out;
  const Status done = json_to_binary(json, schema.root(), out);
  return done.ok() ? to_hex(out) : done.error().message;
}

std::string json(const Schema& schema, std::string_view hex) {
  const std::string bytes = *from_hex(hex);
  Decoder in(bytes);
  std::string out;
  const Status done = binary_to_json(in, schema.root(), out);
  return done.ok() ? out : done.error().message;
}

TEST(AvroJson, UnionsNameTheirBranch) {
  const Schema schema = parsed(R"(["null","string",{"type":"enum","name":"n.E","symbols":["A","B"]}])");
  EXPECT_EQ(binary(schema, "null"), "00");
  EXPECT_EQ(binary(schema, R"({"string":"a"})"), "020261");
  EXPECT_EQ(binary(schema, R"({"n.E":"B"})"), "0402");
  EXPECT_EQ(json(schema, "0402"), R"({"n.E":"B"})");
  EXPECT_EQ(binary(schema, R"("a")"), R"(1:1: a value of a union is null or {"name of its type": value})");
  EXPECT_EQ(binary(schema, R"({"int":1})"), R"(1:1: the union has no branch "int", only null, string, n.E)");
  EXPECT_EQ(binary(schema, R"({"n.E":"other"})"), R"(1:8: "other" is not a symbol of "n.E")");
}

TEST(AvroJson, BytesAreCharacters) {
  const Schema schema = parsed(R"("bytes")");
  EXPECT_EQ(json(schema, "0800417fff"), "\"\\u0000A\\u007f\xC3\xBF\"");
  EXPECT_EQ(binary(schema, R"("\u0000A\u00ff")"), "060041ff");
  EXPECT_EQ(binary(schema, R"("\u0100")"), "1:1: a character above U+00FF stands for no byte");
  const Schema fixed = parsed(R"({"type":"fixed","name":"F","size":2})");
  EXPECT_EQ(json(fixed, "ff00"), "\"\xC3\xBF\\u0000\"");
  EXPECT_EQ(binary(fixed, R"("abc")"), R"(1:1: "F" has 2 bytes, not 3)");
}

TEST(AvroJson, NumbersKeepTheirValue) {
  EXPECT_EQ(json(parsed(R"("double")"), "9a9999999999b93f"), "0.1");
  EXPECT_EQ(json(parsed(R"("float")"), "cdcccc3d"), "0.1");
  EXPECT_EQ(json(parsed(R"("double")"), "000000000000f07f"), R"("Infinity")");
  EXPECT_EQ(binary(parsed(R"("double")"), R"("-Infinity")"), "000000000000f0ff");
  EXPECT_EQ(binary(parsed(R"("float")"), R"("NaN")"), "0000c07f");
  EXPECT_EQ(binary(parsed(R"("double")"), "1e-400"), "0000000000000000");
  EXPECT_EQ(binary(parsed(R"("double")"), "1e400"), "1:1: 1e400 is beyond the range of a double");
  EXPECT_EQ(binary(parsed(R"("float")"), "1e39"), "1:1: 1e39 is beyond the range of a float");
  EXPECT_EQ(binary(parsed(R"("long")"), "9223372036854775807"), "feffffffffffffffff01");
  EXPECT_EQ(binary(parsed(R"("long")"), "9223372036854775808"),
            "1:1: 9223372036854775808 is not a whole number of 64 bits");
  EXPECT_EQ(binary(parsed(R"("int")"), "1.0"), "1:1: 1.0 is not a whole number of 32 bits");
}

TEST(AvroJson, RecordsTakeDefaultsAndRefuseStrangers) {
  const Schema schema = parsed(R"({"type":"record","name":"R","fields":[
      {"name":"a","type":"int"},{"name":"count","type":["null","int"],"default":null}]})");
  EXPECT_EQ(binary(schema, R"({"a":1})"), "0200");
  EXPECT_EQ(binary(schema, R"({"count":{"int":3},"a":1})"), "020206");
  EXPECT_EQ(binary(schema, R"({"count":null})"), R"(1:1: the field "a" of "R" is missing)");
  EXPECT_EQ(binary(schema, "{\"a\":1,\n \"cuont\":null}"),
            R"(2:10: "R" has no field "cuont": did you mean "count"?)");
}

TEST(AvroJson, TextThatIsNotUtf8IsRepaired) {
  EXPECT_EQ(json(parsed(R"("string")"), "0461ff"), "\"a\xEF\xBF\xBD\"");
  EXPECT_EQ(json(parsed(R"({"type":"map","values":"int"})"), "0202ff0200"), "{\"\xEF\xBF\xBD\":1}");
}

TEST(Value, EncodingNamesThePlaceThatIsWrong) {
  const Schema schema = parsed(R"({"type":"record","name":"R","fields":[
      {"name":"list","type":{"type":"array","items":["null","string"]}}]})");
  Value value;
  value.data = Value::Members{};
  std::string out = "kept";
  EXPECT_EQ(encode(value, schema.root(), out).error().message, "$: not a value of type record \"R\"");
  Value::Items items(2);
  items[1].data = int32_t{5};
  items[1].branch = 1;
  Value list;
  list.data = items;
  value.data = Value::Members{{list}};
  EXPECT_EQ(encode(value, schema.root(), out).error().message, "$.list[1]: not a value of type string");
  items[1].data = std::string("\xFF");
  list.data = items;
  value.data = Value::Members{{list}};
  EXPECT_EQ(encode(value, schema.root(), out).error().message, "$.list[1]: a string must be valid UTF-8");
  items[1].branch = 2;
  list.data = items;
  value.data = Value::Members{{list}};
  EXPECT_EQ(encode(value, schema.root(), out).error().message, "$.list[1]: the union has no branch 2");
  EXPECT_EQ(out, "kept");
}

TEST(Value, DecodingRefusesBrokenText) {
  EXPECT_EQ(decode(*from_hex("0461ff"), parsed(R"("string")")).error().message,
            "byte 3: a string is not valid UTF-8");
  EXPECT_EQ(decode(*from_hex("0000"), parsed(R"("int")")).error().message,
            "byte 1: 1 bytes are left over after the value: is this the writer's schema?");
}

TEST(Json, ReadsAllOfRfc8259AndNothingElse) {
  std::string out;
  append_json(
      out, *parse_json(" { \"a\" : [ 1 , -0.5e+3 , true , false , null , \"\\u00e9\\ud83d\\ude00\\n\" ] } "));
  EXPECT_EQ(out, "{\"a\":[1,-0.5e+3,true,false,null,\"\xC3\xA9\xF0\x9F\x98\x80\\n\"]}");
  for (const std::string_view bad :
       {"",       "[",        "[1",      "[1,]",      "{\"a\"}",     "{\"a\":1,}",  "{a:1}",
        "01",     "1.",       ".5",      "-",         "1e",          "+1",          "tru",
        "nul",    "\"",       "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
        "\"\n\"", "\"\xFF\"", "1 2",     "[1]]",      "NaN"}) {
    EXPECT_FALSE(parse_json(bad).ok()) << bad;
  }
  EXPECT_EQ(json_place("a\nb\xC3\xA9z", 5), "2:3");
}

}  // namespace
}  // namespace bonafide::avro
