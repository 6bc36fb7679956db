#include "stores/sqlite/search_store.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "env/random.hpp"

namespace bonafide::stores {
namespace {

namespace fs = std::filesystem;
using flow::Position;

const flow::ShardId shard_a{"mail.changes", flow::Lane::live, 0};
constexpr Time start = Time::from_seconds(1'767'225'600);  // 2026-01-01, a Thursday

EventId id_of(uint64_t n, Time at) {
  std::string tail(10, '\0');
  store_be64(tail.data(), hash64(std::to_string(n)));
  tail[9] = static_cast<char>(n);
  return EventId::make(at, tail);
}

/// What the index should hold, kept the simple way.
struct Message {
  EventId id;
  int32_t revision = 0;
  Time at;
  std::string tenant = "default", domain = "acme.example";
  search::Labels labels;
  std::string subject = "invoice", sender = "Billing billing@acme.example", recipients = "bob@corp.example",
              text = "please pay", files, links;

  [[nodiscard]] SearchDoc doc() const {
    return {id, revision, at, tenant, domain, labels, {subject, sender, recipients, text, files, links}};
  }
};

class SearchStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("search_" + std::to_string(::getpid()) + "_" +
                                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    settings_.path = (folder_ / "search.db").string();
    open();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }
  void open() {
    store_.reset();
    auto opened = SearchStore::open(settings_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
  }
  Result<SearchStore::Applied> apply(const std::vector<Message>& messages, bool again = true) {
    std::vector<SearchDoc> docs;
    for (const auto& message : messages) docs.push_back(message.doc());
    const flow::Stretch stretch{shard_a, Position::of(at_), Position::of(at_ + messages.size())};
    auto applied = store_->apply(docs, &stretch, again);
    if (applied.ok()) at_ += messages.size();
    return applied;
  }
  Message message(uint64_t n) {
    Message made;
    made.at = start + Duration::minutes(static_cast<int64_t>(n));
    made.id = id_of(n, made.at);
    return made;
  }
  std::vector<EventId> found(const SearchFilter& filter, size_t limit = 1000) {
    std::vector<EventId> ids;
    std::string cursor;
    do {
      const auto page = store_->search(filter, cursor, limit);
      EXPECT_TRUE(page.ok()) << page.error().message;
      if (!page.ok()) break;
      for (const auto& hit : page->hits) ids.push_back(hit.id);
      cursor = page->cursor;
    } while (!cursor.empty());
    return ids;
  }
  std::vector<EventId> found(const std::string& match) {
    SearchFilter filter;
    filter.match = match;
    return found(filter);
  }

  fs::path folder_;
  SearchStoreSettings settings_;
  std::unique_ptr<SearchStore> store_;
  uint64_t at_ = 0;
};

TEST_F(SearchStoreTest, WordsAreFoundNewestFirst) {
  auto a = message(1), b = message(2), c = message(3);
  a.subject = "Quarterly Überweisung";
  b.subject = "lunch";
  b.text = "no überweisung today";
  c.files = "plan.pdf";
  ASSERT_TRUE(apply({c, a, b}).ok());
  EXPECT_EQ(found("\"uberweisung\""), (std::vector{b.id, a.id}));
  EXPECT_EQ(found("{subject} : \"ÜBERWEISUNG\""), std::vector{a.id});
  EXPECT_EQ(found("{files} : \"plan\" *"), std::vector{c.id});
  EXPECT_EQ(found("\"quarterly überweisung\""), std::vector{a.id});
  EXPECT_TRUE(found("\"überweisung quarterly\"").empty()) << "a phrase keeps its order";
  EXPECT_EQ(found(SearchFilter{}), (std::vector{c.id, b.id, a.id}));
  SearchFilter wrong;
  wrong.match = "\"not closed";
  EXPECT_EQ(store_->search(wrong, "", 10).error().cause, Cause::invalid);
  EXPECT_EQ(store_->search({}, "x", 10).error().cause, Cause::invalid);
}

TEST_F(SearchStoreTest, ANewRevisionReplacesAndAnOldOneDoesNothing) {
  auto one = message(1);
  ASSERT_TRUE(apply({one}).ok());
  auto newer = one;
  newer.revision = 2;
  newer.labels.verdict = 2;
  newer.subject = "another subject";
  EXPECT_EQ(apply({newer})->replaced, 1U);
  auto old = one;
  old.revision = 1;
  EXPECT_EQ(apply({old})->old, 1U);
  EXPECT_EQ(apply({newer}, false)->old, 1U);
  EXPECT_TRUE(found("\"invoice\"").empty()) << "the old text leads nowhere";
  EXPECT_EQ(found("\"another\""), std::vector{one.id});
  EXPECT_EQ(found(SearchFilter{}).size(), 1U);
  EXPECT_EQ(store_->entry(one.id)->revision, 2);
  const auto verdicts = *store_->count({}, SearchGroupBy::verdict);
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(verdicts[0].number, 2);
  auto gone = newer;
  gone.revision = 3;
  gone.labels.removed = true;
  ASSERT_TRUE(apply({gone}).ok());
  EXPECT_TRUE(found("\"another\"").empty());
  EXPECT_EQ(store_->entry(one.id).error().cause, Cause::not_found);
}

TEST_F(SearchStoreTest, IdsOfOneMillisecondThatWantOnePlaceAllFindOne) {
  std::vector<Message> all;
  for (int i = 0; i < 20; ++i) {
    auto one = message(0);
    one.id.bytes[15] = static_cast<char>(i);  // the first bits of the tail are the same
    one.subject = "number" + std::to_string(i);
    all.push_back(one);
  }
  ASSERT_TRUE(apply(all).ok());
  ASSERT_TRUE(apply(all).ok());
  EXPECT_EQ(found(SearchFilter{}).size(), 20U);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(found("\"number" + std::to_string(i) + "\""), std::vector{all[static_cast<size_t>(i)].id});
}

// Against the simplest index there can be: random messages, revisions, filters.
TEST_F(SearchStoreTest, FiltersAndCountsAreThoseOfAListThatIsLookedThrough) {
  env::SeededRandom random(7);
  std::map<EventId, Message> model;
  const std::vector<std::string> words = {"invoice", "lunch", "meeting", "report"};
  for (int batch = 0; batch < 40; ++batch) {
    std::vector<Message> messages;
    for (int i = 0; i < 100; ++i) {
      auto one = message(random.below(2500));
      one.revision = static_cast<int32_t>(random.below(3));
      one.at = one.at - Duration::hours(static_cast<int64_t>(random.below(4)) * 20);  // late mail
      one.tenant = random.below(3) == 0 ? "other" : "default";
      one.domain = "d" + std::to_string(random.below(5)) + ".example";
      one.labels.verdict = static_cast<uint8_t>(random.below(3));
      one.labels.attack = static_cast<uint8_t>(random.below(8));
      one.labels.direction = static_cast<uint8_t>(random.below(5) == 0 ? random.below(3) : 0);
      one.labels.attachment = random.below(4) == 0;
      one.subject = words[random.below(words.size())];
      messages.push_back(one);
    }
    ASSERT_TRUE(apply(messages).ok());
    std::ranges::stable_sort(messages, {}, &Message::revision);
    for (const auto& one : messages) {
      const auto there = model.find(one.id);
      if (there == model.end() || there->second.revision <= one.revision) model[one.id] = one;
    }
    if (batch % 10 == 9) open();
  }
  const auto expect_same = [&](const SearchFilter& filter, const std::string& word) {
    std::vector<EventId> expected;
    std::map<int64_t, uint64_t> quarters;
    std::map<std::string, uint64_t> domains;
    for (auto at = model.rbegin(); at != model.rend(); ++at) {
      const auto& one = at->second;
      if (filter.tenant && one.tenant != *filter.tenant) continue;
      if ((filter.verdicts >> one.labels.told_verdict() & 1) == 0 ||
          (filter.attacks >> one.labels.attack & 1) == 0)
        continue;
      if (filter.attachment && !one.labels.attachment) continue;
      if ((filter.from && one.at < *filter.from) || (filter.to && one.at >= *filter.to)) continue;
      if (!filter.domains.empty() && one.domain != filter.domains[0]) continue;
      if (!word.empty() && one.subject != word) continue;
      expected.push_back(one.id);
      ++quarters[one.at.us / 900'000'000];
      ++domains[one.domain];
    }
    EXPECT_EQ(found(filter, 37), expected);
    std::map<int64_t, uint64_t> counted;
    const auto by_quarter = *store_->count(filter, SearchGroupBy::quarter_hour);
    for (const auto& group : by_quarter)
      counted[group.number] = std::accumulate(group.by_verdict.begin(), group.by_verdict.end(), uint64_t{0});
    EXPECT_EQ(counted, quarters);
    std::map<std::string, uint64_t> by_domain;
    const auto domain_groups = *store_->count(filter, SearchGroupBy::domain);
    for (const auto& group : domain_groups)
      by_domain[group.text] = std::accumulate(group.by_verdict.begin(), group.by_verdict.end(), uint64_t{0});
    EXPECT_EQ(by_domain, domains);
    return expected.size();
  };
  EXPECT_EQ(expect_same({}, ""), model.size());
  SearchFilter filter;
  filter.tenant = "other";
  EXPECT_GT(expect_same(filter, ""), 0U);
  filter.verdicts = 0b110;
  filter.attacks = 0b1010101;
  EXPECT_GT(expect_same(filter, ""), 0U);
  filter.match = "{subject} : \"lunch\"";
  EXPECT_GT(expect_same(filter, "lunch"), 0U);
  filter = {};
  filter.verdicts = 0b1000;  // what was not judged
  EXPECT_GT(expect_same(filter, ""), 0U);
  filter = {};
  filter.from = start + Duration::hours(5);
  filter.to = start + Duration::hours(30);
  EXPECT_GT(expect_same(filter, ""), 0U);
  filter.domains = {"d3.example"};
  filter.attachment = true;
  EXPECT_GT(expect_same(filter, ""), 0U);
  filter.tenant = "nobody";
  EXPECT_EQ(expect_same(filter, ""), 0U);
  size_t entries = 0;
  ASSERT_TRUE(store_
                  ->entries(
                      [&](const SearchEntry& entry) {
                        ++entries;
                        const auto& one = model.at(entry.id);
                        EXPECT_EQ(entry.revision, one.revision);
                        EXPECT_EQ(entry.tenant, one.tenant);
                        EXPECT_EQ(entry.text_hash, one.doc().text_hash());
                      },
                      [](const Damage& damage) { ADD_FAILURE() << damage.what; })
                  .ok());
  EXPECT_EQ(entries, model.size());
}

TEST_F(SearchStoreTest, ADomainIsItselfAndWhatIsBelowIt) {
  auto a = message(1), b = message(2), c = message(3);
  a.domain = "acme.example";
  b.domain = "mail.acme.example";
  c.domain = "notacme.example";
  ASSERT_TRUE(apply({a, b, c}).ok());
  SearchFilter filter;
  filter.domains = {"acme.example"};
  EXPECT_EQ(found(filter), (std::vector{b.id, a.id}));
}

TEST_F(SearchStoreTest, DocsAndProgressAreThereTogetherOrNotAtAll) {
  ASSERT_TRUE(apply({message(1)}).ok());
  ASSERT_TRUE(store_->settle(Time{}, true).ok());
  EXPECT_EQ(store_->durable(shard_a), Position::of(1));
  ASSERT_TRUE(apply({message(2)}).ok());
  store_.reset();
  fs::remove(settings_.path + "-wal");  // the power went before it was synced
  fs::remove(settings_.path + "-shm");
  open();
  EXPECT_EQ(store_->written(shard_a), Position::of(1));
  EXPECT_EQ(found(SearchFilter{}).size(), 1U);
  EXPECT_EQ(found("\"invoice\"").size(), 1U);
}

TEST_F(SearchStoreTest, WhatRetentionTookIsGoneAndDoesNotComeBack) {
  std::vector<Message> all;
  for (uint64_t day = 0; day < 30; ++day) {
    for (uint64_t i = 0; i < 40; ++i) {
      auto one = message(day * 1440 + i);
      one.subject = "day" + std::to_string(day);
      all.push_back(one);
    }
  }
  ASSERT_TRUE(apply(all).ok());
  const Time cut = start + Duration::days(17);
  uint64_t removed = 0;
  for (;;) {
    const auto some = store_->remove_before(EventId::lowest(cut), 100);
    ASSERT_TRUE(some.ok()) << some.error().message;
    removed += *some;
    if (*some < 100) break;
  }
  EXPECT_EQ(removed, 17U * 40);
  EXPECT_EQ(found(SearchFilter{}).size(), 13U * 40);
  EXPECT_TRUE(found("\"day16\"").empty());
  EXPECT_EQ(found("\"day17\"").size(), 40U);
  EXPECT_EQ(apply({all[3]})->old, 1U) << "an old change that comes again";
  EXPECT_TRUE(found("\"day0\"").empty());
  open();
  EXPECT_EQ(apply({all[3], message(60'000)})->added, 1U);
  std::vector<std::string> damages;
  ASSERT_TRUE(store_->verify([&](const Damage& damage) { damages.push_back(damage.what); }).ok());
  EXPECT_TRUE(damages.empty());
}

TEST_F(SearchStoreTest, DamagedFactsAreNamedAndNotServed) {
  ASSERT_TRUE(apply({message(1), message(2)}).ok());
  ASSERT_TRUE(store_->settle(Time{}, true).ok());
  store_.reset();
  fs::remove(settings_.path + "-wal");
  fs::remove(settings_.path + "-shm");
  std::ifstream in(settings_.path, std::ios::binary);
  std::string whole((std::istreambuf_iterator<char>(in)), {});
  in.close();
  const std::string needle(message(2).id.view().substr(6));
  const size_t at = whole.find(needle);
  ASSERT_NE(at, std::string::npos);
  whole[at + 4] = static_cast<char>(whole[at + 4] ^ 8);
  std::ofstream(settings_.path, std::ios::binary) << whole;
  open();
  EXPECT_EQ(store_->search({}, "", 10).error().cause, Cause::damaged);
  size_t damages = 0;
  ASSERT_TRUE(store_->entries([](const SearchEntry&) {}, [&](const Damage&) { ++damages; }).ok());
  EXPECT_EQ(damages, 1U);
}

}  // namespace
}  // namespace bonafide::stores
