#include <filesystem>
#include <map>

#include <unistd.h>

#include "avro/registry.hpp"
#include "base/hash.hpp"
#include "env/real/files.hpp"
#include "env/sim/clock.hpp"
#include "flow/contract/sink_contract.hpp"
#include "steps/index/index_sink.hpp"
#include "steps/index/rebuild.hpp"

namespace bonafide::steps {
namespace {

namespace fs = std::filesystem;
using flow::Position;

std::string temporary_folder() {
  static int made = 0;
  const auto path = fs::temp_directory_path() /
                    ("bonafide-index-" + std::to_string(::getpid()) + "-" + std::to_string(++made));
  fs::remove_all(path);
  fs::create_directories(path);
  return path.string();
}

mail::Change change_of(const std::string& name, int32_t revision = 0) {
  mail::Change change;
  change.received_at = change.accepted_at = Time::from_seconds(1'767'225'600);
  const Digest digest = sha256(name);
  change.id = EventId::make(change.accepted_at, view(digest).substr(0, 10));
  change.revision = revision;
  change.tenant = "default";
  change.from_address = "ann@acme.example";
  change.from_domain = "acme.example";
  change.subject = name;
  change.verdict = revision == 0 ? mail::Verdict::suspicious : mail::Verdict::trusted;
  return change;
}

/// A search index with its sink, and what they need.
class Index {
 public:
  Index() : folder_(temporary_folder()), codec_(*mail::EventCodec::open(registry_)) { open(); }
  ~Index() {
    sink_.reset();
    index_.reset();
    fs::remove_all(folder_);
  }
  void open() {
    sink_.reset();
    index_.reset();
    auto opened = SearchIndex::open({.folder = folder_ + "/search"}, files_, log_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    index_ = std::move(*opened);
    sink_ = std::make_unique<IndexSink>(*codec_, *index_, metrics_);
  }
  flow::Record record(const mail::Change& change) {
    std::string framed;
    codec_->encode(change, framed);
    flow::Record record;
    record.key = SharedBytes(std::string(change.id.view()));
    record.value = SharedBytes(std::move(framed));
    record.timestamp = change.accepted_at;
    return record;
  }
  Status apply(const std::vector<mail::Change>& changes) {
    std::vector<flow::Delivery> deliveries;
    const Position after = Position::of(at_);
    for (const auto& change : changes) deliveries.push_back({shard_, Position::of(++at_), record(change)});
    size_t poison = 0;
    const auto applied = sink_->apply(deliveries, {shard_, after, Position::of(at_)}, &poison);
    if (!applied.ok()) return applied.error();
    return Ok{};
  }
  std::map<EventId, int32_t> found() {
    std::map<EventId, int32_t> all;
    const auto store = index_->current();
    EXPECT_TRUE(store
                    ->entries(
                        [&](const stores::SearchEntry& entry) {
                          EXPECT_TRUE(all.emplace(entry.id, entry.revision).second) << "found twice";
                        },
                        [](const stores::Damage& damage) { ADD_FAILURE() << damage.what; })
                    .ok());
    return all;
  }
  std::vector<std::string> files() {
    std::vector<std::string> names;
    for (const auto& name : *files_.list(folder_ + "/search")) {
      if (name.ends_with(".db")) names.push_back(name);
    }
    return names;
  }

  std::string folder_;
  env::RealFiles files_;
  avro::EmbeddedRegistry registry_;
  env::NoLogger log_;
  env::Metrics metrics_;
  std::unique_ptr<mail::EventCodec> codec_;
  std::unique_ptr<SearchIndex> index_;
  std::unique_ptr<IndexSink> sink_;
  flow::ShardId shard_{"mail.changes", flow::Lane::live, 0};
  uint64_t at_ = 0;
};

/// What a rebuild is fed with: the rows, as documents.
Status feed(Index& index, const std::vector<mail::Change>& rows) {
  std::deque<Document> documents;
  std::vector<stores::SearchDoc> docs;
  for (const auto& row : rows) docs.push_back(documents.emplace_back().of(row));
  return index.index_->feed(docs);
}

TEST(SearchIndex, ANewIndexTakesWhatChangesMeanwhileAndThePlaceOfTheOld) {
  Index index;
  ASSERT_TRUE(index.apply({change_of("a"), change_of("b"), change_of("c")}).ok());
  EXPECT_TRUE(*index.index_->incomplete());
  const auto asked_before = index.index_->current();
  ASSERT_TRUE(index.index_->begin_rebuild().ok());
  EXPECT_EQ(index.index_->begin_rebuild().error().cause, Cause::conflict);
  ASSERT_TRUE(index.apply({change_of("b", 1), change_of("d")}).ok());
  EXPECT_EQ(index.found().size(), 4U) << "the old one is asked, and kept up";
  // Rows as they were read a moment ago: older than what has come since.
  ASSERT_TRUE(feed(index, {change_of("a"), change_of("b"), change_of("c")}).ok());
  ASSERT_TRUE(index.index_->finish_rebuild().ok());
  const std::map<EventId, int32_t> expected = {
      {change_of("a").id, 0}, {change_of("b").id, 1}, {change_of("c").id, 0}, {change_of("d").id, 0}};
  EXPECT_EQ(index.found(), expected);
  EXPECT_FALSE(*index.index_->incomplete());
  EXPECT_EQ(asked_before->search({}, "", 10)->hits.size(), 4U)
      << "who asks the old one is answered to the end";
  EXPECT_EQ(index.index_->durable(index.shard_), Position::of(5)) << "nothing is read again";
  ASSERT_TRUE(index.apply({change_of("e")}).ok());
  EXPECT_EQ(index.found().size(), 5U);
  index.open();
  EXPECT_EQ(index.found().size(), 5U);
  EXPECT_EQ(index.files(), std::vector<std::string>{"index-2.db"});
}

TEST(SearchIndex, ARebuildThatBrokeOffLeavesNothing) {
  Index index;
  ASSERT_TRUE(index.apply({change_of("a")}).ok());
  ASSERT_TRUE(index.index_->begin_rebuild().ok());
  index.open();  // the process was killed
  EXPECT_EQ(index.files(), std::vector<std::string>{"index-1.db"});
  EXPECT_EQ(index.found().size(), 1U);
  EXPECT_EQ(feed(index, {change_of("a")}).error().cause, Cause::conflict);
  ASSERT_TRUE(index.index_->begin_rebuild().ok());
  index.index_->abandon_rebuild();
  EXPECT_EQ(index.index_->finish_rebuild().error().cause, Cause::conflict);
  EXPECT_EQ(index.files(), std::vector<std::string>{"index-1.db"});
}

TEST(IndexRebuild, ReadsAllRowsStepByStep) {
  Index index;
  auto rows = *stores::RowStore::open({.path = index.folder_ + "/rows.db", .columns = {}});
  std::map<EventId, mail::Change> changes;
  for (int i = 0; i < 1000; ++i) {
    const auto change = change_of("m" + std::to_string(i));
    changes[change.id] = change;
    const std::vector<stores::RowView> row = {{change.id, 0, {}, "event"}};
    ASSERT_TRUE(rows->write(row, {},
                            {index.shard_, Position::of(static_cast<uint64_t>(i)),
                             Position::of(static_cast<uint64_t>(i) + 1)})
                    .ok());
  }
  env::sim::ManualClock clock;
  env::NoWake wake;
  int unreadable = 3;
  IndexRebuild rebuild({*index.index_, rows->rows(),
                        [&](const stores::StoredRow& row) -> Result<mail::Change> {
                          if (unreadable-- > 0) return Error{Cause::damaged, "unreadable"};
                          return changes.at(row.id);
                        },
                        clock, index.log_, wake});
  EXPECT_EQ(rebuild.due(), Time{INT64_MAX});
  ASSERT_TRUE(rebuild.start().ok());
  EXPECT_EQ(rebuild.start().error().cause, Cause::conflict);
  int steps = 0;
  while (rebuild.progress().running && ++steps < 100) {
    ASSERT_TRUE(rebuild.step().ok());
    clock.advance(Duration::millis(1));
  }
  EXPECT_GT(steps, 3) << "bounded steps";
  EXPECT_EQ(rebuild.progress().failure, "");
  EXPECT_EQ(rebuild.progress().of, 1000U);
  EXPECT_EQ(rebuild.progress().done, 1000U);
  EXPECT_EQ(rebuild.progress().unreadable, 3U);
  EXPECT_EQ(index.found().size(), 997U);
  EXPECT_TRUE(rebuild.start().ok()) << "and again";
}

}  // namespace

class IndexHarness final : public flow::contract::SinkHarness {
 public:
  flow::Sink& sink() override { return *index_.sink_; }
  void crash() override { index_.open(); }
  flow::Record record(const std::string& id) override {
    names_[change_of(id).id] = id;
    return index_.record(change_of(id));
  }
  std::multiset<std::string> effects() override {
    std::multiset<std::string> out;
    for (const auto& [id, revision] : index_.found()) out.insert(names_.at(id));
    return out;
  }
  std::optional<flow::Record> poison() override {
    flow::Record record;
    record.value = SharedBytes(std::string("garbage"));
    return record;
  }

 private:
  Index index_;
  std::map<EventId, std::string> names_;
};

}  // namespace bonafide::steps

namespace bonafide::flow::contract {
INSTANTIATE_TEST_SUITE_P(Index, SinkContract,
                         testing::Values(SinkCase{"index",
                                                  [] { return std::make_unique<steps::IndexHarness>(); }}),
                         sink_case_name);
}  // namespace bonafide::flow::contract
