#include "api/api.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "api/client.hpp"
#include "api/test_service.hpp"
#include "avro/json.hpp"
#include "base/json.hpp"
#include "env/real/clock.hpp"
#include "env/sim/files.hpp"
#include "net/body_pipe.hpp"
#include "net/http_connection.hpp"
#include "net/server.hpp"

namespace bonafide::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class ThreadedService final : public TestService {
 public:
  ThreadedService() : worker_([this] { work(); }) {}
  ~ThreadedService() override {
    stop();
    worker_.join();
  }
  ThreadedService(const ThreadedService&) = delete;
  ThreadedService& operator=(const ThreadedService&) = delete;

 private:
  std::thread worker_;
};

/// The API behind the real server, asked through the real client.
class ApiTest : public testing::Test {
 protected:
  ApiTest() { start({}); }
  ~ApiTest() override { stop(); }

  void start(ApiSettings settings) {
    stop();
    settings.listen = {"127.0.0.1:0"};
    auto access = Access::make(settings, files);
    ASSERT_TRUE(access.ok()) << access.error().message;
    api = std::make_unique<Api>(settings, *access, service, clock, logger, service.registry);
    front = std::make_unique<net::HttpFront>(*api, http_limits(settings), clock);
    server = std::make_unique<net::Server>(net::ServerSettings{}, clock, logger, service.registry);
    const auto at = server->listen(listen_addresses(settings)->front(), "api", front->factory());
    ASSERT_TRUE(at.ok()) << at.error().message;
    url = "http://" + at->text();
    thread = std::thread([this] { server->run(); });
  }
  void stop() {
    if (!thread.joinable()) return;
    server->stop();
    thread.join();
  }
  Client client(const std::string& token = "") { return Client({url, token}); }
  Result<Client::Answer> post(const net::Query& query,
                              const std::string& body = "Subject: hi\r\n\r\nhello\r\n") {
    return client().call("POST", "/v1/messages", query, body, "message/rfc822");
  }
  /// What a client that speaks for itself gets: the whole response.
  std::string raw(const std::string& request) {
    env::RealClock real;
    std::string answer;
    // A machine of its own, from loopback, without a socket.
    struct NoLink final : net::Link {
      void post(std::function<void(Time)> task) override {
        const std::lock_guard lock(mutex);
        tasks.push_back(std::move(task));
      }
      std::mutex mutex;
      std::deque<std::function<void(Time)>> tasks;
    };
    auto link = std::make_shared<NoLink>();
    net::HttpFront alone(*api, {}, real);
    net::HttpConnection machine(alone, peer, link);
    machine.on_open(real.steady());
    machine.on_bytes(request, real.steady());
    std::string piece;
    for (int i = 0; i < 400 && answer.empty(); ++i) {
      std::unique_lock lock(link->mutex);
      while (!link->tasks.empty()) {
        auto task = std::move(link->tasks.front());
        link->tasks.pop_front();
        lock.unlock();
        task(real.steady());
        lock.lock();
      }
      lock.unlock();
      machine.on_time(real.steady());
      while (machine.take_output(piece, real.steady())) answer += piece;
      if (answer.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return answer;
  }
  std::string get(const std::string& path, const std::string& headers = "") {
    return raw("GET " + path + " HTTP/1.1\r\nHost: localhost:8025\r\n" + headers + "\r\n");
  }

  env::RealClock clock;
  env::NoLogger logger;
  env::sim::SimFiles files;
  ThreadedService service;
  std::unique_ptr<Api> api;
  std::unique_ptr<net::HttpFront> front;
  std::unique_ptr<net::Server> server;
  std::string url;
  std::thread thread;
  net::Peer peer{*net::Address::parse("127.0.0.1:40000"), *net::Address::parse("127.0.0.1:8025")};
};

TEST_F(ApiTest, TakesAMessageWithItsEnvelope) {
  const auto answer = post({{"tenant", "home"},
                            {"mail_from", "<ann+news@acme.example>"},
                            {"rcpt_to", "bob@home.example"},
                            {"rcpt_to", "j\xC3\xB6rg@home.example"},
                            {"client_ip", "2001:DB8::1"},
                            {"helo", "mail.acme.example"},
                            {"received_at", "2026-01-02T03:04:05+01:00"}});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->status, 202);
  ASSERT_EQ(service.submissions.size(), 1U);
  const Submission& got = service.submissions[0];
  EXPECT_EQ(got.raw, "Subject: hi\r\n\r\nhello\r\n");
  EXPECT_EQ(got.tenant, "home");
  EXPECT_EQ(got.mail_from, "ann+news@acme.example");
  EXPECT_THAT(got.rcpt_to, testing::ElementsAre("bob@home.example", "j\xC3\xB6rg@home.example"));
  EXPECT_EQ(got.client_ip->text(), "2001:db8::1");
  EXPECT_EQ(got.helo, "mail.acme.example");
  EXPECT_EQ(format_rfc3339(*got.received_at), "2026-01-02T02:04:05Z");
  const auto json = avro::parse_json(answer->body);
  ASSERT_TRUE(json.ok()) << answer->body;
  EXPECT_THAT(json->keys, testing::ElementsAre("id", "duplicate"));
  EXPECT_FALSE(json->find("duplicate")->truth);
}

TEST_F(ApiTest, ANullSenderIsNotAnUnknownSender) {
  ASSERT_TRUE(post({}, "one").ok());
  ASSERT_TRUE(post({{"mail_from", ""}}, "two").ok());
  ASSERT_TRUE(post({{"mail_from", "<>"}}, "three").ok());
  EXPECT_EQ(service.submissions[0].mail_from, std::nullopt);
  EXPECT_EQ(service.submissions[1].mail_from, "");
  EXPECT_EQ(service.submissions[2].mail_from, "");
}

TEST_F(ApiTest, ARepeatIsADuplicateWithTheFirstId) {
  const auto first = post({});
  const auto second = post({});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(avro::parse_json(first->body)->find("id")->text,
            avro::parse_json(second->body)->find("id")->text);
  EXPECT_TRUE(avro::parse_json(second->body)->find("duplicate")->truth);
}

TEST_F(ApiTest, WaitingGivesTheVerdict) {
  const auto answer = post({{"wait", "2s"}});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(
      answer->body,
      HasSubstr(
          R"("verdict":"trusted","trust":97.25,"attack":"none","reasons":[{"text":"the sender's usual \"servers\"","weight":1.5}])"));
  EXPECT_THAT(answer->body, Not(HasSubstr("events")));
}

TEST_F(ApiTest, WhoWaitsForAVerdictThatIsLateIsToldSuspicious) {
  service.never_decide = true;
  const Time begin = clock.steady();
  const auto answer = post({{"wait", "200ms"}});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 200);
  const auto json = avro::parse_json(answer->body);
  EXPECT_EQ(json->find("verdict")->text, "suspicious");
  EXPECT_EQ(json->find("id")->text.size(), 32U);
  EXPECT_THAT(answer->body, HasSubstr("\"duplicate\":false,\"late\":true"));
  EXPECT_GE(clock.steady() - begin, Duration::millis(200));
  EXPECT_LT(clock.steady() - begin, Duration::seconds(5));
  EXPECT_THAT(get("/metrics"), HasSubstr("bonafide_late_answers_total 1\n"));
}

TEST_F(ApiTest, NobodyWaitsLongerThanTheDeadline) {
  service.never_decide = true;
  ApiSettings settings;
  settings.deadline = Duration::millis(100);
  start(settings);
  const Time begin = clock.steady();
  const auto answer = post({{"wait", "30s"}});
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(answer->body, HasSubstr("\"late\":true"));
  EXPECT_LT(clock.steady() - begin, Duration::seconds(10));
}

TEST_F(ApiTest, ByThePolicyDeferALateVerdictIsATemporaryFailure) {
  ApiSettings settings;
  settings.deadline = Duration::millis(100);
  settings.late = Late::defer;
  start(settings);
  service.never_decide = true;
  const std::string late =
      raw("POST /v1/messages?wait=2s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(late, testing::StartsWith("HTTP/1.1 504"));
  EXPECT_THAT(late, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(late, HasSubstr("is taken"));
  service.never_decide = false;
  const auto again = post({{"wait", "2s"}}, "hello");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->status, 200);
  EXPECT_THAT(again->body, HasSubstr("\"duplicate\":true"));
  EXPECT_THAT(get("/metrics"), HasSubstr("bonafide_late_answers_total 1\n"));
}

TEST_F(ApiTest, AVerdictInTimeIsNotLate) {
  EXPECT_THAT(post({{"wait", "2s"}})->body, Not(HasSubstr("late")));
  EXPECT_EQ(post({})->status, 202);
  EXPECT_THAT(get("/metrics"), HasSubstr("bonafide_late_answers_total 0\n"));
}

TEST_F(ApiTest, OfSeveralTenantsTheLeastTrustedSpeaks) {
  const auto taken = post({}, "two tenants");
  EXPECT_THAT(taken->body, HasSubstr("\"ids\":["));
  const auto answer = post({{"wait", "2s"}}, "two tenants");
  ASSERT_TRUE(answer.ok());
  const auto json = avro::parse_json(answer->body);
  EXPECT_EQ(json->find("verdict")->text, "untrusted");
  EXPECT_EQ(json->find("events")->items.size(), 2U);
}

TEST_F(ApiTest, WrongParametersAreNamed) {
  struct Case {
    net::Query query;
    const char* says;
  };
  for (const Case& one : std::vector<Case>{
           {{{"rcpt", "a@b"}}, "do you mean \"rcpt_to\"?"},
           {{{"tenant", "a"}, {"tenant", "b"}}, "more than once"},
           {{{"received_at", "yesterday"}}, "2026-01-02T03:04:05Z"},
           {{{"client_ip", "1.2.3"}}, "client_ip"},
           {{{"wait", "1h"}}, "between 0s and 30s"},
           {{{"wait", "soon"}}, "2s"},
           {{{"helo", "a\nb"}}, "clean UTF-8"},
           {{{"mail_from", "a\xFF"}}, "clean UTF-8"},
           {{{"rcpt_to", ""}}, "is empty"},
           {{{"mail_from", std::string(600, 'a')}}, "longer than"},
           {{{"tenant", "nobody"}}, "no tenant"},
       }) {
    const auto answer = post(one.query);
    ASSERT_FALSE(answer.ok()) << one.says;
    EXPECT_EQ(answer.error().cause, Cause::invalid);
    EXPECT_THAT(answer.error().message, HasSubstr(one.says));
  }
  EXPECT_TRUE(service.submissions.empty());
  EXPECT_THAT(post({}, "").error().message, HasSubstr("body is empty"));
  const auto form = client().call("POST", "/v1/messages", {}, "x", "multipart/form-data; boundary=x");
  EXPECT_THAT(form.error().message, HasSubstr("--data-binary"));
}

TEST_F(ApiTest, RefusalsAreProblemDocuments) {
  const std::string answer = get("/v1/messages/xyz");
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n"));
  const auto json = avro::parse_json(answer.substr(answer.find("\r\n\r\n") + 4));
  ASSERT_TRUE(json.ok());
  EXPECT_THAT(json->keys, testing::ElementsAre("type", "title", "status", "detail"));
  EXPECT_EQ(json->find("status")->text, "400");
  EXPECT_THAT(get("/v1/mesages"),
              testing::AllOf(testing::StartsWith("HTTP/1.1 404"), HasSubstr("do you mean /v1/messages?")));
  EXPECT_THAT(raw("GET /v1 HTTP/2.0\r\n\r\n"), HasSubstr("application/problem+json"));
}

TEST_F(ApiTest, AnotherMethodIsNotAllowed) {
  EXPECT_THAT(get("/v1/messages"),
              testing::AllOf(testing::StartsWith("HTTP/1.1 405"), HasSubstr("Allow: POST\r\n")));
  EXPECT_THAT(raw("DELETE /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              testing::AllOf(testing::StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD\r\n")));
  EXPECT_THAT(raw("HEAD /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              testing::StartsWith("HTTP/1.1 200"));
}

TEST_F(ApiTest, SearchAndStatsTakeTheirParameters) {
  EXPECT_THAT(get("/v1/search?q=invoice+from:a%2Bb@c.example&tenant=t&limit=7&sender=ann&cursor=12"),
              testing::AllOf(testing::StartsWith("HTTP/1.1 200"),
                             HasSubstr(R"("text":"invoice from:a+b@c.example","tenant":"t","limit":7)")));
  EXPECT_THAT(get("/v1/search?q=%22two%20words%22"), HasSubstr(R"("text":"\"two words\"")"));
  EXPECT_THAT(get("/v1/search?limit=1001"), testing::StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(get("/v1/search?from=yesterday"), testing::StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(get("/v1/stats"), HasSubstr(R"("group_by":"hour","tz":"UTC")"));
  EXPECT_THAT(get("/v1/stats?group_by=day&tz=Europe/Berlin&from=2026-01-01T00:00:00Z"),
              HasSubstr(R"("group_by":"day","tz":"Europe/Berlin","from":"2026-01-01T00:00:00Z")"));
  EXPECT_THAT(get("/v1/stats?group_by=week"), testing::StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(raw("POST /v1/reindex HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"),
              HasSubstr(R"({"rebuilt":true})"));
}

TEST_F(ApiTest, WhatDoesNotExistYetIsAbsent) {
  for (const char* path : {"/", "/v1/streams", "/v1/streams//tail", "/v1/parked//retry"}) {
    EXPECT_THAT(get(path), testing::StartsWith("HTTP/1.1 404")) << path;
  }
}

TEST_F(ApiTest, WhenTheServiceIsFullNothingIsRead) {
  service.admission = {false, Duration::millis(2500), "score is 20,000 messages behind", Cause::exhausted};
  const std::string head = "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n";
  const std::string slow = raw(head);
  EXPECT_THAT(slow, testing::StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(slow, HasSubstr("Retry-After: 3\r\n"));
  EXPECT_THAT(slow, HasSubstr("20,000 messages behind"));
  EXPECT_EQ(service.admitted_bytes, 9000U);
  service.admission.cause = Cause::unavailable;
  EXPECT_THAT(raw(head), testing::StartsWith("HTTP/1.1 503"));
  EXPECT_EQ(post({}).error().cause, Cause::unavailable);
  EXPECT_TRUE(service.submissions.empty());
}

TEST_F(ApiTest, ATooLargeMessageIsRefusedBeforeItIsSent) {
  ApiSettings settings;
  settings.max_message_bytes = 1000;
  start(settings);
  EXPECT_THAT(raw("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\nExpect: "
                  "100-continue\r\n\r\n"),
              testing::StartsWith("HTTP/1.1 413"));
  EXPECT_TRUE(post({}, std::string(1000, 'x')).ok());
  EXPECT_FALSE(post({}, std::string(1001, 'x')).ok());
}

TEST_F(ApiTest, AFailureInsideIsA500) {
  const auto failed = post({}, "poison");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().cause, Cause::internal);
  EXPECT_THAT(get("/v1/messages/" + std::string(30, '0') + "dd"), testing::StartsWith("HTTP/1.1 500"));
}

TEST_F(ApiTest, LooksUpMessages) {
  const std::string id = std::string(31, '0') + "1";
  EXPECT_EQ(*client().get("/v1/messages/" + id), R"({"id":")" + id + "\",\"rescored\":false}\n");
  EXPECT_THAT(*client().get("/v1/messages/" + id, {{"rescore", "1"}}), HasSubstr("\"rescored\":true"));
  const auto raw_bytes = client().call("GET", "/v1/messages/" + id + "/raw", {}, "", "");
  ASSERT_TRUE(raw_bytes.ok()) << raw_bytes.error().message;
  EXPECT_EQ(raw_bytes->body, std::string("From: a\0\r\n", 10));
  EXPECT_THAT(get("/v1/messages/" + std::string(32, '0') + "/raw"), testing::StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get("/v1/messages/xyz/raw"), testing::StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(get("/v1/messages/" + id), HasSubstr("application/json")) << "the other call is still itself";
  const auto missing = client().get("/v1/messages/" + std::string(32, '0'));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().cause, Cause::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("there is no event"));
}

TEST_F(ApiTest, PassesQueriesOn) {
  EXPECT_EQ(*client().get("/v1/status"), "{\"state\":\"running\"}\n");
  EXPECT_EQ(
      *client().get("/v1/ledger",
                    {{"tenant", "a"}, {"hop", "score"}, {"limit", "5"}, {"from", "2026-01-02T00:00:00Z"}}),
      "{\"tenant\":\"a\",\"hop\":\"score\",\"limit\":5,\"from\":\"2026-01-02T00:00:00Z\"}\n");
  EXPECT_EQ(*client().get("/v1/parked", {{"limit", "7"}, {"cursor", "c/1"}, {"reveal", "1"}}),
            "{\"limit\":7,\"cursor\":\"c/1\",\"reveal\":true}\n");
  EXPECT_EQ(*client().get("/v1/parked/" + net::percent_encode("score/mail.enriched:0/12")),
            "{\"id\":\"score/mail.enriched:0/12\"}\n");
  EXPECT_EQ(*client().post("/v1/parked/a/retry"), "{\"id\":\"a\",\"action\":\"retry\"}\n");
  EXPECT_EQ(*client().post("/v1/parked/a/drop"), "{\"id\":\"a\",\"action\":\"drop\"}\n");
  EXPECT_FALSE(client().get("/v1/parked", {{"limit", "0"}}).ok());
  EXPECT_FALSE(client().get("/v1/status", {{"verbose", "1"}}).ok());
  EXPECT_FALSE(client().call("POST", "/v1/parked/a/drop", {}, "surprise").ok());
}

TEST_F(ApiTest, TakesFeedback) {
  const std::string id(32, 'a');
  const auto judge = [&](const std::string& body, const std::string& of) {
    return client().call("POST", "/v1/messages/" + of + "/feedback", {}, body, "application/json");
  };
  const auto good = judge(R"({"judgement":"good"})", id);
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_EQ(good->status, 200);
  EXPECT_EQ(good->body, R"({"id":")" + id + R"(","judgement":"good"})" + "\n");
  EXPECT_EQ(judge(R"({ "judgement" : "bad" })", id)->status, 202) << "not in the row yet";
  EXPECT_EQ(judge(R"({"judgement":"good"})", std::string(32, '0')).error().cause, Cause::not_found);
  for (const char* body :
       {"", "good", "[]", "{}", R"({"judgement":1})", R"({"judgement":"GOOD"})", R"({"judgement":"none"})",
        R"({"judgement":"good","more":1})", R"({"judgement":"good"} {})"}) {
    const auto refused = judge(body, id);
    ASSERT_FALSE(refused.ok()) << body;
    EXPECT_EQ(refused.error().cause, Cause::invalid) << body;
    EXPECT_THAT(refused.error().message, HasSubstr(R"({"judgement":"good"})")) << body;
  }
  EXPECT_EQ(judge(R"({"judgement":"good"})", "nonsense").error().cause, Cause::invalid);
  EXPECT_THAT(get("/v1/messages/" + id + "/feedback"), testing::StartsWith("HTTP/1.1 405"));
}

TEST_F(ApiTest, StartsShowsAndEndsAReprocess) {
  const net::Query january = {{"from", "2026-01-01T00:00:00Z"}, {"to", "2026-02-01T00:00:00Z"}};
  const auto start = [&](net::Query more) {
    more.insert(more.end(), january.begin(), january.end());
    return client().call("POST", "/v1/reprocess", more);
  };
  const auto started = start({});
  ASSERT_TRUE(started.ok()) << started.error().message;
  EXPECT_EQ(started->status, 202);
  EXPECT_EQ(started->body, R"({"state":"running","step":"enrich","tenant":""})"
                           "\n");
  EXPECT_EQ(start({{"step", "score"}, {"tenant", "a"}})->body,
            R"({"state":"running","step":"score","tenant":"a"})"
            "\n");
  EXPECT_EQ(start({{"step", "import"}}).error().cause, Cause::invalid);
  EXPECT_THAT(client().post("/v1/reprocess", {january[0]}).error().message, HasSubstr("\"to\""));
  EXPECT_EQ(client()
                .post("/v1/reprocess", {{"from", "2026-02-01T00:00:00Z"}, {"to", "2026-01-01T00:00:00Z"}})
                .error()
                .cause,
            Cause::invalid);
  EXPECT_EQ(*client().get("/v1/reprocess"), R"({"state":"none"})"
                                            "\n");
  EXPECT_EQ(client().post("/v1/reprocess/cancel").error().cause, Cause::conflict);
}

TEST_F(ApiTest, ExportsAsAStream) {
  size_t rows = 0, bytes = 0;
  const auto all = client().stream("GET", "/v1/export", {}, [&](ByteView piece) {
    rows += static_cast<size_t>(std::count(piece.begin(), piece.end(), '\n'));
    bytes += piece.size();
    return true;
  });
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ(rows, 100'000U);
  EXPECT_GT(bytes, 1'000'000U);
  rows = 0;
  const auto some = client().stream(
      "GET", "/v1/export", {{"limit", "3"}, {"cursor", std::string(32, 'a')}}, [&](ByteView piece) {
        rows += static_cast<size_t>(std::count(piece.begin(), piece.end(), '\n'));
        return true;
      });
  ASSERT_TRUE(some.ok());
  EXPECT_EQ(rows, 3U);
  EXPECT_TRUE(client().stream("GET", "/v1/export", {}, [](ByteView) { return false; }).ok())
      << "stopped by the reader";
  const auto wrong = client().stream("GET", "/v1/export", {{"format", "xml"}}, [](ByteView) { return true; });
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr("jsonl, avro"));
  EXPECT_EQ(*client().get("/v1/status"), "{\"state\":\"running\"}\n") << "the worker was let go";
}

TEST_F(ApiTest, VerifyStreamsItsFindings) {
  std::string text;
  const auto take = [&](ByteView piece) {
    text += piece;
    return true;
  };
  ASSERT_TRUE(client().stream("POST", "/v1/verify", {{"quick", "1"}}, take).ok());
  EXPECT_EQ(text, "{\"progress\":0.5}\n{\"result\":\"sound\",\"quick\":true}\n");
  service.break_off = true;
  const auto broken = client().stream("POST", "/v1/verify", {}, take);
  ASSERT_FALSE(broken.ok()) << "half an answer is none";
  EXPECT_EQ(broken.error().cause, Cause::unavailable);
  service.verifying = true;
  EXPECT_EQ(client().stream("POST", "/v1/verify", {}, take).error().cause, Cause::conflict);
}

TEST_F(ApiTest, HealthAndMetrics) {
  EXPECT_EQ(*client().get("/livez"), "{\"status\":\"ok\",\"checks\":{}}\n");
  EXPECT_THAT(*client().get("/readyz"), HasSubstr("answers"));
  service.is_ready = false;
  EXPECT_THAT(get("/readyz"),
              testing::AllOf(testing::StartsWith("HTTP/1.1 503"), HasSubstr("the disk is full")));
  const std::string metrics = get("/metrics");
  EXPECT_THAT(metrics, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(metrics, HasSubstr("bonafide_http_responses_total{reason=\"503\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("bonafide_connections{hop=\"api\"}"));
}

TEST_F(ApiTest, MetricsAreCleanForPrometheus) {
  if (std::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "promtool is not installed";
  ASSERT_TRUE(post({}).ok());
  FILE* tool = ::popen("promtool check metrics", "w");
  ASSERT_NE(tool, nullptr);
  const std::string text = *client().get("/metrics");
  std::fwrite(text.data(), 1, text.size(), tool);
  EXPECT_EQ(::pclose(tool), 0) << text;
}

TEST_F(ApiTest, ForeignPagesAreRefused) {
  EXPECT_THAT(raw("GET /v1/status HTTP/1.1\r\nHost: rebound.example:8025\r\n\r\n"),
              testing::StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(raw("GET /metrics HTTP/1.1\r\nHost: 192.0.2.1:8025\r\n\r\n"),
              testing::StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(raw("GET /livez HTTP/1.0\r\n\r\n"), testing::StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(get("/v1/status", "Origin: http://evil.example\r\n"), testing::StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(get("/v1/status", "Origin: null\r\n"), testing::StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(get("/v1/status", "Origin: http://localhost:9999\r\n"), testing::StartsWith("HTTP/1.1 403"));
  const std::string own = get("/v1/status", "Origin: http://localhost:8025\r\n");
  EXPECT_THAT(own, testing::StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(own, Not(HasSubstr("Access-Control")));
  EXPECT_THAT(raw("GET /v1/status HTTP/1.1\r\nHost: [::1]:8025\r\n\r\n"),
              testing::StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(raw("GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), testing::StartsWith("HTTP/1.1 200"));
}

TEST_F(ApiTest, ATokenOpensTheDoor) {
  const std::string token = "0123456789abcdef0123";
  ASSERT_TRUE(files.make_folders("/etc/b").ok());
  ASSERT_TRUE(files.write_file("/etc/b/token", "# for the gateway\n" + token + "\n").ok());
  ApiSettings settings;
  settings.token_file = "/etc/b/token";
  start(settings);
  const std::string refused = get("/v1/status");
  EXPECT_THAT(refused, testing::StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(refused, HasSubstr("WWW-Authenticate: Bearer\r\n"));
  EXPECT_THAT(get("/v1/status", "Authorization: Bearer " + token + "x\r\n"),
              testing::StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(get("/v1/status", "Authorization: Basic " + token + "\r\n"),
              testing::StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(get("/v1/status", "Authorization: Bearer\r\n"), testing::StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(get("/v1/status", "Authorization: bearer " + token + "\r\n"),
              testing::StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get("/livez"), testing::StartsWith("HTTP/1.1 200")) << "health needs none";
  EXPECT_TRUE(client(token).get("/v1/status").ok());
  EXPECT_THAT(client().get("/v1/status").error().message, HasSubstr("bearer token is needed"));
}

TEST_F(ApiTest, OnlyTrustedCallersSayWhereMailCameFrom) {
  ApiSettings settings;
  settings.trust_loopback = false;
  start(settings);
  const auto refused = post({{"received_at", "2026-01-02T03:04:05Z"}});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("trusted callers only"));
  EXPECT_FALSE(post({{"client_ip", "192.0.2.1"}}).ok());
  EXPECT_TRUE(post({{"rcpt_to", "a@b.example"}}).ok());
  settings.allow = {"127.0.0.0/8"};
  start(settings);
  EXPECT_TRUE(post({{"client_ip", "192.0.2.1"}}).ok());
}

TEST_F(ApiTest, ServesTheSchemaRegistry) {
  const std::string body = R"({"schema":"\"string\""})";
  const auto send = [&](const std::string& type) {
    return client().call("POST", "/subjects/a%2Fb%20c-value/versions", {}, body, type);
  };
  EXPECT_EQ(send("application/vnd.schemaregistry.v1+json")->body, R"({"id":1})");
  EXPECT_EQ(send("application/json")->body, R"({"id":1})");
  EXPECT_THAT(raw("POST /subjects/x/versions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                  "Content-Type: application/x-www-form-urlencoded\r\n\r\n{}"),
              AllOf(HasSubstr(" 415 "), HasSubstr("\"error_code\":415")));
  EXPECT_EQ(*client().get("/subjects"), R"(["a/b c-value"])") << "names come as they were meant";
  EXPECT_THAT(get("/subjects/none/versions"),
              AllOf(HasSubstr("404 Not Found"), HasSubstr("application/vnd.schemaregistry.v1+json"),
                    HasSubstr("\"error_code\":40401")));
  EXPECT_THAT(get("/config", "Accept: application/json\r\n"), HasSubstr("Content-Type: application/json"));
  EXPECT_THAT(raw("PATCH /config HTTP/1.1\r\nHost: localhost\r\n\r\n"), HasSubstr(" 405 "));
  EXPECT_THAT(get("/subjects", "Origin: http://evil.example\r\n"), HasSubstr(" 403 "));
  EXPECT_THAT(raw("PUT /config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"),
              HasSubstr(" 413 "));
}

TEST_F(ApiTest, TheClientSaysWhenNobodyAnswers) {
  stop();
  const auto nobody = client().get("/v1/status");
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().cause, Cause::unavailable);
  EXPECT_THAT(nobody.error().message, HasSubstr(url));
}

TEST_F(ApiTest, TenantsArePutShownListedAndRemoved) {
  const std::string body = R"({"domains":["acme.example"]})";
  const auto put = client().call("PUT", "/v1/tenants/acme", {{"only_new", "1"}}, body, "application/json");
  ASSERT_TRUE(put.ok()) << put.error().message;
  EXPECT_EQ(put->body, body + "\n");
  EXPECT_EQ(client().call("PUT", "/v1/tenants/acme", {{"only_new", "1"}}, body).error().cause,
            Cause::conflict);
  EXPECT_TRUE(client().call("PUT", "/v1/tenants/acme", {}, body).ok());
  EXPECT_EQ(*client().get("/v1/tenants"), "{\"count\":1}\n");
  EXPECT_EQ(*client().get("/v1/tenants/acme"), body + "\n");
  EXPECT_TRUE(client().call("DELETE", "/v1/tenants/acme").ok());
  EXPECT_EQ(client().get("/v1/tenants/acme").error().cause, Cause::not_found);
  EXPECT_EQ(client().call("POST", "/v1/tenants/acme", {}, body)
                    .error()
                    .message.find("takes GET, HEAD, PUT, DELETE") != std::string::npos,
            true);
}

TEST_F(ApiTest, ATenantThatIsTooLargeIsRefusedBeforeItIsRead) {
  const std::string refused =
      raw("PUT /v1/tenants/acme HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_NE(refused.find(" 413 "), std::string::npos) << refused;
}

}  // namespace
}  // namespace bonafide::api
