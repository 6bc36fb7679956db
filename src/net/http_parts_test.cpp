#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "net/body_pipe.hpp"
#include "net/http.hpp"

namespace bonafide::net {
namespace {

/// Pulls whatever the pipe gives, on the caller's thread.
struct Reading {
  explicit Reading(BodyPipe& pipe) : source(pipe.reader()) {}
  void pull() {
    source->pull([this](Result<BodySource::Piece> piece) {
      if (piece.ok()) text += piece->bytes;
      ended = !piece.ok() || piece->last;
      failed = !piece.ok();
      ++answers;
    });
  }
  std::shared_ptr<BodySource> source;
  std::string text;
  std::atomic<int> answers{0};
  bool ended = false, failed = false;
};

TEST(BodyPipe, GivesWhatIsThereOrWaitsForIt) {
  BodyPipe pipe;
  Reading reading(pipe);
  pipe.write("a");
  pipe.write("b");
  reading.pull();
  EXPECT_EQ(reading.text, "ab");
  reading.pull();
  EXPECT_EQ(reading.answers, 1) << "nothing is there yet";
  pipe.write("c");
  EXPECT_EQ(reading.text, "abc");
  pipe.write("d");
  pipe.finish();
  reading.pull();
  EXPECT_EQ(reading.text, "abcd");
  EXPECT_TRUE(reading.ended);
  EXPECT_FALSE(reading.failed);
}

TEST(BodyPipe, AWriterThatGoesUnfinishedIsAFailure) {
  auto pipe = std::make_unique<BodyPipe>();
  Reading reading(*pipe);
  pipe->write("a");
  pipe.reset();
  reading.pull();
  EXPECT_EQ(reading.text, "a") << "what was written is still given";
  EXPECT_FALSE(reading.ended);
  reading.pull();
  EXPECT_TRUE(reading.failed);
}

TEST(BodyPipe, TheWriterIsHeldBackAndLetGo) {
  BodyPipe pipe(10);
  Reading reading(pipe);
  std::atomic<int> written{0};
  std::atomic<bool> told{false};
  std::thread writer([&] {
    while (pipe.write("0123456789")) ++written;
    told = true;
  });
  while (written < 1) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(written, 1) << "ten bytes wait: the second write is held";
  reading.pull();
  while (written < 2) std::this_thread::yield();
  reading.source.reset();
  writer.join();
  EXPECT_TRUE(told);
  EXPECT_TRUE(pipe.abandoned());
}

TEST(HttpText, PercentCoding) {
  EXPECT_EQ(*percent_decode("a%2Fb+%c3%A9"), "a/b+\xC3\xA9");
  EXPECT_EQ(percent_encode("a/b+ \xC3\xA9~"), "a%2Fb%2B%20%C3%A9~");
  for (const char* bad : {"%", "%1", "%zz", "%00", "a%"}) EXPECT_FALSE(percent_decode(bad).ok()) << bad;
  EXPECT_EQ(*parse_query("a=1&&b&c=x=y"), (Query{{"a", "1"}, {"b", ""}, {"c", "x=y"}}));
}

TEST(HttpAddress, TextBothWays) {
  for (const char* text : {"127.0.0.1:8025", "[::1]:0", "unix:/run/b.sock", "0.0.0.0:65535"}) {
    ASSERT_TRUE(Address::parse(text).ok()) << text;
    EXPECT_EQ(Address::parse(text)->text(), text);
  }
  EXPECT_EQ(Address::parse("localhost:1")->text(), "127.0.0.1:1");
  EXPECT_TRUE(Address::parse("127.9.9.9:1")->is_local());
  EXPECT_TRUE(Address::parse("unix:x")->is_local());
  EXPECT_FALSE(Address::parse("[::]:1")->is_local());
  EXPECT_FALSE(Address::parse("0.0.0.0:1")->is_local());
  for (const char* bad : {"", "8025", ":8025", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                          "::1:80", "example.com:80", "unix:", "[127.0.0.1]:80", "[::1]80"}) {
    EXPECT_FALSE(Address::parse(bad).ok()) << bad;
  }
  EXPECT_FALSE(Address::parse("unix:" + std::string(108, 'x')).ok());
}

}  // namespace
}  // namespace bonafide::net
