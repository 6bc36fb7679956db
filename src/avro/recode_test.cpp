#include "avro/recode.hpp"

#include <gtest/gtest.h>

#include "avro/value.hpp"
#include "env/sim/files.hpp"

namespace bonafide::avro {
namespace {

constexpr const char* old_text =
    R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"gone","type":"string"}]})";
constexpr const char* new_text =
    R"({"type":"record","name":"R","fields":[{"name":"a","type":"long"},{"name":"b","type":"string","default":"x"}]})";

class RecodeTest : public testing::Test {
 protected:
  RecodeTest() {
    EXPECT_TRUE(files.make_folders("d").ok());
    ContainerOptions options{Codec::deflate, 0, 1000, {{"made.by", "me"}}, {}};
    options.sync.fill('s');
    ContainerWriter writer(schema, options);
    std::string bytes;
    EXPECT_TRUE(writer.header(bytes).ok());
    for (int i = 0; i < 5000; ++i) {
      std::string record;
      Encoder encoder(record);
      encoder.put_long(i);
      encoder.put_bytes("text " + std::to_string(i % 7));
      EXPECT_TRUE(writer.append(record, bytes).ok());
    }
    EXPECT_TRUE(writer.end_block(bytes).ok());
    EXPECT_TRUE(files.write_file("d/in.avro", bytes).ok());
    options_.sync.fill('t');
  }
  /// All records as JSON lines, with schema, codec and metadata before them.
  std::string content(const std::string& path) {
    const std::string bytes = *files.read_file(path);
    auto reader = ContainerReader::open(bytes);
    if (!reader.ok()) return reader.error().message;
    std::string text = reader->schema().to_json() + " " + std::string(to_string(reader->codec())) + " " +
                       reader->metadata().at("made.by");
    for (ByteView record;;) {
      const auto more = reader->next(record);
      if (!more.ok()) return more.error().message;
      if (!*more) return text;
      text += "\n" + *to_json(*decode(record, reader->schema()), reader->schema());
    }
  }
  std::vector<std::string> names() { return *files.list("d"); }

  env::sim::SimFiles files;
  const Schema schema = *parse_schema(old_text);
  RecodeOptions options_;
};

TEST_F(RecodeTest, EveryCodecHoldsTheSame) {
  const std::string before = content("d/in.avro");
  for (const Codec codec : {Codec::null, Codec::deflate, Codec::snappy, Codec::zstandard}) {
    const std::string out = "d/" + std::string(to_string(codec));
    options_.codec = codec;
    const auto done = recode(files, "d/in.avro", out, options_);
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(done->records, 5000u);
    EXPECT_EQ(done->bytes_after, files.read_file(out)->size());
    std::string expected = before;
    expected.replace(expected.find("} deflate me") + 2, 7, to_string(codec));
    EXPECT_EQ(content(out), expected);
  }
  files.crash();
  EXPECT_EQ(content("d/snappy").size(), before.size() - 1) << "durable";
}

TEST_F(RecodeTest, RecordsAreResolvedIntoAnotherSchema) {
  options_.schema = *parse_schema(new_text);
  ASSERT_TRUE(recode(files, "d/in.avro", "d/out.avro", options_).ok());
  const std::string text = content("d/out.avro");
  EXPECT_TRUE(text.starts_with(parse_schema(new_text)->to_json() + " deflate me\n{\"a\":0,\"b\":\"x\"}\n"))
      << text.substr(0, 200);
  EXPECT_TRUE(text.ends_with("\n{\"a\":4999,\"b\":\"x\"}"));
}

TEST_F(RecodeTest, OverwritesOnlyWhenTold) {
  ASSERT_TRUE(files.write_file("d/out.avro", "mine").ok());
  EXPECT_EQ(recode(files, "d/in.avro", "d/out.avro", options_).error().cause, Cause::invalid);
  EXPECT_EQ(*files.read_file("d/out.avro"), "mine");
  options_.overwrite = true;
  ASSERT_TRUE(recode(files, "d/in.avro", "d/out.avro", options_).ok());
  const std::string before = content("d/in.avro");
  EXPECT_EQ(content("d/out.avro"), before);
  ASSERT_TRUE(recode(files, "d/in.avro", "d/in.avro", options_).ok()) << "onto itself";
  EXPECT_EQ(content("d/in.avro"), before);
}

TEST_F(RecodeTest, NothingIsLeftOfWhatFailed) {
  ASSERT_TRUE(files.write_file("d/out.avro", "mine").ok());
  options_.overwrite = true;
  const auto nothing_changed = [&](const char* why) {
    EXPECT_EQ(names(), (std::vector<std::string>{"in.avro", "out.avro"})) << why;
    EXPECT_EQ(*files.read_file("d/out.avro"), "mine") << why;
  };
  files.inject({.call = env::sim::Call::sync, .path_part = ".part"});
  EXPECT_FALSE(recode(files, "d/in.avro", "d/out.avro", options_).ok());
  nothing_changed("the disk");
  options_.schema = *parse_schema(R"({"type":"record","name":"R","fields":[{"name":"a","type":"string"}]})");
  const auto unreadable = recode(files, "d/in.avro", "d/out.avro", options_);
  EXPECT_EQ(unreadable.error().message.substr(0, 37), "the schema cannot read d/in.avro: $.a")
      << unreadable.error().message;
  nothing_changed("the schema");
  options_.schema.reset();
  std::string bytes = *files.read_file("d/in.avro");
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(files.write_file("d/in.avro", bytes).ok());
  EXPECT_EQ(recode(files, "d/in.avro", "d/out.avro", options_).error().cause, Cause::damaged);
  nothing_changed("damage");
  EXPECT_EQ(recode(files, "d/none", "d/out.avro", options_).error().cause, Cause::not_found);
  nothing_changed("no file");
}

}  // namespace
}  // namespace bonafide::avro
