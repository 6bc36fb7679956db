#include "net/http_connection.hpp"

#include <deque>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "env/sim/clock.hpp"

namespace bonafide::net {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Holds tasks until the test runs them: the moment an answer from elsewhere arrives is the test's choice.
class HeldLink final : public Link {
 public:
  void post(std::function<void(Time)> task) override { tasks.push_back(std::move(task)); }
  std::deque<std::function<void(Time)>> tasks;
};

/// Answers each request with what it was, unless told to keep the replies.
class EchoHandler final : public HttpHandler {
 public:
  Verdict on_head(const Request& head, uint64_t body_bytes) override {
    announced.push_back(body_bytes);
    if (head.path == "/refuse")
      return Response{.status = 429, .headers = {{"Retry-After", "3"}}, .body = "later", .stream = {}};
    return head.path == "/small" ? size_t{10} : size_t{100'000};
  }
  void on_request(Request request, Reply reply) override {
    if (request.path == "/drop") return;
    requests.push_back(request);
    if (hold) {
      replies.push_back(reply);
      return;
    }
    Response response;
    response.body = request.method + " " + request.path + " [" + request.body + "]";
    reply.send(std::move(response));
  }
  Response refuse(int status, std::string_view why) override {
    return {.status = status, .headers = {}, .body = std::string(why), .stream = {}};
  }
  void on_answered(int status, Duration) override { answered.push_back(status); }

  bool hold = false;
  std::vector<uint64_t> announced;
  std::vector<Request> requests;
  std::vector<Reply> replies;
  std::vector<int> answered;
};

class Http : public testing::Test {
 protected:
  Http() { open(); }
  void open(HttpLimits limits = {}) {
    machine.reset();
    front = std::make_unique<HttpFront>(handler, limits, clock);
    link = std::make_shared<HeldLink>();
    machine = std::make_unique<HttpConnection>(*front, Peer{}, link);
    machine->on_open(now());
  }
  Time now() { return clock.steady(); }
  void send(std::string_view bytes) {
    if (machine->wants_input()) machine->on_bytes(bytes, now());
  }
  void run_tasks() {
    while (!link->tasks.empty()) {
      auto task = std::move(link->tasks.front());
      link->tasks.pop_front();
      task(now());
    }
  }
  std::string output() {
    std::string all, piece;
    while (machine->take_output(piece, now())) {
      all += piece;
      piece.clear();
      run_tasks();
    }
    return all;
  }
  std::string exchange(std::string_view bytes) {
    send(bytes);
    return output();
  }
  void pass(Duration time) {
    clock.advance(time);
    const auto due = machine->deadline();
    if (due && *due <= now()) machine->on_time(now());
  }
  static std::string get(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }
  static std::string post(const std::string& path, const std::string& body) {
    return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }

  env::sim::ManualClock clock;
  EchoHandler handler;
  std::unique_ptr<HttpFront> front;
  std::shared_ptr<HeldLink> link;
  std::unique_ptr<HttpConnection> machine;
};

TEST_F(Http, AnswersARequestAndKeepsTheConnection) {
  const std::string answer =
      exchange("GET /a/b?x=1&y=%20z&x=+ HTTP/1.1\r\nHost: LocalHost:8025\r\nX-Thing: v \r\n\r\n");
  EXPECT_EQ(
      answer,
      "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 11\r\n\r\nGET /a/b []");
  ASSERT_EQ(handler.requests.size(), 1U);
  const Request& request = handler.requests[0];
  EXPECT_EQ(request.query, (Query{{"x", "1"}, {"y", " z"}, {"x", "+"}}));
  EXPECT_EQ(request.host, "localhost");
  EXPECT_EQ(*request.header("x-thing"), "v");
  EXPECT_EQ(request.header("absent"), nullptr);
  EXPECT_FALSE(machine->closed());
  EXPECT_THAT(exchange(get("/next")), HasSubstr("GET /next"));
}

TEST_F(Http, ReadsTheSameWhereverTheBytesAreSplit) {
  const std::string wire = post("/one", "hello") + get("/two") +
                           "POST /three HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n" +
                           get("/four");
  const std::string expected = exchange(wire);
  EXPECT_THAT(expected, HasSubstr("POST /three [hello world]"));
  EXPECT_THAT(expected, HasSubstr("GET /four"));
  for (size_t at = 0; at <= wire.size(); ++at) {
    open();
    std::string got = exchange(wire.substr(0, at));
    got += exchange(wire.substr(at));
    ASSERT_EQ(got, expected) << "split at " << at;
  }
  open();
  std::string got;
  for (const char c : wire) got += exchange(std::string(1, c));
  EXPECT_EQ(got, expected);
}

TEST_F(Http, PipelinedRequestsAreAnsweredInOrderHoweverLateTheFirst) {
  handler.hold = true;
  send(get("/first") + get("/second"));
  ASSERT_EQ(handler.replies.size(), 1U) << "the second waits until the first is answered";
  handler.replies[0].send({.status = 200, .headers = {}, .body = "1", .stream = {}});
  EXPECT_EQ(output(), "") << "the answer came from elsewhere: it is posted";
  run_tasks();
  ASSERT_EQ(handler.replies.size(), 2U);
  handler.replies[1].send({.status = 200, .headers = {}, .body = "2", .stream = {}});
  run_tasks();
  const std::string all = output();
  EXPECT_LT(all.find("\r\n\r\n1HTTP"), all.find("\r\n\r\n2"));
}

TEST_F(Http, WhatIsSentAheadIsBounded) {
  handler.hold = true;
  open({.pipelined_bytes = 1000});
  send(get("/first"));
  while (machine->wants_input()) send(std::string(100, 'a'));
  EXPECT_FALSE(machine->wants_input());
}

TEST_F(Http, OnlyTheFirstAnswerCounts) {
  handler.hold = true;
  send(get("/a"));
  const Reply reply = handler.replies[0];
  EXPECT_FALSE(reply.settled());
  reply.send({.status = 200, .headers = {}, .body = "first", .stream = {}});
  reply.send({.status = 200, .headers = {}, .body = "second", .stream = {}});
  EXPECT_TRUE(reply.settled());
  run_tasks();
  const std::string all = output();
  EXPECT_THAT(all, HasSubstr("first"));
  EXPECT_THAT(all, Not(HasSubstr("second")));
}

TEST_F(Http, ALateAnswerNeverReachesTheNextRequest) {
  handler.hold = true;
  open({.handler_timeout = Duration::seconds(1)});
  send(get("/slow"));
  pass(Duration::seconds(2));
  EXPECT_THAT(output(), StartsWith("HTTP/1.1 504"));
  send(get("/next"));
  EXPECT_TRUE(handler.replies[0].settled());
  handler.replies[0].send({.status = 200, .headers = {}, .body = "too late", .stream = {}});
  run_tasks();
  EXPECT_EQ(output(), "");
  handler.replies[1].send({.status = 200, .headers = {}, .body = "in time", .stream = {}});
  run_tasks();
  EXPECT_THAT(output(), HasSubstr("in time"));
}

TEST_F(Http, AFallbackIsSentUnlessSomethingElseIsBefore) {
  handler.hold = true;
  send(get("/a"));
  handler.replies[0].send_at(now() + Duration::seconds(2),
                             {.status = 202, .headers = {}, .body = "not yet", .stream = {}});
  run_tasks();
  EXPECT_EQ(machine->deadline(), now() + Duration::seconds(2));
  pass(Duration::seconds(1));
  EXPECT_EQ(output(), "");
  pass(Duration::seconds(1));
  EXPECT_THAT(output(), HasSubstr("not yet"));
  EXPECT_TRUE(handler.replies[0].settled());
  send(get("/b"));
  handler.replies[1].send_at(now() + Duration::seconds(2),
                             {.status = 202, .headers = {}, .body = "not yet", .stream = {}});
  handler.replies[1].send({.status = 200, .headers = {}, .body = "done", .stream = {}});
  run_tasks();
  EXPECT_THAT(output(), HasSubstr("done"));
  pass(Duration::seconds(3));
  EXPECT_EQ(output(), "");
}

TEST_F(Http, AFallbackStandsWhenNobodyHoldsTheReplyAnyMore) {
  handler.hold = true;
  send(get("/a"));
  handler.replies[0].send_at(now() + Duration::seconds(2),
                             {.status = 202, .headers = {}, .body = "not yet", .stream = {}});
  handler.replies.clear();
  run_tasks();
  EXPECT_EQ(output(), "");
  pass(Duration::seconds(2));
  EXPECT_THAT(output(), StartsWith("HTTP/1.1 202"));
}

TEST_F(Http, ARequestDroppedByTheHandlerIsAnswered500) {
  EXPECT_THAT(exchange(get("/drop")), StartsWith("HTTP/1.1 500"));
  handler.hold = true;
  send(get("/held"));
  handler.replies.clear();
  run_tasks();
  EXPECT_THAT(output(), StartsWith("HTTP/1.1 500"));
}

TEST_F(Http, AnAnswerToAConnectionThatHasGoneGoesNowhere) {
  handler.hold = true;
  send(get("/a"));
  machine.reset();
  EXPECT_TRUE(handler.replies[0].settled());
  handler.replies[0].send({});
  handler.replies.clear();
  EXPECT_TRUE(link->tasks.empty());
}

TEST_F(Http, HeadHasTheLengthButNoBody) {
  const std::string answer = exchange("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(Http, ExpectContinueIsAnsweredBeforeTheBodyIsSent) {
  const std::string head = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
  EXPECT_EQ(exchange(head), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(exchange("abc"), HasSubstr("[abc]"));
  EXPECT_THAT(exchange(head + "abc"), StartsWith("HTTP/1.1 200")) << "the body is here already";
  open();
  EXPECT_THAT(
      exchange("POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n"),
      StartsWith("HTTP/1.1 413"));
  open();
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nHost: h\r\nExpect: coffee\r\n\r\n"), StartsWith("HTTP/1.1 417"));
}

TEST_F(Http, ATooLargeBodyIsRefusedBeforeItIsRead) {
  EXPECT_THAT(exchange("POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
  EXPECT_TRUE(machine->closed());
  open();
  EXPECT_THAT(exchange("POST /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nB\r\n"),
              StartsWith("HTTP/1.1 413"));
  open();
  EXPECT_THAT(
      exchange("POST /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n5\r\n"),
      StartsWith("HTTP/1.1 413"));
  open();
  EXPECT_THAT(exchange(post("/small", "1234567890")), StartsWith("HTTP/1.1 200"));
}

TEST_F(Http, TheHandlerMayRefuseOnTheHead) {
  const std::string answer = exchange("POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 3\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(machine->closed()) << "the unread body must not be read as a request";
  EXPECT_EQ(handler.announced, std::vector<uint64_t>{5000});
  open();
  EXPECT_THAT(exchange(get("/refuse")), StartsWith("HTTP/1.1 429"));
  EXPECT_FALSE(machine->closed());
}

TEST_F(Http, AllBodiesTogetherAreBounded) {
  open({.bodies_bytes = 20});
  send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n0123456789");
  EXPECT_EQ(front->held_bytes(), 10U);
  HttpConnection other(*front, Peer{}, link);
  other.on_open(now());
  other.on_bytes("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n0123456789a", now());
  std::string answer;
  other.take_output(answer, now());
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1"));
  machine.reset();
  EXPECT_EQ(front->held_bytes(), 0U);
}

struct Malformed {
  const char* name;
  std::string wire;
  int status;
};

class HttpMalformed : public Http, public testing::WithParamInterface<Malformed> {};

TEST_P(HttpMalformed, IsRefusedAndTheConnectionClosed) {
  const std::string answer = exchange(GetParam().wire + get("/smuggled"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + std::to_string(GetParam().status)));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(machine->closed());
  EXPECT_TRUE(handler.requests.empty()) << handler.requests[0].target;
  open();
  std::string slowly;
  for (const char c : GetParam().wire + get("/smuggled")) slowly += exchange(std::string(1, c));
  EXPECT_THAT(slowly, StartsWith("HTTP/1.1 " + std::to_string(GetParam().status)));
  EXPECT_TRUE(handler.requests.empty());
}

std::string with(const std::string& headers, const std::string& body = "") {
  return "POST /x HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n" + body;
}

INSTANTIATE_TEST_SUITE_P(
    Wire, HttpMalformed,
    testing::Values(
        Malformed{"LengthAndChunked",
                  with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        Malformed{"ChunkedAndLength",
                  with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
        Malformed{"TwoLengths", with("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
        Malformed{"TwoEqualLengths", with("Content-Length: 0\r\nContent-Length: 0\r\n"), 400},
        Malformed{"LengthList", with("Content-Length: 5, 5\r\n"), 400},
        Malformed{"LengthWithSign", with("Content-Length: +5\r\n"), 400},
        Malformed{"NegativeLength", with("Content-Length: -1\r\n"), 400},
        Malformed{"HexLength", with("Content-Length: 0x5\r\n"), 400},
        Malformed{"EmptyLength", with("Content-Length:\r\n"), 400},
        Malformed{"HugeLength", with("Content-Length: 99999999999999999999\r\n"), 400},
        Malformed{"TooLargeLength", with("Content-Length: 999999999999999999\r\n"), 413},
        Malformed{"OtherCoding", with("Transfer-Encoding: gzip, chunked\r\n"), 501},
        Malformed{"ObscuredCoding", with("Transfer-Encoding: xchunked\r\n"), 501},
        Malformed{"TwoCodings", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        Malformed{"CodingInOldVersion", "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  400},
        Malformed{"SpaceBeforeColon", with("Content-Length : 5\r\n"), 400},
        Malformed{"FoldedHeader", with("X: a\r\n b\r\n"), 400},
        Malformed{"NoColon", with("nonsense\r\n"), 400}, Malformed{"EmptyName", with(": a\r\n"), 400},
        Malformed{"NulInValue", with(std::string("X: a\0b\r\n", 8)), 400},
        Malformed{"BareLineFeed", "GET / HTTP/1.1\nHost: h\n\n", 400},
        Malformed{"BareLineFeedInHeaders", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
        Malformed{"BareCarriageReturn", "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400},
        Malformed{"NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
        Malformed{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        Malformed{"HostWithUser", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
        Malformed{"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        Malformed{"EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
        Malformed{"BrokenIpHost", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
        Malformed{"NoVersion", "GET /\r\nHost: h\r\n\r\n", 400},
        Malformed{"OtherVersion", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
        Malformed{"OddVersion", "GET / HTTP/1.1x\r\nHost: h\r\n\r\n", 400},
        Malformed{"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Malformed{"RelativeTarget", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Malformed{"ConnectTarget", "CONNECT a:1 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Malformed{"RawUtf8Target", "GET /\xC3\xA9 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Malformed{"BrokenEscape", "GET /?a=%2 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Malformed{"EscapedNul", "GET /?a=%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Malformed{"TlsGreeting", std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8), 400},
        Malformed{"ManyEmptyLines", "\r\n\r\n\r\n\r\n", 400},
        Malformed{"ChunkSizeNotHex", with("Transfer-Encoding: chunked\r\n", "xyz\r\n"), 400},
        Malformed{"ChunkSizeEmpty", with("Transfer-Encoding: chunked\r\n", "\r\n"), 400},
        Malformed{"ChunkSizeNegative", with("Transfer-Encoding: chunked\r\n", "-1\r\n"), 400},
        Malformed{"ChunkSizeHuge", with("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n"), 400},
        Malformed{"ChunkSizeTooLarge", with("Transfer-Encoding: chunked\r\n", "fffffffffffffff\r\n"), 413},
        Malformed{"ChunkLongerThanSize", with("Transfer-Encoding: chunked\r\n", "2\r\nabc\r\n0\r\n\r\n"),
                  400},
        Malformed{"ChunkBareLineFeed", with("Transfer-Encoding: chunked\r\n", "2\nab\n0\n\n"), 400},
        Malformed{"ChunkCarriageInside", with("Transfer-Encoding: chunked\r\n", "2\r;x\r\nab\r\n0\r\n\r\n"),
                  400},
        Malformed{"ChunkLineTooLong",
                  with("Transfer-Encoding: chunked\r\n", "2;" + std::string(300, 'x') + "\r\n"), 400},
        Malformed{"TrailersTooLong",
                  with("Transfer-Encoding: chunked\r\n", "0\r\nX: " + std::string(9000, 'x') + "\r\n\r\n"),
                  431},
        Malformed{"LongRequestLine", "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n",
                  414},
        Malformed{"LongHeaders", with("X: " + std::string(60'000, 'x') + "\r\n"), 431},
        Malformed{"ManyHeaders",
                  [] {
                    std::string many;
                    for (int i = 0; i < 101; ++i) many += "X: y\r\n";
                    return with(many);
                  }(),
                  431}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(Http, ToleratesWhatIsHarmless) {
  EXPECT_THAT(exchange("\r\nGET /a HTTP/1.1\r\nHost:h\r\nConnection: x, Close\r\n\r\n"),
              HasSubstr("Connection: close"));
  open();
  EXPECT_THAT(exchange("GET http://example.com:80/p?q HTTP/1.1\r\nHost: other\r\n\r\n"),
              HasSubstr("GET /p []"));
  EXPECT_EQ(handler.requests.back().host, "example.com") << "the absolute target outranks the Host header";
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nHost: [::1]:8025\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(handler.requests.back().host, "::1");
  EXPECT_THAT(exchange("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), HasSubstr("OPTIONS * []"));
}

TEST_F(Http, OldVersionClosesUnlessAskedNotTo) {
  EXPECT_THAT(exchange("GET /a HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close"));
  EXPECT_TRUE(machine->closed());
  open();
  EXPECT_THAT(exchange("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
              HasSubstr("Connection: keep-alive"));
  EXPECT_FALSE(machine->closed());
}

TEST_F(Http, ASlowHeadIsGivenUp) {
  send("GET / HT");
  for (int i = 0; i < 9; ++i) {
    pass(Duration::seconds(1));
    send("T");
  }
  EXPECT_FALSE(machine->closed());
  pass(Duration::seconds(1));
  EXPECT_TRUE(machine->closed()) << "a byte a second does not keep it open";
  EXPECT_THAT(output(), StartsWith("HTTP/1.1 408"));
}

TEST_F(Http, ASilentConnectionIsClosedWithoutAWord) {
  pass(Duration::seconds(10));
  EXPECT_TRUE(machine->closed());
  EXPECT_EQ(output(), "");
  open();
  exchange(get("/a"));
  pass(Duration::seconds(59));
  EXPECT_FALSE(machine->closed());
  pass(Duration::seconds(1));
  EXPECT_TRUE(machine->closed());
  EXPECT_EQ(output(), "");
}

TEST_F(Http, ASlowBodyIsGivenUp) {
  send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
  pass(Duration::seconds(14));
  send("x");
  pass(Duration::seconds(14));
  EXPECT_FALSE(machine->closed());
  pass(Duration::seconds(1));
  EXPECT_THAT(output(), StartsWith("HTTP/1.1 408"));
  open();
  send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
  for (int i = 0; i < 30 && !machine->closed(); ++i) {
    pass(Duration::seconds(10));
    send("x");
  }
  EXPECT_TRUE(machine->closed()) << "a trickle is no reason to wait for ever";
  EXPECT_EQ(handler.requests.size(), 0U);
}

TEST_F(Http, AnEndInTheMiddleIsNeverHandled) {
  send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345");
  machine->on_end(now());
  EXPECT_TRUE(machine->closed());
  EXPECT_EQ(output(), "");
  EXPECT_TRUE(handler.requests.empty());
}

TEST_F(Http, AHalfClosedClientStillGetsItsAnswer) {
  handler.hold = true;
  send(get("/a"));
  machine->on_end(now());
  EXPECT_FALSE(machine->closed());
  handler.replies[0].send({.status = 200, .headers = {}, .body = "here", .stream = {}});
  run_tasks();
  EXPECT_THAT(output(), HasSubstr("here"));
  EXPECT_TRUE(machine->closed());
}

TEST_F(Http, DrainingFinishesWhatIsUnderWay) {
  handler.hold = true;
  send(get("/a") + get("/b"));
  machine->on_drain(now());
  EXPECT_FALSE(machine->closed());
  handler.replies[0].send({.status = 200, .headers = {}, .body = "last", .stream = {}});
  run_tasks();
  EXPECT_THAT(output(), HasSubstr("Connection: close"));
  EXPECT_TRUE(machine->closed());
  EXPECT_EQ(handler.requests.size(), 1U) << "nothing new is begun";
  open();
  machine->on_drain(now());
  EXPECT_TRUE(machine->closed());
}

TEST_F(Http, AHeaderValueCannotBeginAnotherHeader) {
  handler.hold = true;
  send(get("/a"));
  handler.replies[0].send({.status = 200, .headers = {{"X", "a\r\nEvil: b"}}, .body = "", .stream = {}});
  run_tasks();
  EXPECT_THAT(output(), HasSubstr("X: a  Evil: b\r\n"));
}

/// Gives out pieces when the test says so.
class TestSource final : public BodySource {
 public:
  void pull(Done done) override {
    ++pulls;
    waiting = std::move(done);
  }
  int pulls = 0;
  Done waiting;
};

class HttpStream : public Http {
 protected:
  void begin(const std::string& request) {
    handler.hold = true;
    source = std::make_shared<TestSource>();
    send(request);
    handler.replies.back().send({.status = 200, .headers = {}, .body = "", .stream = source});
    run_tasks();
  }
  void give(const std::string& bytes, bool last = false) {
    auto done = std::exchange(source->waiting, {});
    ASSERT_TRUE(done);
    done(BodySource::Piece{bytes, last});
    run_tasks();
  }
  std::shared_ptr<TestSource> source;
};

TEST_F(HttpStream, IsSentInChunks) {
  begin(get("/a") + get("/b"));
  EXPECT_THAT(output(), testing::EndsWith("Transfer-Encoding: chunked\r\n\r\n"));
  give("hello");
  EXPECT_EQ(output(), "5\r\nhello\r\n");
  give("");
  EXPECT_EQ(output(), "") << "an empty chunk would end the body";
  give(std::string(26, 'z'), true);
  EXPECT_EQ(output(), "1a\r\n" + std::string(26, 'z') + "\r\n0\r\n\r\n");
  EXPECT_EQ(handler.requests.size(), 2U) << "and the connection goes on";
}

TEST_F(HttpStream, ASlowReaderSlowsTheSource) {
  begin(get("/a"));
  output();
  const std::string piece(40'000, 'x');
  give(piece);
  give(piece);
  EXPECT_FALSE(source->waiting) << "80 kB wait to be sent: nothing more is asked for";
  EXPECT_EQ(source->pulls, 2);
  EXPECT_GT(output().size(), 80'000U);
  EXPECT_TRUE(source->waiting) << "and is again once they are on their way";
}

TEST_F(HttpStream, ABrokenSourceIsSeenByTheReader) {
  begin(get("/a"));
  give("part");
  std::exchange(source->waiting, {})(Error{Cause::damaged, "a row cannot be read"});
  run_tasks();
  EXPECT_THAT(output(), Not(HasSubstr("0\r\n\r\n")));
  EXPECT_TRUE(machine->closed());
}

TEST_F(HttpStream, OldVersionEndsWithTheConnection) {
  begin("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  give("all", true);
  EXPECT_THAT(output(), testing::EndsWith("Connection: close\r\n\r\nall"));
  EXPECT_TRUE(machine->closed());
}

TEST_F(HttpStream, HeadAsksForNoPiece) {
  begin("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(source->pulls, 0);
  EXPECT_FALSE(machine->closed());
}

TEST_F(HttpStream, APieceForAConnectionThatHasGoneGoesNowhere) {
  begin(get("/a"));
  machine.reset();
  link->tasks.clear();
  std::exchange(source->waiting, {})(BodySource::Piece{"late", true});
  EXPECT_EQ(source.use_count(), 1) << "the machine does not hold the source any longer";
}

}  // namespace
}  // namespace bonafide::net
