#include "steps/collect/raw.hpp"

#include <filesystem>

#include <gtest/gtest.h>

namespace bonafide::steps {
namespace {

namespace fs = std::filesystem;

mail::Received event(const std::string& tail = "0123456789") {
  mail::Received event;
  event.accepted_at = Time::from_seconds(1'750'000'000);
  event.id = EventId::make(event.accepted_at, tail);
  event.tenant = "acme";
  event.envelope.mail_from = "ann@acme.example";
  return event;
}

std::string bytes_of(size_t size) {
  std::string raw;
  for (size_t i = 0; i < size; ++i) raw += static_cast<char>(i * i % 251);
  return raw;
}

class RawTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "bonafide-raw-XXXXXX";
    root_ = mkdtemp(pattern.data());
    stores::RowStoreSettings settings;
    settings.path = root_ + "/raw.db";
    settings.columns = RawSink::columns();
    store_ = std::move(*stores::RowStore::open(settings));
    sink_.emplace(*store_);
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(root_);
  }
  Result<flow::Applied> apply(const std::vector<flow::Entry>& entries, size_t from, size_t upto) {
    std::vector<flow::Delivery> deliveries;
    for (size_t i = from; i < upto; ++i)
      deliveries.push_back({shard_, flow::Position::of(i + 1), entries[i].record});
    return sink_->apply(deliveries, {shard_, flow::Position::of(from), flow::Position::of(upto)}, &poison_);
  }
  Result<std::string> read(const EventId& id) {
    std::string raw;
    BONAFIDE_TRY(read_raw(store_->rows(), id, [&](const std::string& piece) {
      raw += piece;
      return true;
    }));
    return raw;
  }

  std::string root_;
  flow::ShardId shard_{"mail.raw", flow::Lane::live, 0};
  std::unique_ptr<stores::RowStore> store_;
  std::optional<RawSink> sink_;
  size_t poison_ = SIZE_MAX;
};

TEST_F(RawTest, BytesComeBackAsTheyWereWhateverTheirSize) {
  std::vector<flow::Entry> entries;
  std::vector<std::pair<EventId, std::string>> messages;
  for (const size_t size : {size_t{0}, size_t{1}, RawPiece::most_bytes - 1, RawPiece::most_bytes,
                            RawPiece::most_bytes + 1, 3 * RawPiece::most_bytes + 7}) {
    const auto one = event(std::string(9, 'x') + static_cast<char>('a' + messages.size()));
    messages.emplace_back(one.id, bytes_of(size));
    append_raw(one, messages.back().second, flow::Lane::live, entries);
  }
  ASSERT_EQ(entries.size(), 1U + 1 + 1 + 1 + 2 + 4);
  for (const auto& entry : entries) {
    EXPECT_EQ(entry.topic, RawPiece::topic);
    EXPECT_LE(entry.record.value.size(), RawPiece::most_bytes + 1000);
  }
  ASSERT_TRUE(apply(entries, 0, 7).ok());  // ends in the middle of a message
  EXPECT_EQ(read(messages.back().first).error().cause, Cause::damaged);
  ASSERT_TRUE(apply(entries, 7, entries.size()).ok());
  EXPECT_EQ(*apply(entries, 0, 7), flow::Applied::already);
  for (const auto& [id, raw] : messages) EXPECT_EQ(*read(id), raw);
  const auto missing = read(event("9876543210").id);
  EXPECT_EQ(missing.error().cause, Cause::not_found);
  EXPECT_NE(missing.error().message.find("door.keep_raw"), std::string::npos);
}

TEST_F(RawTest, APieceThatCannotBeReadIsPoisonAndNothingOfTheStretchLands) {
  std::vector<flow::Entry> entries;
  append_raw(event(), bytes_of(10), flow::Lane::live, entries);
  entries.push_back(entries.front());
  const std::string whole(entries[0].record.value.view());
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    entries[1].record.value = SharedBytes(whole.substr(0, cut));
    poison_ = SIZE_MAX;
    ASSERT_FALSE(apply(entries, 0, 2).ok()) << cut;
    EXPECT_EQ(poison_, 1U);
  }
  entries[1].record.value = SharedBytes(whole);
  entries[1].record.key = SharedBytes(std::string("no id"));
  EXPECT_FALSE(apply(entries, 0, 2).ok());
  EXPECT_EQ(read(event().id).error().cause, Cause::not_found);
}

TEST(RawPiece, KeepsWhatTheMessageKeyWasMadeFrom) {
  std::vector<flow::Entry> entries;
  const std::string raw = bytes_of(RawPiece::most_bytes + 5);
  append_raw(event(), raw, flow::Lane::backfill, entries);
  std::string together;
  for (size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].lane, flow::Lane::backfill);
    EXPECT_EQ(entries[i].record.timestamp, event().accepted_at) << "retention of the journal goes by it";
    const auto piece = RawPiece::decode(entries[i].record);
    ASSERT_TRUE(piece.ok());
    EXPECT_EQ(piece->id, event().id);
    EXPECT_EQ(piece->tenant, "acme");
    EXPECT_EQ(piece->mail_from, "ann@acme.example");
    EXPECT_EQ(piece->number, i);
    EXPECT_EQ(piece->count, 2U);
    together += piece->bytes;
  }
  EXPECT_EQ(together, raw);
}

}  // namespace
}  // namespace bonafide::steps
