// Answers that go on until the other side leaves.
#include <deque>
#include <optional>

#include <gtest/gtest.h>

#include "env/sim/clock.hpp"
#include "net/http_connection.hpp"

namespace bonafide::net {
namespace {

/// Nothing comes for now.
struct Silence final : BodySource {
  void pull(Done) override {}
};

struct Holder final : HttpHandler {
  Verdict on_head(const Request&, uint64_t) override { return size_t{0}; }
  void on_request(Request, Reply given) override { reply = std::move(given); }
  Response refuse(int status, std::string_view why) override {
    return {.status = status, .headers = {}, .body = std::string(why), .stream = {}};
  }
  void on_answered(int, Duration) override { ++answered; }
  std::optional<Reply> reply;
  int answered = 0;
};

struct Tasks final : Link {
  void post(std::function<void(Time)> task) override { tasks.push_back(std::move(task)); }
  std::deque<std::function<void(Time)>> tasks;
};

class Endless : public testing::Test {
 protected:
  void ask() { machine.on_bytes("GET / HTTP/1.1\r\nHost: h\r\n\r\n", now); }
  /// Gives the answer and forgets it: who still holds the source?
  std::weak_ptr<BodySource> answer(bool endless) {
    auto source = std::make_shared<Silence>();
    const std::weak_ptr<BodySource> held = source;
    handler.reply->send(
        {.status = 200, .headers = {}, .body = "", .stream = std::move(source), .endless = endless});
    handler.reply.reset();
    for (; !link->tasks.empty(); link->tasks.pop_front()) link->tasks.front()(now);
    return held;
  }

  env::sim::ManualClock clock;
  const Time now = clock.steady();
  Holder handler;
  HttpFront front{handler, {}, clock};
  std::shared_ptr<Tasks> link = std::make_shared<Tasks>();
  HttpConnection machine{front, Peer{}, link};
};

TEST_F(Endless, WhoLeavesIsNotWaitedFor) {
  ask();
  const auto held = answer(true);
  EXPECT_FALSE(machine.closed());
  EXPECT_FALSE(held.expired());
  machine.on_end(now);
  EXPECT_TRUE(machine.closed());
  EXPECT_TRUE(held.expired()) << "the source is told";
  EXPECT_EQ(handler.answered, 1);
}

TEST_F(Endless, WhoHasLeftAlreadyGetsNone) {
  ask();
  machine.on_end(now);
  const auto held = answer(true);
  EXPECT_TRUE(machine.closed());
  EXPECT_TRUE(held.expired());
}

TEST_F(Endless, AnAnswerWithAnEndIsStillSentToWhoSendsNoMore) {
  ask();
  machine.on_end(now);
  const auto held = answer(false);
  EXPECT_FALSE(machine.closed());
  EXPECT_FALSE(held.expired());
}

}  // namespace
}  // namespace bonafide::net
