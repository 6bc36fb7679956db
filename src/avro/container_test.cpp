#include "avro/container.hpp"

#include <gtest/gtest.h>

#include "avro/codec.hpp"

namespace bonafide::avro {
namespace {

const Codec all_codecs[] = {Codec::null, Codec::deflate, Codec::snappy, Codec::zstandard};

Schema text_schema() {
  return *parse_schema(R"({"type":"record","name":"T","fields":[{"name":"s","type":"string"}]})");
}

std::string record(int i) {
  std::string out;
  Encoder(out).put_bytes("record number " + std::to_string(i) +
                         std::string(static_cast<size_t>(i % 50), 'x'));
  return out;
}

std::string make_file(Codec codec, int records, size_t block_bytes = 1000) {
  ContainerOptions options{.codec = codec, .block_bytes = block_bytes, .metadata = {{"made.by", "a test"}}};
  for (size_t i = 0; i < options.sync.size(); ++i) options.sync[i] = static_cast<char>(0xA0 + i);
  ContainerWriter writer(text_schema(), options);
  std::string file;
  EXPECT_TRUE(writer.header(file).ok());
  for (int i = 0; i < records; ++i) EXPECT_TRUE(writer.append(record(i), file).ok());
  EXPECT_TRUE(writer.end_block(file).ok());
  EXPECT_EQ(writer.records(), static_cast<uint64_t>(records));
  return file;
}

/// Reads all records; the error if there is one.
Status read_all(ByteView file, std::vector<std::string>& records, ContainerLimits limits = {}) {
  BONAFIDE_ASSIGN(auto reader, ContainerReader::open(file, limits));
  for (;;) {
    ByteView one;
    BONAFIDE_ASSIGN(const bool more, reader.next(one));
    if (!more) return Ok{};
    records.emplace_back(one);
  }
}

TEST(Container, EveryCodecReadsBack) {
  for (const Codec codec : all_codecs) {
    for (const int count : {0, 1, 7, 500}) {
      const std::string file = make_file(codec, count);
      std::vector<std::string> records;
      const Status done = read_all(file, records);
      ASSERT_TRUE(done.ok()) << to_string(codec) << ": " << done.error().message;
      ASSERT_EQ(records.size(), static_cast<size_t>(count));
      for (int i = 0; i < count; ++i) ASSERT_EQ(records[static_cast<size_t>(i)], record(i));
      const auto reader = ContainerReader::open(file);
      ASSERT_TRUE(reader.ok());
      EXPECT_EQ(reader->metadata().at("made.by"), "a test");
      EXPECT_EQ(reader->schema().to_json(), text_schema().to_json());
      EXPECT_EQ(reader->codec(), codec);
    }
  }
}

TEST(Container, BytesOfAKnownFile) {
  ContainerWriter writer(*parse_schema("\"int\""), {.codec = Codec::null});
  std::string file;
  ASSERT_TRUE(writer.header(file).ok());
  ASSERT_TRUE(writer.append_many(std::string("\2\4", 2), 2, file).ok());
  ASSERT_TRUE(writer.end_block(file).ok());
  const std::string zeros(16, '\0');
  EXPECT_EQ(file, std::string("Obj\1\4\x16"
                              "avro.schema\x0a\"int\"\x14"
                              "avro.codec\x08null\0",
                              40) +
                      zeros + std::string("\4\4\2\4", 4) + zeros);
}

TEST(Container, BlocksTellWhereTheyAre) {
  const std::string file = make_file(Codec::zstandard, 500);
  auto reader = ContainerReader::open(file);
  ASSERT_TRUE(reader.ok());
  ContainerReader::Block block;
  uint64_t expected = reader->offset();
  uint64_t records = 0;
  while (reader->next_block(block).value()) {
    EXPECT_EQ(block.offset, expected);
    expected += block.file_bytes;
    records += block.count;
    EXPECT_GE(block.data.size(), block.count);
  }
  EXPECT_EQ(expected, file.size());
  EXPECT_EQ(records, 500u);
}

TEST(Container, EveryTruncationIsAnErrorOrEndsBetweenBlocks) {
  for (const Codec codec : all_codecs) {
    const std::string file = make_file(codec, 40, 300);
    auto whole = ContainerReader::open(file);
    ASSERT_TRUE(whole.ok());
    std::vector<uint64_t> ends = {whole->offset()};
    ContainerReader::Block block;
    while (whole->next_block(block).value()) ends.push_back(whole->offset());
    for (size_t size = 0; size < file.size(); ++size) {
      std::vector<std::string> records;
      const Status done = read_all(ByteView(file).substr(0, size), records);
      const bool between = std::find(ends.begin(), ends.end(), size) != ends.end();
      ASSERT_EQ(done.ok(), between) << to_string(codec) << " cut to " << size;
    }
  }
}

TEST(Container, EveryFlippedByteIsAnErrorOrAValue) {
  for (const Codec codec : all_codecs) {
    const std::string file = make_file(codec, 30, 300);
    const size_t header = ContainerReader::open(file)->offset();
    std::vector<std::string> sound;
    ASSERT_TRUE(read_all(file, sound).ok());
    for (size_t at = 0; at < file.size(); ++at) {
      std::string broken = file;
      broken[at] = static_cast<char>(broken[at] ^ 0x55);
      std::vector<std::string> records;
      const Status done = read_all(broken, records);
      const bool checked = codec == Codec::snappy || codec == Codec::zstandard;
      if (checked && at >= header) {
        EXPECT_TRUE(!done.ok() || records == sound) << to_string(codec) << ": undetected damage at " << at;
      }
    }
  }
}

TEST(Container, DamageIsNamedAndCanBePassed) {
  std::string file = make_file(Codec::zstandard, 500);
  auto reader = ContainerReader::open(file);
  ContainerReader::Block block;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(reader->next_block(block).value());
  const uint64_t lost = block.count;
  file[block.offset + 60] = static_cast<char>(file[block.offset + 60] ^ 0xFF);

  auto again = ContainerReader::open(file);
  uint64_t read = 0;
  int errors = 0;
  ByteView one;
  for (;;) {
    const auto more = again->next(one);
    if (!more.ok()) {
      EXPECT_EQ(more.error().cause, Cause::damaged);
      EXPECT_TRUE(more.error().message.starts_with("byte " + std::to_string(block.offset) + ": "))
          << more.error().message;
      EXPECT_FALSE(again->next(one).ok()) << "the same error until resync";
      ++errors;
      ASSERT_TRUE(again->resync().value());
      continue;
    }
    if (!*more) break;
    ++read;
  }
  EXPECT_EQ(errors, 1);
  EXPECT_EQ(read, 500 - lost);
}

TEST(Container, MemoryIsBounded) {
  // A megabyte of zeros packs small and claims much.
  for (const Codec codec : {Codec::deflate, Codec::snappy, Codec::zstandard}) {
    ContainerWriter writer(*parse_schema("\"bytes\""), {.codec = codec, .block_bytes = 16 << 20});
    std::string file;
    ASSERT_TRUE(writer.header(file).ok());
    std::string large;
    Encoder(large).put_bytes(std::string(1 << 20, '\0'));
    ASSERT_TRUE(writer.append(large, file).ok());
    ASSERT_TRUE(writer.end_block(file).ok());
    std::vector<std::string> records;
    const Status refused = read_all(file, records, {.block_bytes = 100'000});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().cause, Cause::exhausted) << refused.error().message;
    EXPECT_TRUE(read_all(file, records, {.block_bytes = large.size()}).ok())
        << "exactly the limit is allowed";
  }
}

TEST(Container, ReservedMetadataAndForeignCodecsAreRefused) {
  ContainerWriter writer(text_schema(), {.metadata = {{"avro.codec", "x"}}});
  std::string file;
  EXPECT_EQ(writer.header(file).error().cause, Cause::invalid);
  std::string other = make_file(Codec::null, 1);
  other.replace(other.find("\x08null"), 5,
                "\x08"
                "lzma");
  EXPECT_NE(ContainerReader::open(other).error().message.find("there is no codec \"lzma\""),
            std::string::npos);
  EXPECT_EQ(ContainerReader::open("not a file").error().cause, Cause::damaged);
}

}  // namespace
}  // namespace bonafide::avro
