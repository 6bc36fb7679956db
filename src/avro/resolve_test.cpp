#include "avro/resolve.hpp"

#include <gtest/gtest.h>

#include "avro/value.hpp"

namespace bonafide::avro {
namespace {

Schema parsed(std::string_view text) {
  auto schema = parse_schema(text);
  EXPECT_TRUE(schema.ok()) << text << "\n" << (schema.ok() ? "" : schema.error().message);
  return schema.value_or(Schema());
}

Schema fields(std::string_view list) {
  return parsed(R"({"type":"record","name":"R","fields":[)" + std::string(list) + "]}");
}

/// What the reader sees of a value the writer wrote, both in Avro's JSON; or the error.
std::string resolved(const Schema& writer, const Schema& reader, std::string_view json) {
  const auto plan = Plan::compile(writer, reader);
  if (!plan.ok()) return plan.error().message;
  const auto value = from_json(json, writer);
  if (!value.ok()) return "input: " + value.error().message;
  std::string written;
  EXPECT_TRUE(encode(*value, writer.root(), written).ok());
  std::string read = "before";
  const Status done = plan->run(written, read);
  if (!done.ok()) {
    EXPECT_EQ(read, "before");
    return done.error().message;
  }
  const auto back = decode(ByteView(read).substr(6), reader);
  if (!back.ok()) return "output: " + back.error().message;
  EXPECT_TRUE(!plan->is_identity() || read.substr(6) == written);
  for (size_t size = 0; size < written.size(); ++size) {
    EXPECT_FALSE(plan->run(ByteView(written).substr(0, size), read).ok()) << "cut to " << size;
  }
  return *to_json(*back, reader);
}

std::string resolved(std::string_view writer, std::string_view reader, std::string_view json) {
  return resolved(parsed(writer), parsed(reader), json);
}

TEST(Resolve, Promotions) {
  EXPECT_EQ(resolved(R"("int")", R"("long")", "-7"), "-7");
  EXPECT_EQ(resolved(R"("int")", R"("float")", "-7"), "-7");
  EXPECT_EQ(resolved(R"("int")", R"("double")", "-7"), "-7");
  EXPECT_EQ(resolved(R"("long")", R"("float")", "16777217"), "16777216");
  EXPECT_EQ(resolved(R"("long")", R"("double")", "-7"), "-7");
  EXPECT_EQ(resolved(R"("float")", R"("double")", "0.5"), "0.5");
  EXPECT_EQ(resolved(R"("string")", R"("bytes")", R"("\u00e9")"), "\"\xC3\x83\xC2\xA9\"");
  EXPECT_EQ(resolved(R"("bytes")", R"("string")", R"("abc")"), R"("abc")");
  EXPECT_EQ(resolved(R"("long")", R"("int")", "1"), "$: long cannot be read as int");
  EXPECT_EQ(resolved(R"("double")", R"("float")", "1"), "$: double cannot be read as float");
}

TEST(Resolve, FieldsAreMatchedByNameAndMissingOnesTakeDefaults) {
  const Schema writer =
      fields(R"({"name":"gone","type":"string"},{"name":"b","type":"int"},{"name":"a","type":"string"})");
  EXPECT_EQ(resolved(writer, fields(R"({"name":"a","type":"string"},{"name":"b","type":"long"},
                                       {"name":"new","type":["null","int"],"default":null})"),
                     R"({"gone":"x","b":3,"a":"y"})"),
            R"({"a":"y","b":3,"new":null})");
  EXPECT_EQ(resolved(writer, fields(R"({"name":"new","type":"int","default":5},{"name":"b","type":"int"})"),
                     R"({"gone":"x","b":3,"a":"y"})"),
            R"({"new":5,"b":3})");
  EXPECT_EQ(resolved(writer, fields(R"({"name":"c","type":"string"})"), "{}"),
            R"($.c: the writer's record "R" has no such field, and it has no default: give it one)");
}

TEST(Resolve, AliasesOfFieldsAndTypes) {
  const Schema writer = parsed(R"({"type":"record","name":"old.Name","fields":[{"name":"first","type":"int"},
      {"name":"e","type":{"type":"enum","name":"old.E","symbols":["A"]}}]})");
  const Schema reader = parsed(R"({"type":"record","name":"new.Other","aliases":["old.Name"],"fields":[
      {"name":"second","aliases":["first"],"type":"int"},
      {"name":"e","type":{"type":"enum","name":"new.F","aliases":["old.E"],"symbols":["A"]}}]})");
  EXPECT_EQ(resolved(writer, reader, R"({"first":1,"e":"A"})"), R"({"second":1,"e":"A"})");
  EXPECT_NE(resolved(reader, writer, "{}").find("add an alias"), std::string::npos);
  // A field of the right name wins over an alias.
  EXPECT_EQ(
      resolved(
          fields(R"({"name":"x","type":"int"},{"name":"y","type":"int"})"),
          fields(R"({"name":"y","aliases":["x"],"type":"int"},{"name":"z","aliases":["x"],"type":"int"})"),
          R"({"x":1,"y":2})"),
      R"({"y":2,"z":1})");
}

TEST(Resolve, EnumsAreMatchedBySymbol) {
  const auto e = [](std::string_view symbols, std::string_view more = "") {
    return parsed(R"({"type":"enum","name":"E","symbols":[)" + std::string(symbols) + "]" +
                  std::string(more) + "}");
  };
  EXPECT_EQ(resolved(e(R"("A","B")"), e(R"("C","B","A")"), R"("A")"), R"("A")");
  EXPECT_EQ(resolved(e(R"("A","B")"), e(R"("A","U")", R"(,"default":"U")"), R"("B")"), R"("U")");
  EXPECT_EQ(resolved(e(R"("A","B")"), e(R"("A")"), R"("A")"), R"("A")");
  EXPECT_EQ(resolved(e(R"("A","B")"), e(R"("A")"), R"("B")"),
            R"(byte 1: $: the reader's enum "E" has no symbol "B" and no default: add one of them)");
}

TEST(Resolve, Unions) {
  EXPECT_EQ(resolved(R"("int")", R"(["null","string","long"])", "3"), R"({"long":3})");
  EXPECT_EQ(resolved(R"("int")", R"(["double","int"])", "3"), R"({"int":3})")
      << "the same type wins over a promotion";
  EXPECT_EQ(resolved(R"(["null","int"])", R"(["int","null"])", R"({"int":3})"), R"({"int":3})");
  EXPECT_EQ(resolved(R"(["null","int"])", R"("int")", R"({"int":3})"), "3");
  EXPECT_EQ(resolved(R"(["null","int"])", R"("int")", "null"), "byte 1: $(null): null cannot be read as int");
  EXPECT_EQ(resolved(R"(["null","string"])", R"("int")", "null"), "$(null): null cannot be read as int");
  EXPECT_EQ(resolved(R"("boolean")", R"(["null","string"])", "true"),
            "$: boolean fits no branch of the reader's union: add one");
  // Of two records the one that can be read.
  EXPECT_EQ(resolved(R"({"type":"record","name":"a.R","fields":[{"name":"x","type":"int"}]})",
                     R"([{"type":"record","name":"b.R","fields":[{"name":"y","type":"int"}]},
                         {"type":"record","name":"c.R","fields":[{"name":"x","type":"long"}]}])",
                     R"({"x":1})"),
            R"({"c.R":{"x":1}})");
}

TEST(Resolve, Containers) {
  EXPECT_EQ(resolved(R"({"type":"array","items":"int"})", R"({"type":"array","items":"double"})", "[1,2,3]"),
            "[1,2,3]");
  EXPECT_EQ(resolved(R"({"type":"map","values":"int"})", R"({"type":"map","values":["null","long"]})",
                     R"({"a":1,"b":2})"),
            R"({"a":{"long":1},"b":{"long":2}})");
  EXPECT_EQ(resolved(R"({"type":"array","items":"int"})", R"({"type":"array","items":"string"})", "[]"),
            "$[]: int cannot be read as string");
}

TEST(Resolve, TypesThatContainThemselves) {
  const auto list = [](std::string_view value, std::string_view more = "") {
    return parsed(R"({"type":"record","name":"L","fields":[{"name":"v","type":)" + std::string(value) +
                  R"(},{"name":"next","type":["null","L"])" + std::string(more) + "}]}");
  };
  const std::string json = R"({"v":1,"next":{"L":{"v":2,"next":null}}})";
  EXPECT_EQ(resolved(list(R"("int")"), list(R"("double")"), json), json);
  EXPECT_TRUE(Plan::compile(list(R"("int")"), list(R"("int")"))->is_identity());
  EXPECT_TRUE(Plan::compile(list(R"("int")"), list(R"("long")"))->is_identity()) << "the bytes are the same";
  EXPECT_FALSE(Plan::compile(list(R"("int")"), list(R"("double")"))->is_identity());
  EXPECT_FALSE(Plan::compile(list(R"("int")"), list(R"("string")")).ok());
}

TEST(Resolve, IdentityIsToldTruly) {
  const Schema schema = fields(R"({"name":"a","type":"string"},{"name":"u","type":["null","int"]},
      {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}})");
  EXPECT_TRUE(Plan::compile(schema, schema)->is_identity());
  EXPECT_TRUE(Plan::compile(
                  schema, fields(R"({"name":"a","type":"bytes"},{"name":"u","type":["null","long","string"]},
      {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B","C"]}})"))
                  ->is_identity());
  for (const char* other : {R"({"name":"a","type":"string"},{"name":"u","type":["null","int"]})",
                            R"({"name":"u","type":["null","int"]},{"name":"a","type":"string"})",
                            R"({"name":"a","type":"string"},{"name":"u","type":["int","null"]})",
                            R"({"name":"a","type":["string"]})"}) {
    EXPECT_FALSE(Plan::compile(schema, fields(other))->is_identity()) << other;
  }
}

TEST(Resolve, OutputIsBounded) {
  // Fifty thousand records of no size, each becoming a kilobyte.
  const Schema writer = parsed(R"({"type":"array","items":{"type":"record","name":"R","fields":[]}})");
  const Schema reader = parsed(R"({"type":"array","items":{"type":"record","name":"R","fields":[
      {"name":"x","type":"string","default":")" +
                               std::string(1024, 'x') + R"("}]}})");
  std::string written;
  Encoder(written).begin_block(50'000);
  Encoder(written).end_blocks();
  const auto plan = Plan::compile(writer, reader);
  ASSERT_TRUE(plan.ok());
  std::string out;
  Decoder in(written);
  const Status done = plan->run(in, out, 1 << 20);
  ASSERT_FALSE(done.ok());
  EXPECT_NE(done.error().message.find("too large"), std::string::npos);
}

TEST(Resolve, HostilePairsOfSchemasAreRefused) {
  std::string records = "[";
  for (int i = 0; i < 3000; ++i) {
    records +=
        (i == 0 ? "" : ",") + (R"({"type":"record","name":"R)" + std::to_string(i) + R"(","fields":[]})");
  }
  const Schema schema = parsed(records + "]");
  const auto plan = Plan::compile(schema, schema);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().cause, Cause::exhausted);

  std::string many =
      R"({"type":"record","name":"R","fields":[{"name":"f","type":{"type":"enum","name":"E","symbols":["S")";
  for (int i = 0; i < 2000; ++i) many += ",\"S" + std::to_string(i) + "\"";
  many += "]}}";
  for (int i = 0; i < 2000; ++i) many += R"(,{"name":"f)" + std::to_string(i) + R"(","type":"E"})";
  std::string few = many;
  few.erase(few.find(",\"S0\""), few.find("]}}") - few.find(",\"S0\""));
  EXPECT_EQ(Plan::find_gaps(parsed(many + "]}"), parsed(few + "]}")).size(), 1000u);
}

std::vector<std::string> against(const std::vector<Schema>& history, const Schema& next, Compatibility mode) {
  std::vector<std::string> texts;
  for (const Incompatibility& one : check_compatibility(history, next, mode)) texts.push_back(one.text());
  return texts;
}

TEST(Compatibility, EveryIncompatibilityIsNamed) {
  const Schema old_schema = fields(R"({"name":"a","type":"int"},{"name":"b","type":"int"},
      {"name":"l","type":{"type":"array","items":{"type":"record","name":"I","fields":[{"name":"x","type":"int"}]}}},
      {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},
      {"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}}, {"name":"u","type":["null","int"]})");
  const Schema new_schema = fields(R"({"name":"a","type":"string"},{"name":"b","type":"string"},
      {"name":"l","type":{"type":"array","items":{"type":"record","name":"I","fields":[{"name":"y","type":"int"}]}}},
      {"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},
      {"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}}, {"name":"u","type":"int"})");
  EXPECT_EQ(
      against({old_schema}, new_schema, Compatibility::backward),
      (std::vector<std::string>{
          "the new schema cannot read version 1 at $.a: int cannot be read as string",
          "the new schema cannot read version 1 at $.b: int cannot be read as string",
          "the new schema cannot read version 1 at $.l[].y: the writer's record \"I\" has no such field, and "
          "it has no "
          "default: give it one",
          "the new schema cannot read version 1 at $.e: the reader's enum \"E\" has no symbol \"B\" and no "
          "default: add "
          "one of them",
          "the new schema cannot read version 1 at $.t: timestamp-millis would be read as timestamp-micros",
          "the new schema cannot read version 1 at $.u(null): null cannot be read as int"}));
  EXPECT_TRUE(against({old_schema}, new_schema, Compatibility::none).empty());
  EXPECT_TRUE(against({old_schema}, old_schema, Compatibility::full_transitive).empty());
}

TEST(Compatibility, ModesLookAtTheRightVersionsAndWays) {
  const Schema v1 = fields(R"({"name":"a","type":"int"})");
  const Schema v2 = fields(R"({"name":"a","type":"int"},{"name":"b","type":"int","default":0})");
  const Schema v3 = fields(R"({"name":"a","type":"int"},{"name":"b","type":"int"})");
  const auto count = [](const std::vector<Schema>& history, const Schema& next, Compatibility mode) {
    return check_compatibility(history, next, mode).size();
  };
  EXPECT_EQ(count({v1}, v2, Compatibility::full), 0u);
  EXPECT_EQ(count({v1}, v3, Compatibility::backward), 1u);
  EXPECT_EQ(count({v1}, v3, Compatibility::forward), 0u);
  EXPECT_EQ(count({v1, v2}, v3, Compatibility::backward), 0u) << "only the last";
  EXPECT_EQ(count({v1, v2}, v3, Compatibility::backward_transitive), 1u);
  EXPECT_EQ(count({v1, v2}, v3, Compatibility::full_transitive), 1u);
  EXPECT_EQ(count({v3}, v1, Compatibility::forward), 1u);
  EXPECT_EQ(count({v3}, v1, Compatibility::backward), 0u);
  EXPECT_EQ(count({v3}, v1, Compatibility::full), 1u);
  for (int i = 0; i <= static_cast<int>(Compatibility::full_transitive); ++i) {
    const auto mode = static_cast<Compatibility>(i);
    EXPECT_EQ(*parse_compatibility(to_string(mode)), mode);
  }
  EXPECT_FALSE(parse_compatibility("SOME").ok());
}

}  // namespace
}  // namespace bonafide::avro
