#include "avro/bind.hpp"

#include <gtest/gtest.h>

#include "avro/value.hpp"

namespace bonafide::avro {
namespace bind_test {

enum class Colour : uint8_t { red, green };

struct Leaf {
  static constexpr std::string_view avro_name = "Leaf";
  std::string text;
  std::optional<Time> at;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("text", self.text);
    visit("at", self.at);
  }
  friend bool operator==(const Leaf&, const Leaf&) = default;
};

struct Everything {
  static constexpr std::string_view avro_name = "Everything";
  EventId id;
  bool yes = false;
  int32_t small = 0;
  int64_t large = 0;
  float single = 0;
  double real = 0;
  std::string text;
  Bytes raw;
  std::array<char, 3> three{};
  Digest digest{};
  Time at;
  Colour colour = Colour::red;
  std::vector<Leaf> leaves;
  std::map<std::string, int64_t> counts;
  std::optional<std::string> maybe;
  Leaf leaf;
  std::vector<Colour> colours;
  int32_t revision = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("id", self.id);
    visit("yes", self.yes);
    visit("small", self.small);
    visit("large", self.large);
    visit("single", self.single);
    visit("real", self.real);
    visit("text", self.text);
    visit("raw", self.raw);
    visit("three", self.three);
    visit("digest", self.digest);
    visit("at", self.at);
    visit("colour", self.colour);
    visit("leaves", self.leaves);
    visit("counts", self.counts);
    visit("maybe", self.maybe);
    visit("leaf", self.leaf);
    visit("colours", self.colours);
    visit("revision", self.revision, "0");
  }
  friend bool operator==(const Everything&, const Everything&) = default;
};

}  // namespace bind_test

template <>
struct EnumSymbols<bind_test::Colour> {
  static constexpr std::string_view name = "Colour";
  static constexpr std::array<std::string_view, 2> symbols = {"red", "green"};
  static constexpr std::string_view default_symbol = "red";
};

namespace {
using namespace bind_test;

Everything sample() {
  Everything e;
  e.id.bytes.fill('\x5A');
  e.yes = true;
  e.small = -1;
  e.large = INT64_MIN;
  e.single = 1.5F;
  e.real = 0.1;
  e.text = "h\xC3\xA9llo \"x\"\n";
  e.raw.data = std::string("\0\xFF", 2);
  e.three = {'a', 'b', 'c'};
  e.digest[31] = 7;
  e.at = Time::from_seconds(1'700'000'000) + Duration::micros(123456);
  e.colour = Colour::green;
  e.leaves = {{"one", Time{1}}, {std::string(300, 'x'), std::nullopt}};
  e.counts = {{"a", 1}, {"b", -2}};
  e.maybe = "there";
  e.leaf.text = "leaf";
  e.colours = {Colour::red, Colour::green};
  e.revision = 3;
  return e;
}

TEST(Bind, ReadsBackWhatItWrote) {
  const Everything e = sample();
  std::string bytes;
  encode(e, bytes);
  Everything back;
  back.leaves.resize(5);
  back.counts["old"] = 9;
  back.leaf.at = Time{5};
  ASSERT_TRUE(decode(bytes, back).ok());
  EXPECT_EQ(back, e);
  ASSERT_TRUE(decode(bytes, back).ok()) << "into the same object once more";
  EXPECT_EQ(back, e);
}

TEST(Bind, BytesAreOfItsSchema) {
  const auto schema = parse_schema(schema_of<Everything>("bonafide.test"));
  ASSERT_TRUE(schema.ok()) << schema.error().message;
  EXPECT_EQ((*schema)->name, "bonafide.test.Everything");
  std::string bytes;
  encode(sample(), bytes);
  const auto value = decode(bytes, *schema);
  ASSERT_TRUE(value.ok()) << value.error().message;
  std::string again;
  ASSERT_TRUE(encode(*value, schema->root(), again).ok());
  EXPECT_EQ(again, bytes);
  const auto json = to_json(*value, *schema);
  ASSERT_TRUE(json.ok());
  EXPECT_NE(json->find(R"("leaves":[{"text":"one","at":{"long":1}})"), std::string::npos) << *json;
  const auto read = from_json(*json, *schema);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, *value);
}

TEST(Bind, SchemaText) {
  EXPECT_EQ(
      schema_of<Leaf>("n"),
      R"({"type":"record","name":"Leaf","namespace":"n","fields":[{"name":"text","type":"string"},)"
      R"({"name":"at","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null}]})");
}

TEST(Bind, PlainJson) {
  std::string json;
  Everything e = sample();
  e.leaves.resize(1);
  e.real = HUGE_VAL;
  write_json(e, json);
  EXPECT_EQ(
      json,
      R"({"id":"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a","yes":true,"small":-1,"large":-9223372036854775808,"single":1.5,)"
      R"("real":null,"text":"h)"
      "\xC3\xA9"
      R"(llo \"x\"\n","raw":"00ff","three":"616263",)"
      R"("digest":"0000000000000000000000000000000000000000000000000000000000000007",)"
      R"("at":"2023-11-14T22:13:20.123456Z","colour":"green",)"
      R"("leaves":[{"text":"one","at":"1970-01-01T00:00:00.000001Z"}],"counts":{"a":1,"b":-2},"maybe":"there",)"
      R"("leaf":{"text":"leaf","at":null},"colours":["red","green"],"revision":3})");
}

TEST(Bind, EveryTruncationIsAnError) {
  std::string bytes;
  encode(sample(), bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    Everything e;
    const Status done = decode(ByteView(bytes).substr(0, size), e);
    ASSERT_FALSE(done.ok()) << size;
    EXPECT_TRUE(done.error().message.starts_with("Everything, byte ")) << done.error().message;
  }
  bytes += '\0';
  Everything e;
  EXPECT_FALSE(decode(bytes, e).ok()) << "a byte too many";
}

TEST(Bind, EveryFlippedByteIsAnErrorOrAValue) {
  std::string bytes;
  encode(sample(), bytes);
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x40, 0x80, 0xFF}) {
      std::string broken = bytes;
      broken[at] = static_cast<char>(broken[at] ^ flip);
      Everything e;
      if (!decode(broken, e).ok()) continue;
      std::string again;
      encode(e, again);
      Everything back;
      ASSERT_TRUE(decode(again, back).ok());
    }
  }
}

TEST(Bind, AClaimedCountAllocatesNothing) {
  std::string bytes;
  Encoder out(bytes);
  out.begin_block(size_t{1} << 40);
  std::vector<Leaf> leaves;
  Decoder in(bytes);
  bind::get(in, leaves);
  EXPECT_FALSE(in.ok());
  EXPECT_LE(leaves.capacity(), 1024u);
}

struct Letter {
  static constexpr std::string_view avro_name = "Letter";
  int32_t number = 0;
  SharedRecord<Leaf> leaf;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("number", self.number);
    visit("leaf", self.leaf);
  }
};
struct PlainLetter {
  static constexpr std::string_view avro_name = "Letter";
  int32_t number = 0;
  Leaf leaf;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("number", self.number);
    visit("leaf", self.leaf);
  }
};

TEST(SharedRecord, IsTheRecordInEveryForm) {
  const Leaf leaf{"green", Time{5}};
  const Letter shared{7, leaf};
  const PlainLetter plain{7, leaf};
  EXPECT_EQ(schema_of<Letter>(), schema_of<PlainLetter>());
  std::string json, plain_json, bytes, plain_bytes;
  write_json(shared, json);
  write_json(plain, plain_json);
  EXPECT_EQ(json, plain_json);
  encode(shared, bytes);
  encode(plain, plain_bytes);
  EXPECT_EQ(bytes, plain_bytes);
  Letter read;
  ASSERT_TRUE(decode(bytes, read).ok());
  EXPECT_EQ(*read.leaf, leaf);
}

TEST(SharedRecord, CopiesShareItUntilOneIsChanged) {
  Letter one{1, Leaf{"green", {}}};
  Letter other = one;
  EXPECT_EQ(&*one.leaf, &*other.leaf);
  other.leaf.edit().text = "red";
  EXPECT_EQ(one.leaf->text, "green");
  EXPECT_EQ(other.leaf->text, "red");
  EXPECT_EQ(Letter().leaf->text, "");
}

TEST(SharedRecord, TheEncodingThatWasKeptIsTheOneOfTheValue) {
  Letter letter{1, Leaf{"green", Time{9}}};
  std::string fresh, kept, changed;
  encode(letter, fresh);
  letter.leaf.keep_encoding();
  EXPECT_FALSE(letter.leaf.encoding().empty());
  encode(letter, kept);
  EXPECT_EQ(kept, fresh);
  letter.leaf.edit().text = "red";
  EXPECT_TRUE(letter.leaf.encoding().empty());
  encode(letter, changed);
  Letter read;
  ASSERT_TRUE(decode(changed, read).ok());
  EXPECT_EQ(read.leaf->text, "red");
}

}  // namespace
}  // namespace bonafide::avro
