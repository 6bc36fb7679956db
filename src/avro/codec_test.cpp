#include "avro/codec.hpp"

#include <gtest/gtest.h>

#include "avro/value.hpp"
#include "base/text.hpp"

namespace bonafide::avro {
namespace {

struct Number {
  int64_t value;
  std::string_view hex;
};

// The first six stand in the specification.
const Number numbers[] = {{0, "00"},
                          {-1, "01"},
                          {1, "02"},
                          {-2, "03"},
                          {-64, "7f"},
                          {64, "8001"},
                          {8191, "fe7f"},
                          {8192, "808001"},
                          {INT32_MAX, "feffffff0f"},
                          {INT32_MIN, "ffffffff0f"},
                          {INT64_MAX, "feffffffffffffffff01"},
                          {INT64_MIN, "ffffffffffffffffff01"}};

std::string bytes(std::string_view hex) { return *from_hex(hex); }

TEST(Codec, NumbersAreThoseOfTheSpecification) {
  for (const Number& number : numbers) {
    std::string out;
    Encoder(out).put_long(number.value);
    EXPECT_EQ(to_hex(out), number.hex);
    EXPECT_EQ(varint_size(zigzag(number.value)), out.size());
    Decoder in(out);
    EXPECT_EQ(in.get_long(), number.value);
    EXPECT_TRUE(in.finish().ok());
  }
  for (int bit = 0; bit < 64; ++bit) {
    for (const uint64_t value : {uint64_t{1} << bit, (uint64_t{1} << bit) - 1}) {
      char buffer[10];
      EXPECT_EQ(varint_size(value), static_cast<size_t>(store_varint(buffer, value) - buffer)) << value;
    }
  }
}

TEST(Codec, GoldenBytes) {
  std::string out;
  Encoder encoder(out);
  encoder.put_bytes("foo");
  encoder.put_boolean(true);
  encoder.put_float(1.5F);
  encoder.put_double(-2);
  encoder.begin_block(2);
  encoder.put_long(3);
  encoder.put_long(27);
  encoder.end_blocks();
  encoder.put_index(1);
  EXPECT_EQ(to_hex(out),
            "06666f6f"
            "01"
            "0000c03f"
            "00000000000000c0"
            "0406"
            "36"
            "00"
            "02");
}

TEST(Codec, RunEncoderWritesTheSame) {
  std::string plain = "before";
  std::string run = "before";
  const auto fill = [](auto& out) {
    for (const Number& number : numbers) {
      out.put_long(number.value);
      out.put_bytes(std::string(static_cast<size_t>(number.value & 0xFFF), 'x'));
      out.put_boolean(true);
      out.put_float(0.5F);
      out.put_double(0.25);
      out.put_fixed("fixed");
      out.put_bytes(ByteView());
      out.begin_block(3);
      out.end_blocks();
      out.put_index(7);
      out.put_int(-5);
    }
  };
  Encoder encoder(plain);
  fill(encoder);
  {
    RunEncoder ahead(run);
    fill(ahead);
  }
  EXPECT_EQ(run, plain);
}

TEST(Codec, NumbersThatAreTooLongAreRefused) {
  for (const std::string_view hex :
       {"ffffffffffffffffff02", "ffffffffffffffffffff01", "80", "8080808080", ""}) {
    const std::string data = bytes(hex);
    Decoder in(data);
    EXPECT_EQ(in.get_long(), 0);
    EXPECT_FALSE(in.ok()) << hex;
    EXPECT_TRUE(in.status().error().message.starts_with("byte 0: ")) << in.status().error().message;
  }
  const std::string wide = bytes("8080808010");
  Decoder in(wide);
  in.get_int();
  EXPECT_EQ(in.status().error().message, "byte 0: an int has more than 32 bits");
}

TEST(Codec, TheFirstFailureSticks) {
  const std::string data = bytes(
      "02"
      "05"
      "0000");
  Decoder in(data);
  EXPECT_EQ(in.get_long(), 1);
  EXPECT_FALSE(in.get_boolean());
  EXPECT_EQ(in.status().error().message, "byte 1: a boolean is neither 0 nor 1");
  EXPECT_EQ(in.get_long(), 0);
  EXPECT_EQ(in.next_block(1), 0u);
  EXPECT_TRUE(in.get_bytes().empty());
  EXPECT_EQ(in.get_double(), 0);
  in.fail("another");
  EXPECT_EQ(in.status().error().message, "byte 1: a boolean is neither 0 nor 1");
}

TEST(Codec, LengthsAreBelievedOnlyAsFarAsTheDataGoes) {
  for (const std::string_view hex : {"01", "7f", "08616263", "feffffffffffffffff01"}) {
    const std::string data = bytes(hex);
    Decoder in(data);
    EXPECT_TRUE(in.get_bytes().empty());
    EXPECT_FALSE(in.ok()) << hex;
  }
  // 2^40 items; -2^63 items; -1 items of -1 bytes; -1 items of 100 bytes.
  for (const std::string_view hex : {"80808080808040", "ffffffffffffffffff0100", "0101", "01c801"}) {
    const std::string data = bytes(hex);
    Decoder in(data);
    EXPECT_EQ(in.next_block(1), 0u);
    EXPECT_FALSE(in.ok()) << hex;
  }
  const std::string nulls = bytes("80808002");  // two million
  Decoder in(nulls);
  EXPECT_EQ(in.next_block(0), 0u);
  EXPECT_FALSE(in.ok());
}

TEST(Codec, BlocksMayGiveTheirSize) {
  const auto schema = parse_schema(R"({"type":"array","items":"int"})");
  // Two items in four bytes, then one more, then the end: as a blocking writer does it.
  const auto value = decode(bytes("0306"
                                  "8001"
                                  "02"
                                  "0204"
                                  "00"),
                            *schema);
  ASSERT_TRUE(value.ok()) << value.error().message;
  EXPECT_EQ(*to_json(*value, *schema), "[64,1,2]");
}

TEST(Codec, NestingIsBounded) {
  const auto schema =
      parse_schema(R"({"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]})");
  const auto nested = [](size_t levels) { return std::string(levels, '\2') + std::string(1, '\0'); };
  EXPECT_TRUE(decode(nested(100), *schema).ok());
  const std::string deep = nested(100'000);
  EXPECT_FALSE(decode(deep, *schema).ok());
  Decoder in(deep);
  EXPECT_FALSE(skip(in, schema->root()));
}

TEST(Codec, SkipsWhatItWouldRead) {
  const auto schema = parse_schema(R"({"type":"record","name":"R","fields":[
      {"name":"a","type":{"type":"array","items":["null","string","R"]}},{"name":"m","type":{"type":"map","values":"double"}},
      {"name":"f","type":{"type":"fixed","name":"F","size":2}},{"name":"e","type":{"type":"enum","name":"E","symbols":["X"]}},
      {"name":"n","type":"null"},{"name":"x","type":"float"},{"name":"b","type":"boolean"}]})");
  const auto value =
      from_json(R"({"a":[null,{"string":"s"},{"R":{"a":[],"m":{},"f":"ab","e":"X","n":null,"x":1,"b":true}}],
      "m":{"k":2.5},"f":"\u00ff\u0000","e":"X","n":null,"x":-1,"b":false})",
                *schema);
  ASSERT_TRUE(value.ok()) << value.error().message;
  std::string data;
  ASSERT_TRUE(encode(*value, schema->root(), data).ok());
  Decoder in(data);
  EXPECT_TRUE(skip(in, schema->root()));
  EXPECT_TRUE(in.finish().ok());
  for (size_t size = 0; size < data.size(); ++size) {
    Decoder cut(ByteView(data).substr(0, size));
    EXPECT_FALSE(skip(cut, schema->root())) << size;
    EXPECT_FALSE(decode(ByteView(data).substr(0, size), *schema).ok()) << size;
  }
  for (size_t at = 0; at < data.size(); ++at) {
    for (int flip = 1; flip < 256; flip *= 2) {
      std::string broken = data;
      broken[at] = static_cast<char>(broken[at] ^ flip);
      Decoder skipped(broken);
      const bool well_formed = skip(skipped, schema->root());
      Decoder read(broken);
      const auto got = decode(read, schema->root());
      EXPECT_TRUE(well_formed || !got.ok());
    }
  }
}

}  // namespace
}  // namespace bonafide::avro
