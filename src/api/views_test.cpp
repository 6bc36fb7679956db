// The calls that show streams, as requests against a service in memory.
#include "api/views.hpp"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/api.hpp"
#include "api/client.hpp"
#include "api/test_service.hpp"
#include "env/real/clock.hpp"
#include "env/sim/files.hpp"
#include "net/http_connection.hpp"
#include "net/server.hpp"

namespace bonafide::api {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ViewsTest : public testing::Test {
 protected:
  ViewsTest() {
    settings_.listen = {"127.0.0.1:0"};
    api_ = std::make_unique<Api>(settings_, *Access::make(settings_, files_), service_, clock_, logger_,
                                 service_.registry);
    front_ = std::make_unique<net::HttpFront>(*api_, http_limits(settings_), clock_);
    server_ = std::make_unique<net::Server>(net::ServerSettings{}, clock_, logger_, service_.registry);
    url_ =
        "http://" + server_->listen(listen_addresses(settings_)->front(), "api", front_->factory())->text();
    serving_ = std::thread([this] { server_->run(); });
    working_ = std::thread([this] { service_.work(); });
  }
  ~ViewsTest() override {
    server_->stop();
    serving_.join();
    service_.stop();
    working_.join();
  }
  std::string get(const std::string& path, const net::Query& query = {}) {
    const auto body = Client({url_, ""}).get(path, query);
    return body.ok() ? *body : "error: " + body.error().message;
  }

 private:
  ApiSettings settings_;
  env::RealClock clock_;
  env::NoLogger logger_;
  env::sim::SimFiles files_;
  TestService service_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<net::HttpFront> front_;
  std::unique_ptr<net::Server> server_;
  std::string url_;
  std::thread serving_, working_;
};

TEST_F(ViewsTest, WhereToBeginIsSaidOnce) {
  EXPECT_THAT(get("/v1/streams/mail.scored/tail"), HasSubstr(R"("follow":false,"beginning":false)"));
  EXPECT_THAT(get("/v1/streams/a%2Fb/tail", {{"from", "beginning"}, {"follow", "1"}}),
              HasSubstr(R"("stream":"a/b","follow":true,"beginning":true)"));
  EXPECT_THAT(get("/v1/streams/s/tail", {{"from", "2026-01-02T03:04:05Z"}}),
              HasSubstr(R"("from":"2026-01-02T03:04:05Z")"));
  EXPECT_THAT(get("/v1/streams/s/tail", {{"last", "7"}}), HasSubstr(R"("last":7)"));
  EXPECT_THAT(get("/v1/streams/s/tail", {{"last", "7"}, {"after", "l0-"}}), HasSubstr("only one says where"));
  EXPECT_THAT(get("/v1/streams/s/tail", {{"from", "yesterday"}}), HasSubstr("is no time"));
  EXPECT_THAT(get("/v1/streams/s/tail", {{"last", "1001"}}), HasSubstr("from 1 to 1000"));
  EXPECT_THAT(get("/v1/streams/none/tail"), HasSubstr("there is no stream"));
}

TEST_F(ViewsTest, FiltersAreHandedOn) {
  EXPECT_THAT(get("/v1/streams/s/tail", {{"verdict", "trusted, untrusted"}, {"sender", "acme.example"}}),
              HasSubstr(R"("sender":"acme.example","verdicts":["trusted","untrusted"],"reveal":false)"));
  EXPECT_THAT(get("/v1/streams/s/tail", {{"id", "xyz"}}), HasSubstr("parameter \"id\""));
  EXPECT_THAT(get("/v1/streams/s/tail", {{"reveal", ""}}), HasSubstr(R"("reveal":true)"));
}

TEST_F(ViewsTest, EventsAreTheVerdictsAsTheyFall) {
  EXPECT_THAT(get("/v1/events"), StartsWith(R"(data: {"stream":"mail.scored","follow":true)"));
  EXPECT_THAT(get("/v1/events", {{"after", "l0-01"}}), HasSubstr(R"("after":"l0-01")"));
  EXPECT_THAT(get("/v1/events", {{"from", "beginning"}}), HasSubstr("there is no such parameter"));
}

}  // namespace
}  // namespace bonafide::api
