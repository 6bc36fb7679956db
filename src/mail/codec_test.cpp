#include "mail/codec.hpp"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "avro/schema_store.hpp"
#include "avro/value.hpp"
#include "mail/change.hpp"
#include "mail/revision.hpp"

namespace bonafide::mail {
namespace {

Scored sample() {
  Scored scored;
  auto& received = scored.received;
  received.id = EventId::make(Time::from_millis(1'700'000'000'000), "0123456789");
  received.tenant = "default";
  received.message_key.data = std::string(32, '\1');
  received.received_at = Time::from_seconds(1'700'000'000);
  received.envelope = {"192.0.2.1", "mail.acme.example", "ann@acme.example", {"bob@home.example"}};
  received.facts.edit().headers.data = "From: ann@acme.example\r\n";
  received.facts.edit().from.push_back({"Ann", "ann", "acme.example"});
  received.facts.edit().date_offset_minutes = -120;
  scored.score.trust = 0.1 + 0.2;
  scored.score.reasons.push_back({"it is known", 1.5});
  return scored;
}

TEST(EventCodec, WhatIsWrittenIsRead) {
  avro::EmbeddedRegistry registry;
  const auto codec = *EventCodec::open(registry);
  std::string framed;
  codec->encode(sample(), framed);
  Scored read;
  ASSERT_TRUE(codec->decode(framed, read).ok());
  std::string again;
  codec->encode(read, again);
  EXPECT_EQ(again, framed);
  EXPECT_EQ(read.score.trust, 0.1 + 0.2);
  EXPECT_EQ(read.received.facts->date_offset_minutes, -120);
}

TEST(EventCodec, DamagedBytesAreAnError) {
  avro::EmbeddedRegistry registry;
  const auto codec = *EventCodec::open(registry);
  std::string framed;
  codec->encode(sample(), framed);
  Scored read;
  EXPECT_EQ(codec->decode("", read).error().cause, Cause::damaged);
  EXPECT_EQ(codec->decode("garbage", read).error().cause, Cause::damaged);
  EXPECT_FALSE(codec->decode(std::string("\0\0\0\1\0", 5), read).ok());
  for (size_t cut = 0; cut < framed.size(); ++cut)
    EXPECT_FALSE(codec->decode(framed.substr(0, cut), read).ok()) << cut;
  // Another event's bytes are not this one's.
  std::string received;
  codec->encode(sample().received, received);
  EXPECT_FALSE(codec->decode(received, read).ok());
}

TEST(EventCodec, IdsOutliveARestart) {
  avro::EmbeddedRegistry registry;
  const auto first = *EventCodec::open(registry);
  const auto second = *EventCodec::open(registry);
  EXPECT_EQ(first->writer_id(Scored::topic), second->writer_id(Scored::topic));
}

std::string newest_version(const std::string& subject) {
  std::string newest;
  for (int version = 1;; ++version) {
    std::ifstream file(std::string(BONAFIDE_SOURCE_DIR) + "/schemas/" + subject + "/v" +
                       std::to_string(version) + ".avsc");
    if (!file) return newest;
    std::ostringstream text;
    text << file.rdbuf();
    newest = text.str();
  }
}

template <class Event>
void expect_newest_version_is_bound() {
  const std::string subject = std::string(Event::topic) + "-value";
  const std::string bound = avro::schema_of<Event>(schema_namespace);
  const auto newest = avro::parse_schema(newest_version(subject));
  const std::string hint = "the newest schemas/" + subject +
                           "/vN.avsc is not what the struct is; write the next version:\n" + bound;
  ASSERT_TRUE(newest.ok()) << hint;
  EXPECT_EQ(newest->to_json(), avro::parse_schema(bound)->to_json()) << hint;
}

TEST(Schemas, TheNewestVersionsAreWhatTheStructsAre) {
  expect_newest_version_is_bound<Received>();
  expect_newest_version_is_bound<Enriched>();
  expect_newest_version_is_bound<Scored>();
  expect_newest_version_is_bound<Change>();
  expect_newest_version_is_bound<Feedback>();
  expect_newest_version_is_bound<Reprocess>();
}

}  // namespace
}  // namespace bonafide::mail
