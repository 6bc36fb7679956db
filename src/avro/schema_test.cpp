#include "avro/schema.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace bonafide::avro {
namespace {

Schema parsed(std::string_view text) {
  auto schema = parse_schema(text);
  EXPECT_TRUE(schema.ok()) << (schema.ok() ? "" : schema.error().message);
  return schema.value_or(Schema());
}

std::string error_of(std::string_view text, const Names* known = nullptr) {
  const auto schema = parse_schema(text, known);
  return schema.ok() ? "no error" : schema.error().message;
}

struct Canonical {
  std::string_view input, canonical;
  int64_t fingerprint;
};

// Inputs and numbers of Apache Avro's shared test data.
TEST(Schema, CanonicalFormAndFingerprintAreApachesOwn) {
  const Canonical cases[] = {
      {R"("null")", R"("null")", 7195948357588979594},
      {R"({"type":"boolean"})", R"("boolean")", -6970731678124411036},
      {R"("int")", R"("int")", 8247732601305521295},
      {R"("long")", R"("long")", -3434872931120570953},
      {R"({"type":"float"})", R"("float")", 5583340709985441680},
      {R"("double")", R"("double")", -8181574048448539266},
      {R"("bytes")", R"("bytes")", 5746618253357095269},
      {R"({"type":"string"})", R"("string")", -8142146995180207161},
      {"[  ]", "[]", -1241056759729112623},
      {R"([ "int"  ])", R"(["int"])", -5232228896498058493},
      {R"([ "int" , {"type":"boolean"} ])", R"(["int","boolean"])", 5392556393470105090},
      {R"({"fields":[], "type":"record", "name":"foo"})", R"({"name":"foo","type":"record","fields":[]})",
       -4824392279771201922},
      {R"({"fields":[], "type":"record", "name":"foo", "namespace":"x.y"})",
       R"({"name":"x.y.foo","type":"record","fields":[]})", 5916914534497305771},
      {R"({"fields":[], "type":"record", "name":"a.b.foo", "namespace":"x.y"})",
       R"({"name":"a.b.foo","type":"record","fields":[]})", -4616218487480524110},
      {R"({"fields":[], "type":"record", "name":"foo", "doc":"foo", "aliases":["foo","bar"]})",
       R"({"name":"foo","type":"record","fields":[]})", -4824392279771201922},
      {R"({"fields":[{"type":{"type":"boolean"}, "name":"f1"}], "type":"record", "name":"foo"})",
       R"({"name":"foo","type":"record","fields":[{"name":"f1","type":"boolean"}]})", 7843277075252814651},
      {R"({ "fields":[{"type":"boolean", "aliases":[], "name":"f1", "default":true},
            {"order":"descending","name":"f2","doc":"Hello","type":"int"}], "type":"record", "name":"foo"})",
       R"({"name":"foo","type":"record","fields":[{"name":"f1","type":"boolean"},{"name":"f2","type":"int"}]})",
       -4860222112080293046},
      {R"({"type":"enum", "name":"foo", "symbols":["A1"]})",
       R"({"name":"foo","type":"enum","symbols":["A1"]})", -6342190197741309591},
      {R"({"namespace":"x.y.z", "type":"enum", "name":"foo", "doc":"foo bar", "symbols":["A1", "A2"]})",
       R"({"name":"x.y.z.foo","type":"enum","symbols":["A1","A2"]})", -4448647247586288245},
      {R"({"name":"foo","type":"fixed","size":15})", R"({"name":"foo","type":"fixed","size":15})",
       1756455273707447556},
      {R"({"namespace":"x.y.z", "type":"fixed", "name":"foo", "doc":"foo bar", "size":32})",
       R"({"name":"x.y.z.foo","type":"fixed","size":32})", -3064184465700546786},
      {R"({ "items":{"type":"null"}, "type":"array"})", R"({"type":"array","items":"null"})",
       -589620603366471059},
      {R"({ "values":"string", "type":"map"})", R"({"type":"map","values":"string"})", -8732877298790414990},
      {R"({"name":"PigValue","type":"record",
           "fields":[{"name":"value", "type":["null", "int", "long", "PigValue"]}]})",
       R"({"name":"PigValue","type":"record","fields":[{"name":"value","type":["null","int","long","PigValue"]}]})",
       -1759257747318642341},
  };
  for (const Canonical& c : cases) {
    const Schema schema = parsed(c.input);
    EXPECT_EQ(canonical_form(schema), c.canonical);
    EXPECT_EQ(fingerprint64(schema), static_cast<uint64_t>(c.fingerprint)) << c.input;
    EXPECT_EQ(canonical_form(parsed(c.canonical)), c.canonical) << "the canonical form is its own";
    EXPECT_EQ(parsed(schema.to_json()).to_json(), schema.to_json());
  }
  EXPECT_EQ(to_hex(view(fingerprint_sha256(parsed("\"int\"")))),
            "3f2b87a9fe7cc9b13835598c3981cd45e3e355309e5090aa0933d7becb6fba45");
  EXPECT_EQ(to_hex(single_object_header(parsed("\"int\""))), "c3018f5c393f1ad57572");
}

TEST(Schema, NamesFollowTheirNamespace) {
  const Schema schema =
      parsed(R"({"type":"record","name":"Outer","namespace":"a.b","aliases":["Old","x.Older"],"fields":[
      {"name":"f","type":{"type":"fixed","name":"Inner","size":4}},
      {"name":"g","type":"Inner"}, {"name":"h","type":"a.b.Inner"},
      {"name":"i","type":{"type":"enum","name":"c.E","symbols":["X"]}}, {"name":"j","type":"c.E"},
      {"name":"k","type":{"type":"record","name":"Bare","namespace":"","fields":[{"name":"l","type":["null","Bare"]}]}},
      {"name":"m","type":["null","Outer"]}]})");
  EXPECT_EQ(schema->name, "a.b.Outer");
  EXPECT_EQ(schema->aliases, (std::vector<std::string>{"a.b.Old", "x.Older"}));
  EXPECT_EQ(schema->fields[1].type, schema->fields[0].type);
  EXPECT_EQ(schema->fields[2].type->name, "a.b.Inner");
  EXPECT_EQ(schema->fields[4].type->name, "c.E");
  EXPECT_EQ(schema->fields[5].type->name, "Bare");
  EXPECT_EQ(schema->fields[6].type->branches[1], &schema.root());
  EXPECT_EQ(parsed(schema.to_json()).to_json(), schema.to_json());
  EXPECT_EQ(schema.named().size(), 4u);
}

TEST(Schema, LogicalTypesThatAreUnknownOrInvalidAreIgnored) {
  EXPECT_EQ(parsed(R"({"type":"long","logicalType":"timestamp-micros"})")->logical,
            Logical::timestamp_micros);
  EXPECT_EQ(parsed(R"({"type":"fixed","name":"D","size":12,"logicalType":"duration"})")->logical,
            Logical::duration);
  const Schema decimal = parsed(R"({"type":"bytes","logicalType":"decimal","precision":9,"scale":2})");
  EXPECT_EQ(decimal->logical, Logical::decimal);
  EXPECT_EQ(decimal->precision, 9);
  EXPECT_EQ(decimal->scale, 2);
  for (const char* ignored :
       {R"({"type":"int","logicalType":"timestamp-micros"})", R"({"type":"string","logicalType":"made-up"})",
        R"({"type":"bytes","logicalType":"decimal"})",
        R"({"type":"bytes","logicalType":"decimal","precision":2,"scale":3})",
        R"({"type":"fixed","name":"D","size":2,"logicalType":"decimal","precision":5})",
        R"({"type":"fixed","name":"D","size":11,"logicalType":"duration"})",
        R"({"type":"int","logicalType":7})"}) {
    const Schema schema = parsed(ignored);
    EXPECT_EQ(schema->logical, Logical::none) << ignored;
    EXPECT_NE(schema.to_json().find("logicalType"), std::string::npos) << "it is kept all the same";
  }
}

TEST(Schema, KnownNamesCanBeReferredTo) {
  Names names;
  const Schema first = parsed(R"({"type":"record","name":"n.A","fields":[{"name":"x","type":"int"}]})");
  ASSERT_TRUE(names.add(first).ok());
  EXPECT_EQ(names.add(first).error().cause, Cause::conflict);
  const auto second = parse_schema(R"({"type":"array","items":"n.A"})", &names);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(
      second->to_json(),
      R"({"type":"array","items":{"name":"n.A","type":"record","fields":[{"name":"x","type":"int"}]}})");
  EXPECT_EQ(error_of(R"({"type":"fixed","name":"n.A","size":1})", &names),
            R"(1:24: "n.A" is defined twice: refer to it by its name)");
}

TEST(Schema, ErrorsTellPlaceAndRemedy) {
  struct Case {
    std::string_view text, error;
  };
  const Case cases[] = {
      {"", "1:1: the text ends where a JSON value should stand"},
      {"{\"type\":\n \"strng\"}", R"(2:2: there is no type "strng": did you mean "string"?)"},
      {R"("record")", R"(1:1: "record" needs attributes of its own: write {"type": "record", …})"},
      {R"({"type":"record","name":"R","fields":[{"name":"a","type":"Elsewhere"}]})",
       R"(1:58: there is no type "Elsewhere": define it before it is used)"},
      {R"({"type":"record","fields":[]})", R"(1:1: record has no "name": add it)"},
      {R"({"type":"record","name":"R"})", R"(1:1: record "R" has no "fields": add it)"},
      {R"({"type":"record","name":"9R","fields":[]})",
       R"(1:25: "9R" is not a name: use letters, digits and _, not beginning with a digit)"},
      {R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]})",
       R"(1:65: record "R" has the field "a" twice: keep one)"},
      {R"({"type":"enum","name":"E","symbols":["A","A"]})",
       R"(1:42: enum "E" has the symbol "A" twice: keep one)"},
      {R"({"type":"enum","name":"E","symbols":["A"],"default":"B"})",
       R"(1:53: the default "B" is not a symbol of "E")"},
      {R"({"type":"enum","name":"E","symbols":["A-B"]})",
       R"(1:38: "A-B" is not a symbol: use letters, digits and _, not beginning with a digit)"},
      {R"({"type":"fixed","name":"F","size":-1})",
       "1:35: the size of a fixed is a whole number of bytes from 0 to 2147483647, not -1"},
      {R"(["int","string","int"])", R"(1:17: the union has "int" twice: keep one)"},
      {R"(["int",["string"]])", "1:8: a union stands directly in a union: merge the two lists"},
      {R"({"type":"array"})", R"(1:1: array has no "items": add the type of its values)"},
      {R"({"type":{"type":"int"}})",
       R"(1:9: "type" of a type object is a name: put what stands here in the place of the object around it)"},
      {R"({"type":"int","type":"int"})", R"(1:1: the object has the key "type" twice: keep one)"},
      {R"(["int",])", "1:8: a JSON value is expected here"},
      {R"("int" x)", "1:7: text after the end of the JSON value: remove it"},
      {"\"\xC3\xA9\xC3\xA9\" x", "1:6: text after the end of the JSON value: remove it"},
      {R"({"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]})",
       R"(1:74: a string is not a value of type int (default of the field "a"))"},
      {R"({"type":"record","name":"R","fields":[{"name":"a","type":"int","default":2147483648}]})",
       R"(1:74: 2147483648 is not a whole number of 32 bits (default of the field "a"))"},
      {R"({"type":"record","name":"R","fields":[{"name":"a","type":["null","int"],"default":"x"}]})",
       R"(1:83: the default fits no branch of the union (default of the field "a"))"},
      {R"({"type":"record","name":"R","fields":[{"name":"a","type":"int","order":"up"}]})",
       R"(1:72: "order" is "ascending", "descending" or "ignore", not "up")"},
      {R"({"type":"fixed","name":"string","size":1})",
       R"(1:24: "string" is a primitive type: choose another name)"},
  };
  for (const Case& c : cases) EXPECT_EQ(error_of(c.text), c.error) << c.text;
}

TEST(Schema, DefaultsAreEncodedOnce) {
  const Schema schema = parsed(R"({"type":"record","name":"R","fields":[
      {"name":"i","type":"int","default":-3},
      {"name":"u","type":["null","string"],"default":null},
      {"name":"v","type":["null","string"],"default":"x"},
      {"name":"b","type":"bytes","default":"\u00ff\u0000"},
      {"name":"d","type":"double","default":1},
      {"name":"a","type":{"type":"array","items":"int"},"default":[1,2]},
      {"name":"r","type":{"type":"record","name":"S","fields":[
          {"name":"p","type":"int","default":7},{"name":"q","type":"string"}]},"default":{"q":"y"}},
      {"name":"s","type":["null","R"],"default":null}]})");
  const auto hex = [&](size_t i) { return to_hex(schema->fields[i].default_binary); };
  EXPECT_EQ(hex(0), "05");
  EXPECT_EQ(hex(1), "00");
  EXPECT_EQ(hex(2), "020278");
  EXPECT_EQ(hex(3), "04ff00");
  EXPECT_EQ(hex(4), "000000000000f03f");
  EXPECT_EQ(hex(5), "04020400");
  EXPECT_EQ(hex(6), "0e0279");
  EXPECT_EQ(hex(7), "00");
}

TEST(Schema, HostileSchemasAreRefused) {
  std::string nested = "\"int\"";
  for (int i = 0; i < 300; ++i) nested = R"({"type":"array","items":)" + nested + "}";
  EXPECT_NE(error_of(nested).find("too many"), std::string::npos) << error_of(nested);
  std::string deep = "\"int\"";
  for (int i = 0; i < 120; ++i) deep = R"({"type":"array","items":)" + deep + "}";
  EXPECT_NE(error_of(deep).find("nested more than 100 deep"), std::string::npos) << error_of(deep);
  EXPECT_NE(error_of(std::string(5 << 20, ' ')).find("longer than 4 MiB"), std::string::npos);
  // A default that contains itself, and one that doubles at each level.
  EXPECT_NE(error_of(R"({"type":"record","name":"R","fields":[{"name":"r","type":"R","default":{}}]})")
                .find("too large"),
            std::string::npos);
  std::string doubling = R"([{"type":"record","name":"R0","fields":[]})";
  for (int i = 1; i < 60; ++i) {
    const std::string inner = "R" + std::to_string(i - 1);
    doubling += R"(,{"type":"record","name":"R)" + std::to_string(i) + R"(","fields":[{"name":"a","type":")" +
                inner + R"(","default":{}},{"name":"b","type":")" + inner + R"(","default":{}}]})";
  }
  EXPECT_NE(error_of(doubling + "]").find("too large"), std::string::npos);
}

}  // namespace
}  // namespace bonafide::avro
