#include <filesystem>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "api/client.hpp"
#include "app/book_reading.hpp"
#include "app/live_service.hpp"
#include "app/search.hpp"

// The whole service in one process, on threads, through its API: for behaviour, and for the thread sanitizer.
namespace bonafide::app {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "bonafide-app-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string in(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string message(int number) {
  return "From: Ann <ann@acme.example>\r\nTo: <bob@home.example>\r\nSubject: note " + std::to_string(number) +
         "\r\nMessage-ID: <" + std::to_string(number) +
         "@acme.example>\r\nDate: Mon, 2 Feb 2026 10:00:00 +0000\r\n\r\nhello\r\n";
}

class AppTest : public ::testing::Test {
 protected:
  void SetUp() override {
    common_.data = folder_.in("data");
    start();
  }
  void TearDown() override { stop(); }
  void start(const std::function<void(Configuration&)>& adjust = {}) {
    service_ = std::make_unique<LiveService>(common_);
    const Status opened = service_->open("127.0.0.1:0", adjust);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    ASSERT_TRUE(service_->start().ok());
    url_ = service_->url();
  }
  void stop() {
    if (!service_) return;
    const Status stopped = service_->stop();
    EXPECT_TRUE(stopped.ok()) << stopped.error().message;
    service_.reset();
  }
  Result<api::Client::Answer> post(int number, const std::string& wait = "") {
    api::Client client({url_, ""});
    net::Query query{{"mail_from", "ann@acme.example"}, {"rcpt_to", "bob@home.example"}};
    if (!wait.empty()) query.emplace_back("wait", wait);
    return client.call("POST", "/v1/messages", query, message(number), "message/rfc822");
  }
  Error post_until_refused() {
    for (int i = 0; i < 1000; ++i) {
      if (const auto answer = post(i); !answer.ok()) return answer.error();
    }
    return {Cause::internal, "nothing was refused"};
  }
  /// Appends bytes to mail.received that are no event.
  void append_garbage() {
    flow::Record record;
    record.key = SharedBytes(std::string("default"));
    record.value = SharedBytes(std::string("this is no event"));
    record.timestamp = service_->world().clock.now();
    std::promise<bool> synced;
    std::vector<flow::Entry> entries;
    entries.push_back({std::string(mail::Received::topic), flow::Lane::live, std::move(record)});
    service_->pipeline().journal().inlet().append(
        std::move(entries),
        [&](const Result<flow::Inlet::Landed>& landed) { synced.set_value(landed.ok()); });
    ASSERT_TRUE(synced.get_future().get());
  }
  std::string get(const std::string& path) {
    api::Client client({url_, ""});
    const auto body = client.get(path);
    return body.ok() ? *body : "error: " + body.error().message;
  }
  std::string eventually(const std::string& path, const std::string& wanted) {
    std::string body;
    for (int i = 0; i < 1000; ++i) {
      body = get(path);
      if (body.find(wanted) != std::string::npos) return body;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << path << " never said " << wanted << ": " << body;
    return body;
  }

  TemporaryFolder folder_;
  Common common_;
  std::unique_ptr<LiveService> service_;
  std::string url_;
};

TEST_F(AppTest, ManyClientsAtOnce) {
  constexpr int clients = 4, each = 25;
  std::vector<std::thread> threads;
  threads.reserve(clients);
  std::atomic<int> accepted{0}, judged{0};
  for (int c = 0; c < clients; ++c) {
    threads.emplace_back([&, c] {
      for (int i = 0; i < each; ++i) {
        // every message twice, from different clients
        const auto answer = post((c / 2) * each + i, i % 5 == 0 ? "5s" : "");
        if (answer.ok() && answer->status == 202) ++accepted;
        if (answer.ok() && answer->status == 200) ++judged;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(accepted + judged, clients * each);
  EXPECT_EQ(judged, clients * each / 5);
  eventually("/v1/status", "\"backlog_records\":0");
  EXPECT_EQ(*service_->pipeline().rows().rows().count({}), static_cast<uint64_t>(clients / 2 * each));
}

TEST_F(AppTest, APoisonRecordWaitsAloneAndLaterOnesGoOn) {
  append_garbage();
  const auto answer = post(1, "5s");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->status, 200) << answer->body;
  // Each reader of the topic sets it aside for itself, in its own time.
  for (const std::string step : {"dedupe", "doorlist", "enrich"})
    eventually("/v1/parked", "\"step\":\"" + step + "\"");
  const std::string parked = get("/v1/parked");
  EXPECT_NE(parked.find("\"cause\""), std::string::npos);
  EXPECT_EQ(get("/v1/parked?tenant=default"), parked);
  EXPECT_EQ(get("/v1/parked?tenant=acme"), "{\"parked\":[]}\n") << "another tenant's are not shown";
  EXPECT_NE(get("/v1/status").find("\"ok\":false"), std::string::npos);
}

TEST_F(AppTest, ParkedRecordsAreRetriedAndDropped) {
  append_garbage();
  const std::string parked = eventually("/v1/parked", "\"step\":\"enrich\"");
  const size_t at = parked.find("\"id\":\"") + 6;
  const std::string id = parked.substr(at, parked.find('"', at) - at);
  api::Client client({url_, ""});
  const auto retried = client.post("/v1/parked/" + id + "/retry");
  ASSERT_TRUE(retried.ok()) << retried.error().message;
  EXPECT_EQ(client.post("/v1/parked/" + id + "/retry").error().cause, Cause::conflict);
  // It is still no event: it is parked again, as another attempt.
  eventually("/v1/parked", "\"attempt\":1");
}

TEST_F(AppTest, WhatWasAcceptedIsThereAfterARestart) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(post(i).ok());
  stop();
  start();
  const auto again = post(3);
  ASSERT_TRUE(again.ok());
  EXPECT_NE(again->body.find("\"duplicate\":true"), std::string::npos) << again->body;
  eventually("/v1/status", "\"backlog_records\":0");
  EXPECT_EQ(*service_->pipeline().rows().rows().count({}), 10U);
}

// Not only when the service ends, or when the memory is used up: else a restart replays everything.
TEST_F(AppTest, TheHistoryReachesTheDiskWhileTheServiceRuns) {
  stop();
  start([](Configuration& changed) { changed.pipeline.history_checkpoint_every = Duration::millis(50); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // its keeper has gone to sleep
  ASSERT_EQ(post(1, "5s")->status, 200);
  auto& pipeline = service_->pipeline();
  const auto is_durable = [&] {
    uint64_t shards = 0;
    for (const auto& shard : *pipeline.journal().shards(std::string(mail::Scored::topic))) {
      const auto written = *pipeline.journal().written(shard.id);
      if (*pipeline.history().durable(shard.id) != written) return false;
      shards += written == flow::Position{} ? 0 : 1;
    }
    return shards > 0;
  };
  for (int i = 0; i < 1000 && !is_durable(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(is_durable());
}

TEST_F(AppTest, AFullDiskIsNotABacklog) {
  stop();
  start([](Configuration& changed) { changed.pipeline.journal.min_free_bytes = uint64_t{1} << 60; });
  const Error refused = post_until_refused();
  EXPECT_EQ(refused.cause, Cause::unavailable);  // 503
  EXPECT_NE(refused.message.find("must stay free"), std::string::npos) << refused.message;
  EXPECT_NE(get("/readyz").find("error"), std::string::npos);
  EXPECT_NE(get("/livez").find("ok"), std::string::npos) << "steps go on";
  EXPECT_NE(get("/v1/status").find("door: the disk has only"), std::string::npos);
}

TEST_F(AppTest, AStepThatIsTooFarBehindIsABacklog) {
  stop();
  start([](Configuration& changed) { changed.pipeline.journal.max_behind_bytes = 1; });
  const Error refused = post_until_refused();
  EXPECT_EQ(refused.cause, Cause::exhausted);  // 429
  EXPECT_NE(refused.message.find("bytes behind"), std::string::npos) << refused.message;
}

TEST_F(AppTest, ALateVerdictIsSuspiciousAndTheRealOneIsStoredWhenItFalls) {
  stop();
  start([](Configuration& changed) { changed.api.deadline = Duration::millis(200); });
  for (auto* worker : service_->pipeline().processors()) worker->stop(flow::Stop::at_commit);
  const auto late = post(1, "30s");
  ASSERT_TRUE(late.ok()) << late.error().message;
  EXPECT_EQ(late->status, 200);
  EXPECT_NE(late->body.find("\"verdict\":\"suspicious\""), std::string::npos) << late->body;
  EXPECT_NE(late->body.find("\"late\":true"), std::string::npos) << late->body;
  EXPECT_NE(get("/metrics").find("bonafide_late_answers_total 1\n"), std::string::npos);
  stop();
  start();
  const std::string id = late->body.substr(late->body.find("\"id\":\"") + 6, 32);
  const std::string stored = eventually("/v1/messages/" + id, "\"verdict\"");
  EXPECT_EQ(stored.find("late:"), std::string::npos) << stored;
}

TEST_F(AppTest, ByThePolicyDeferWhoWaitsTooLongSendsAgain) {
  stop();
  start([](Configuration& changed) {
    changed.api.deadline = Duration::millis(200);
    changed.api.late = api::Late::defer;
  });
  for (auto* worker : service_->pipeline().processors()) worker->stop(flow::Stop::at_commit);
  const auto late = post(1, "30s");
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().cause, Cause::unavailable);
  EXPECT_NE(late.error().message.find("is taken"), std::string::npos) << late.error().message;
  stop();
  start();
  const auto again = post(1, "5s");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_NE(again->body.find("\"duplicate\":true"), std::string::npos) << again->body;
  EXPECT_EQ(again->body.find("\"late\""), std::string::npos) << again->body;
}

TEST_F(AppTest, StatusShowsRatesAndWhatEveryStepDid) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(post(i, "5s").ok());
  const std::string status = eventually("/v1/status", "\"name\":\"import\",\"doing\":\"idle\",\"in\":2");
  EXPECT_NE(status.find("\"ok\":true"), std::string::npos) << status;
  const std::string rates = eventually("/v1/status", "\"over_seconds\":1");
  EXPECT_NE(rates.find("\"messages_per_second\":{\"in\":"), std::string::npos) << rates;
}

TEST_F(AppTest, TheLedgerShowsEveryHopByMinute) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(post(i).ok());
  ASSERT_TRUE(post(3).ok());
  eventually("/v1/status", "\"backlog_records\":0");
  for (const std::string hop : {"door", "score", "import", "archive"}) {
    const std::string lines = get("/v1/ledger?hop=" + hop);
    uint64_t in = 0;
    for (size_t at = lines.find("\"in\":"); at != std::string::npos; at = lines.find("\"in\":", at + 1))
      in += std::stoull(lines.substr(at + 5));
    EXPECT_EQ(in, 5U) << lines;
    EXPECT_EQ(lines.find("\"balance\":1"), std::string::npos) << lines;
    EXPECT_EQ(lines.find("\"balance\":-"), std::string::npos) << lines;
  }
}

TEST_F(AppTest, VerifyRunsBesideTheService) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(post(i).ok());
  std::string lines;
  api::Client client({url_, ""});
  const Status done = client.stream("POST", "/v1/verify", {}, [&](ByteView bytes) {
    lines += bytes;
    return true;
  });
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_NE(lines.find("\"sound\":true"), std::string::npos) << lines;
}

TEST_F(AppTest, WhatTheDoorTakesWhileTheBooksAreReadIsOnTheWay) {
  Books books;
  BookReading reading(service_->pipeline(), books);
  ASSERT_TRUE(reading.note_positions().ok());
  ASSERT_TRUE(reading.read_on_the_way().ok());
  ASSERT_TRUE(post(1).ok());  // after the stores were read
  ASSERT_TRUE(reading.read_not_listed().ok());
  books.close();
  EXPECT_EQ(books.door().size(), 1U);
  for (const Hop hop : {Hop::import, Hop::archive}) EXPECT_TRUE(books.differences(hop).missing.empty());
  EXPECT_TRUE(flow::balance(books.door_ledger(), books.hop_ledgers()).empty());
}

TEST_F(AppTest, AStreamedReindexEndsWithItsReader) {
  stop();
  LiveService idle(common_);  // nobody steps the rebuild
  ASSERT_TRUE(idle.open("127.0.0.1:0").ok());
  {
    BodyProducers bodies;
    auto reader = bodies.start(
        [&](const BodyProducers::Put& put) { return produce_reindex(idle.pipeline(), false, put); });
    while (!idle.pipeline().rebuild()->progress().running) std::this_thread::yield();
    reader.reset();
  }
  EXPECT_TRUE(idle.pipeline().rebuild()->progress().running);
}

}  // namespace
}  // namespace bonafide::app
