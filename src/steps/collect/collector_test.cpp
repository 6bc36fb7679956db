#include "steps/collect/collector.hpp"

#include <gtest/gtest.h>

#include "avro/registry.hpp"
#include "env/sim/clock.hpp"
#include "flow/memory_state.hpp"
#include "streams/memory/memory_log.hpp"
#include "trust/enrich.hpp"

namespace bonafide::steps {
namespace {

/// A door on a log in memory. One of its free mail providers is built in, another is configured.
class CollectorTest : public testing::Test {
 protected:
  CollectorTest() {
    auto list = trust::ReferenceList::parse("own", trust::ListRole::free_mail, "freebox.example\n", "own");
    reference_.set(trust::ReferenceData({std::make_shared<const trust::ReferenceList>(std::move(*list))}));
    codec_ = *mail::EventCodec::open(registry_);
    tenants_.set(*Tenants::make({}));
    collector_ = std::make_unique<Collector>(
        Collector::Settings{},
        Collector::Parts{clock_, log_, dedupe_, *codec_, tenants_, metrics_, "key", reference_});
  }
  /// Takes a message with this From and gives the event that was written.
  mail::Received take(const std::string& from) {
    const std::string raw = "From: " + from +
                            "\r\nTo: <you@here.example>\r\nSubject: " + std::to_string(++taken_) +
                            "\r\n\r\nhello\r\n";
    Submission submission;
    submission.raw = raw;
    submission.door = "test";
    submission.envelope.mail_from = "bounce@news.sender.example";
    submission.envelope.rcpt_to = {"you@here.example"};
    submission.session_known = true;
    std::optional<Result<Receipt>> receipt;
    collector_->submit(parser_, submission, [&](Result<Receipt> done) { receipt = std::move(done); });
    EXPECT_TRUE(receipt && receipt->ok());
    const auto all =
        (*log_.reader({std::string(mail::Received::topic), flow::Lane::live, 0}, {}))->read(1000, 1 << 24);
    EXPECT_EQ(all->size(), taken_);
    const auto event = codec_->read<mail::Received>(all->back().record);
    EXPECT_TRUE(event.ok());
    EXPECT_EQ(all->back().record.key.view(), (*event)->event.order_key);
    return (*event)->event;
  }

  env::sim::ManualClock clock_;
  env::Metrics metrics_;
  streams::MemoryLog log_;
  flow::MemoryState dedupe_;
  avro::EmbeddedRegistry registry_;
  std::unique_ptr<mail::EventCodec> codec_;
  Current<Tenants> tenants_;
  Current<trust::ReferenceData> reference_;
  std::unique_ptr<Collector> collector_;
  mail::Parser parser_;
  size_t taken_ = 0;
};

const std::string separator(1, '\0');

TEST_F(CollectorTest, ReferenceDataReadAgainIsInForceAtOnce) {
  EXPECT_EQ(take("Ann <ann@late.example>").order_key, "default" + separator + "late.example");
  auto list = trust::ReferenceList::parse("own", trust::ListRole::free_mail, "late.example\n", "own");
  reference_.set(trust::ReferenceData({std::make_shared<const trust::ReferenceList>(std::move(*list))}));
  EXPECT_EQ(take("Ann <ann@late.example>").order_key, "default" + separator + "ann@late.example");
}

TEST_F(CollectorTest, FreeMailIsOrderedByAddressAndEverybodyElseByOrganisation) {
  EXPECT_EQ(take("Ann <Ann@gmail.com>").order_key, "default" + separator + "ann@gmail.com");
  EXPECT_EQ(take("Ann <ann@freebox.example>").order_key, "default" + separator + "ann@freebox.example");
  EXPECT_EQ(take("Bob <bob@mail.freebox.example>").order_key,
            "default" + separator + "bob@mail.freebox.example");
  EXPECT_EQ(take("Ann <ann@mail.acme.example>").order_key, "default" + separator + "acme.example");
  EXPECT_EQ(take("nobody").order_key, "default" + separator + "sender.example") << "MAIL FROM's";
}

// What is one identity for enrichment must be one order for the log, or its history would be read before it
// is written.
TEST_F(CollectorTest, TheOrderKeyIsWhatEnrichmentKnowsTheSenderBy) {
  for (const char* from : {"a@gmail.com", "a@freebox.example", "b@sub.freebox.example", "c@acme.example",
                           "d@deep.mail.acme.example", "undisclosed, e@freebox.example", "f@acme.co.uk",
                           "\"g@freebox.example\" <g@acme.example>"}) {
    const auto event = take(from);
    const auto enrichment = trust::enrich(event, *reference_.get());
    ASSERT_FALSE(enrichment.from_organisation.empty()) << from;
    EXPECT_EQ(event.order_key, "default" + separator + enrichment.from_organisation) << from;
    EXPECT_EQ(enrichment.free_mail, event.order_key.find('@') != std::string::npos) << from;
  }
}

}  // namespace
}  // namespace bonafide::steps
