#include <filesystem>
#include <limits>

#include <unistd.h>

#include "avro/registry.hpp"
#include "flow/contract/sink_contract.hpp"
#include "flow/parked.hpp"
#include "steps/import/import_sink.hpp"
#include "steps/import/parked_sink.hpp"

namespace bonafide::steps {
namespace {

namespace fs = std::filesystem;
using flow::Position;

std::string temporary_folder() {
  static int made = 0;
  const auto path = fs::temp_directory_path() /
                    ("bonafide-import-" + std::to_string(::getpid()) + "-" + std::to_string(++made));
  fs::remove_all(path);
  fs::create_directories(path);
  return path.string();
}

mail::Scored event_of(const std::string& name) {
  mail::Scored event;
  auto& received = event.received;
  received.accepted_at = received.received_at = Time::from_seconds(1'750'000'000);
  const Digest digest = sha256(name);
  received.id = EventId::make(received.accepted_at, view(digest).substr(0, 10));
  received.tenant = "home.example";
  received.message_key.data = view(digest);
  received.door = "http";
  received.envelope = {
      "192.0.2.1", "mail.acme.example", "ann@acme.example", {"bob@home.example", "Cid@HOME.example"}};
  received.facts.edit().message_id = name;
  received.facts.edit().from.push_back({"Ann", "ann", "acme.example"});
  received.facts.edit().subject = "Hello";
  event.score.trust = 87.5;
  event.score.verdict = mail::Verdict::trusted;
  event.score.reasons = {{"acme.example signs as always", 2}, {"second", 1}};
  return event;
}

/// A primary store with its sink, and what they need.
class Import {
 public:
  Import() : folder_(temporary_folder()), codec_(*mail::EventCodec::open(registry_)) { open(); }
  ~Import() {
    sink_.reset();
    rows_.reset();
    fs::remove_all(folder_);
  }
  void open() {
    sink_.reset();
    rows_.reset();
    auto opened = stores::RowStore::open({.path = folder_ + "/rows.sqlite", .columns = event_columns()});
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    rows_ = std::move(opened).value();
    sink_ = std::make_unique<ImportSink>(*codec_, *rows_, log_, metrics_);
  }
  flow::Record record(const mail::Scored& event) {
    flow::Record record;
    std::string framed;
    codec_->encode(event, framed);
    record.value = SharedBytes(std::move(framed));
    record.timestamp = event.received.accepted_at;
    return record;
  }
  Result<flow::Applied> apply(const std::vector<mail::Scored>& events) {
    std::vector<flow::Delivery> deliveries;
    const Position after = Position::of(at_);
    for (const auto& event : events) deliveries.push_back({shard_, Position::of(++at_), record(event)});
    size_t poison = 0;
    return sink_->apply(deliveries, {shard_, after, Position::of(at_)}, &poison);
  }
  stores::StoredRow row(const mail::Scored& event) {
    auto found = rows_->rows().get(event.received.id);
    EXPECT_TRUE(found.ok()) << found.error().message;
    return found.value_or(stores::StoredRow{{}, 0, std::vector<stores::Value>(event_column_count), ""});
  }
  ImportSink& sink() { return *sink_; }
  stores::RowStore& rows() { return *rows_; }
  mail::EventCodec& codec() { return *codec_; }

 private:
  std::string folder_;
  avro::EmbeddedRegistry registry_;
  env::NoLogger log_;
  env::Metrics metrics_;
  std::unique_ptr<mail::EventCodec> codec_;
  std::unique_ptr<stores::RowStore> rows_;
  std::unique_ptr<ImportSink> sink_;
  flow::ShardId shard_{"mail.scored", flow::Lane::live, 0};
  uint64_t at_ = 0;
};

TEST(ImportTest, AnEventBecomesARow) {
  Import import;
  const auto event = event_of("m1@acme.example");
  ASSERT_TRUE(import.apply({event}).ok());
  const auto row = import.row(event);
  EXPECT_EQ(column(row, EventColumn::tenant), "home.example");
  EXPECT_EQ(column(row, EventColumn::message_id), "m1@acme.example");
  EXPECT_EQ(column(row, EventColumn::message_key), to_hex(event.received.message_key.data));
  EXPECT_EQ(column(row, EventColumn::direction), "inbound");
  EXPECT_EQ(column(row, EventColumn::from_address), "ann@acme.example");
  EXPECT_EQ(column(row, EventColumn::from_name), "Ann");
  EXPECT_EQ(column(row, EventColumn::from_domain), "acme.example");
  EXPECT_EQ(column(row, EventColumn::mail_from), "ann@acme.example");
  EXPECT_EQ(column(row, EventColumn::client_ip), "192.0.2.1");
  EXPECT_EQ(column(row, EventColumn::recipients), R"(["bob@home.example","Cid@home.example"])");
  EXPECT_EQ(column(row, EventColumn::verdict), "trusted");
  EXPECT_EQ(column(row, EventColumn::attack), "none");
  EXPECT_EQ(column(row, EventColumn::reason), "acme.example signs as always");
  EXPECT_EQ(column(row, EventColumn::door), "http");
  EXPECT_EQ(column(row, EventColumn::flags), "");
  EXPECT_EQ(std::get<double>(row.values[static_cast<size_t>(EventColumn::trust)]), 87.5);
  EXPECT_EQ(std::get<int64_t>(row.values[static_cast<size_t>(EventColumn::received_at)]),
            event.received.received_at.us);
  std::string framed;
  import.codec().encode(event, framed);
  EXPECT_EQ(row.event, framed) << "the event is kept as it came";
}

TEST(ImportTest, RowsAreCleanWhateverComes) {
  Import import;
  auto event = event_of("dirty");
  event.received.facts.edit().subject =
      std::string("a\0b\x1B[31m \xC3\x28 \xC2\x85 tab\tend", 22) + std::string(5000, 'x');
  event.received.facts.edit().from = {{"A\r\nBcc: x", "an\nn",
                                       "B\xC3\xBC"
                                       "cher.EXAMPLE"}};
  event.received.envelope.mail_from =
      "Ann@B\xC3\xBC"
      "cher.EXAMPLE";
  event.received.envelope.rcpt_to = {"\xFF@home.example", "no at sign", "a@b@HOME.example"};
  event.received.received_at = Time::from_seconds(9'000'000'000);
  event.score.trust = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(import.apply({event}).ok());
  const auto row = import.row(event);
  for (size_t i = 0; i < event_column_count; ++i) {
    const auto text = row.text(i);
    EXPECT_TRUE(is_utf8(text)) << i;
    EXPECT_EQ(clean_text(text, SIZE_MAX), text) << i;
    EXPECT_LE(text.size(), 1000U) << i;
  }
  EXPECT_EQ(column(row, EventColumn::from_domain), "xn--bcher-kva.example");
  EXPECT_EQ(column(row, EventColumn::mail_from), "Ann@xn--bcher-kva.example");
  EXPECT_EQ(column(row, EventColumn::recipients),
            "[\"\xEF\xBF\xBD@home.example\",\"no at sign\",\"a@b@home.example\"]");
  EXPECT_EQ(std::get<int64_t>(row.values[static_cast<size_t>(EventColumn::received_at)]),
            event.received.accepted_at.us);
  EXPECT_EQ(std::get<double>(row.values[static_cast<size_t>(EventColumn::trust)]), 0.0);
  for (const char* flag : {"subject_cleaned", "from_name_cleaned", "from_domain_cleaned", "mail_from_cleaned",
                           "recipients_cleaned", "received_at_replaced", "trust_replaced"}) {
    EXPECT_NE(column(row, EventColumn::flags).find(flag), std::string::npos) << flag;
  }
}

TEST(ImportTest, AHeartbeatOverwritesItsOneRowAndNothingElse) {
  Import import;
  auto beat = event_of("beat");
  beat.received.kind = mail::Kind::heartbeat;
  beat.received.tenant = mail::heartbeat_tenant;
  auto next = beat;
  next.received.id = event_of("beat 2").received.id;
  next.received.accepted_at = beat.received.accepted_at + Duration::seconds(5);
  ASSERT_TRUE(import.apply({beat, event_of("m"), next}).ok());
  const auto beats = import.rows().rows().heartbeats();
  ASSERT_TRUE(beats.ok());
  ASSERT_EQ(beats->size(), 1U);
  EXPECT_EQ((*beats)[0].id, next.received.id);
  EXPECT_EQ((*beats)[0].at, next.received.accepted_at);
  EXPECT_EQ(*import.rows().rows().count({}), 1U);
}

TEST(ImportTest, ARetryIsANewRevisionOfTheSameRow) {
  Import import;
  auto event = event_of("m");
  event.failure = "could not be scored";
  ASSERT_TRUE(import.apply({event}).ok());
  event.revision = 1;
  event.failure = "";
  ASSERT_TRUE(import.apply({event, event}).ok());
  EXPECT_EQ(import.row(event).revision, 1);
  EXPECT_EQ(*import.rows().rows().count({}), 1U);
}

TEST(ParkedSinkTest, ParkedRecordsBecomeItems) {
  const std::string folder = temporary_folder();
  avro::EmbeddedRegistry registry;
  const auto codec = *mail::EventCodec::open(registry);
  const auto store = *stores::ParkedStore::open({.path = folder + "/parked.sqlite"});
  ParkedSink sink(*codec, *store);
  const flow::ShardId shard{"mail.parked", flow::Lane::live, 0};

  flow::ParkedRecord readable;
  readable.step = "score";
  readable.shard = {"mail.received", flow::Lane::live, 0};
  readable.position = Position::of(7);
  std::string framed;
  codec->encode(event_of("m").received, framed);
  readable.value = SharedBytes(framed);
  readable.cause = "invalid: no";
  auto unreadable = readable;
  unreadable.position = Position::of(8);
  unreadable.value = SharedBytes(std::string("garbage"));

  std::vector<flow::Delivery> deliveries(3);
  const std::string values[] = {readable.encode(), unreadable.encode(), "not a parked record"};
  for (size_t i = 0; i < 3; ++i) {
    deliveries[i].shard = shard;
    deliveries[i].position = Position::of(i + 1);
    deliveries[i].record.value = SharedBytes(values[i]);
  }
  size_t poison = 0;
  const auto applied = sink.apply(deliveries, {shard, {}, Position::of(3)}, &poison);
  ASSERT_TRUE(applied.ok()) << applied.error().message;
  const auto page = store->list(stores::ParkedState::parked, 0, 10);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->items.size(), 3U);
  EXPECT_EQ(page->items[0].subject, event_of("m").received.id.hex());
  EXPECT_EQ(page->items[0].record.value, readable.value);
  EXPECT_EQ(page->items[1].subject, "");
  EXPECT_EQ(page->items[2].record.value.view(), "not a parked record");
  EXPECT_EQ(*sink.apply(deliveries, {shard, {}, Position::of(3)}, &poison), flow::Applied::already);
  EXPECT_TRUE(sink.settle({}, true).ok());
  EXPECT_EQ(*sink.applied(shard), Position::of(3));
  fs::remove_all(folder);
}

}  // namespace

class ImportHarness final : public flow::contract::SinkHarness {
 public:
  flow::Sink& sink() override { return import_.sink(); }
  /// Closing writes nothing more: what is left is what a kill would leave.
  void crash() override { import_.open(); }
  flow::Record record(const std::string& id) override { return import_.record(event_of(id)); }
  std::multiset<std::string> effects() override {
    std::multiset<std::string> out;
    const auto each = [&](const stores::StoredRow& row) {
      out.insert(std::string(column(row, EventColumn::message_id)));
      return true;
    };
    stores::Rows::Query all;
    all.newest_revision = false;
    EXPECT_TRUE(
        import_.rows().rows().scan(all, each, [](const stores::Damage& d) { FAIL() << d.what; }).ok());
    return out;
  }
  std::optional<flow::Record> poison() override {
    flow::Record record;
    record.value = SharedBytes(std::string("garbage"));
    return record;
  }

 private:
  Import import_;
};

}  // namespace bonafide::steps

namespace bonafide::flow::contract {
INSTANTIATE_TEST_SUITE_P(Import, SinkContract,
                         testing::Values(SinkCase{"import",
                                                  [] { return std::make_unique<steps::ImportHarness>(); }}),
                         sink_case_name);
}  // namespace bonafide::flow::contract
