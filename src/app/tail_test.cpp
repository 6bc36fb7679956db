#include "app/tail.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/parked.hpp"

namespace bonafide::app {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(TailCursor, SurvivesItsText) {
  TailCursor cursor;
  cursor.at[{"mail.scored", flow::Lane::live, 0}] = flow::Position::of(0x12ab00, 7);
  cursor.at[{"mail.scored", flow::Lane::backfill, 3}] = {};
  EXPECT_EQ(cursor.text(), "l0-000000000012ab0000000007_b3-");
  const auto again = TailCursor::parse("mail.scored", cursor.text());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->at, cursor.at);
}

TEST(TailCursor, WhatIsNoneIsRefused) {
  for (const char* text : {"", "l", "l0", "x0-00", "l0-0", "lx-00", "l0-00_", "l-1-00", "l99999999-00",
                           "l0-000000000000000000000000000000000000000000", "l0-zz", "_"})
    EXPECT_FALSE(TailCursor::parse("s", text).ok()) << text;
}

TEST(RedactJson, HidesLocalPartsTextsAndHeaders) {
  EXPECT_EQ(
      redact_json(R"({"from":[{"local":"ann.b","domain":"a.example"}],"excerpt":"secret",)"
                  R"("headers":"00ff","n":1.50,"to":["bob@b.example"],"none":null,"empty":"","local":""})"),
      R"({"from":[{"local":"a…","domain":"a.example"}],"excerpt":"…",)"
      R"("headers":"…","n":1.50,"to":["b…@b.example"],"none":null,"empty":"","local":""})");
  EXPECT_EQ(redact_json("{"), "null");
}

class StreamViewTest : public testing::Test {
 protected:
  StreamViewTest() : codec_(*mail::EventCodec::open(schemas_)) {
    event_.received.id = *EventId::parse("0199c1f2a3b40f6f2c1d9d6f0b8e7a55");
    event_.received.tenant = "home";
    event_.received.envelope.rcpt_to = {"bob@home.example"};
    event_.received.facts.edit().subject = "to ann@acme.example";
    event_.received.facts.edit().excerpt = "our secret";
    mail::Address from;
    from.local = "Ann.B";
    from.domain = "mail.acme.example";
    event_.received.facts.edit().from = {from};
    event_.score.verdict = mail::Verdict::untrusted;
    event_.score.reasons = {{"never as ann.b@mail.acme.example", -1}};
  }
  flow::Delivery delivery() {
    flow::Delivery made;
    std::string bytes;
    codec_->encode(event_, bytes);
    made.record.value = SharedBytes(std::move(bytes));
    return made;
  }
  /// "" where it is left out.
  std::string shown(api::TailQuery query, const flow::Delivery& what) {
    if (query.stream.empty()) query.stream = mail::Scored::topic;
    const auto view = StreamView::make(*codec_, schemas_, query, "mail.parked");
    if (!view.ok()) return "error: " + view.error().message;
    JsonWriter json;
    json.begin_object();
    return view->show(what, json) ? json.end_object().take() : "";
  }

  avro::EmbeddedRegistry schemas_;
  std::unique_ptr<mail::EventCodec> codec_;
  mail::Scored event_;
};

TEST_F(StreamViewTest, RedactsUnlessToldNotTo) {
  const std::string redacted = shown({.full = true}, delivery());
  EXPECT_THAT(redacted, HasSubstr(R"("from":"a…@mail.acme.example","recipients":["b…@home.example"])"));
  for (const char* hidden : {"ann.b", "Ann.B", "bob@", "ann@", "our secret"})
    EXPECT_THAT(redacted, Not(HasSubstr(hidden)));
  const std::string open = shown({.reveal = true, .full = true}, delivery());
  EXPECT_THAT(open, HasSubstr(R"("from":"ann.b@mail.acme.example")"));
  EXPECT_THAT(open, HasSubstr("our secret"));
}

TEST_F(StreamViewTest, Filters) {
  const auto passes = [&](const api::TailQuery& query) { return !shown(query, delivery()).empty(); };
  EXPECT_TRUE(passes({}));
  EXPECT_TRUE(passes({.tenant = "home"}));
  EXPECT_FALSE(passes({.tenant = "away"}));
  EXPECT_TRUE(passes({.sender = "ANN.b@mail.acme.example"}));
  EXPECT_TRUE(passes({.sender = "acme.example"}));
  EXPECT_TRUE(passes({.sender = "@mail.acme.example"}));
  EXPECT_FALSE(passes({.sender = "e.example"}));
  EXPECT_FALSE(passes({.sender = "b@mail.acme.example"}));
  EXPECT_TRUE(passes({.verdicts = {"suspicious", "untrusted"}}));
  EXPECT_FALSE(passes({.verdicts = {"trusted"}}));
  EXPECT_TRUE(passes({.id = event_.received.id}));
  EXPECT_FALSE(passes({.id = EventId{}}));
}

TEST_F(StreamViewTest, HeartbeatsAreForWhoAsksForThem) {
  event_.received.tenant = mail::heartbeat_tenant;
  EXPECT_EQ(shown({}, delivery()), "");
  EXPECT_NE(shown({.tenant = std::string(mail::heartbeat_tenant)}, delivery()), "");
}

TEST_F(StreamViewTest, AFilterThatCannotHoldIsRefused) {
  EXPECT_THAT(shown({.stream = "mail.received", .verdicts = {"trusted"}}, delivery()),
              HasSubstr("has no verdicts"));
  EXPECT_THAT(shown({.verdicts = {"bad"}}, delivery()), HasSubstr("there are trusted"));
  EXPECT_THAT(shown({.stream = "own", .tenant = "home"}, delivery()), HasSubstr("cannot be filtered"));
}

TEST_F(StreamViewTest, WhatCannotBeReadIsShownAsSuch) {
  flow::Delivery broken;
  broken.record.value = SharedBytes(std::string("this is no event of ann@acme.example"));
  EXPECT_THAT(shown({}, broken), HasSubstr(R"("unreadable":)"));
  EXPECT_EQ(shown({.tenant = "home"}, broken), "");
}

TEST_F(StreamViewTest, AStreamOfOnesOwnIsReadByItsSchema) {
  const std::string text = shown({.stream = "own"}, delivery());
  EXPECT_THAT(text, HasSubstr(R"("subject":"to a…@acme.example")"));
  EXPECT_THAT(text, Not(HasSubstr("our secret")));
}

TEST_F(StreamViewTest, ParkedRecordsTellWhoseTheyAre) {
  flow::ParkedRecord parked;
  parked.step = "import";
  parked.shard = {std::string(mail::Scored::topic), flow::Lane::live, 0};
  parked.value = delivery().record.value;
  parked.cause = "invalid: bob@home.example is odd";
  flow::Delivery made;
  made.record.value = SharedBytes(parked.encode());
  const std::string text = shown({.stream = "mail.parked"}, made);
  EXPECT_THAT(text, HasSubstr(R"("id":"0199c1f2a3b40f6f2c1d9d6f0b8e7a55","tenant":"home")"));
  EXPECT_THAT(text, HasSubstr("b…@home.example is odd"));
  EXPECT_EQ(shown({.stream = "mail.parked", .tenant = "away"}, made), "");
}

}  // namespace
}  // namespace bonafide::app
