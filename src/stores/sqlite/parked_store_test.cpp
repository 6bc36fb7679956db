#include "stores/sqlite/parked_store.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace bonafide::stores {
namespace {

namespace fs = std::filesystem;
using flow::Position;

const flow::ShardId parked_shard{"mail.parked", flow::Lane::live, 0};

class ParkedStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("bonafide-parked-" + std::to_string(::getpid()) + "-" +
                                         testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
    open();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(root_);
  }
  void open() {
    store_.reset();
    auto opened = ParkedStore::open({.path = path()});
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
  }
  [[nodiscard]] std::string path() const { return (root_ / "parked.sqlite").string(); }
  static ParkedStore::NewItem item(uint64_t n) {
    flow::ParkedRecord record;
    record.step = "score";
    record.shard = {"mail.received", flow::Lane::live, 0};
    record.position = Position::of(n);
    record.key = SharedBytes("key" + std::to_string(n));
    record.value = SharedBytes(std::string("\0payload", 8) + std::to_string(n));
    record.timestamp = Time::from_seconds(1000);
    record.attempt = 2;
    record.cause = "invalid: cannot be scored " + std::to_string(n);
    record.parked_at = Time::from_seconds(1001);
    return {"subject" + std::to_string(n), record};
  }
  void put(uint64_t from, uint64_t upto) {
    std::vector<ParkedStore::NewItem> items;
    for (uint64_t n = from; n < upto; ++n) items.push_back(item(n));
    const auto done = store_->put(items, {parked_shard, Position::of(from), Position::of(upto)});
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  size_t damages() {
    size_t n = 0;
    EXPECT_TRUE(store_->verify([&](const Damage&) { ++n; }).ok());
    return n;
  }

  fs::path root_;
  std::unique_ptr<ParkedStore> store_;
};

TEST_F(ParkedStoreTest, ItemsComeBackAsTheyWereParked) {
  put(0, 3);
  const std::string name = ParkedStore::name_of(item(1).record);
  const auto by_name = store_->get(name), by_subject = store_->get("subject1");
  ASSERT_TRUE(by_name.ok()) << by_name.error().message;
  ASSERT_TRUE(by_subject.ok());
  EXPECT_EQ(by_subject->name, name);
  EXPECT_EQ(by_name->record.value, item(1).record.value);
  EXPECT_EQ(by_name->record.cause, item(1).record.cause);
  EXPECT_EQ(by_name->record.attempt, 2);
  EXPECT_EQ(by_name->record.shard, item(1).record.shard);
  EXPECT_EQ(by_name->record.position, Position::of(1));
  EXPECT_EQ(by_name->state, ParkedState::parked);
  EXPECT_EQ(store_->get("nothing").error().cause, Cause::not_found);
  EXPECT_EQ(store_->get("").error().cause, Cause::not_found);
}

TEST_F(ParkedStoreTest, ARepeatStaysOneItemAndProgressLandsWithIt) {
  put(0, 3);
  ASSERT_TRUE(store_
                  ->set_state(ParkedStore::name_of(item(0).record), ParkedState::parked, ParkedState::dropped,
                              Time{9})
                  .ok());
  put(0, 4);
  EXPECT_EQ(store_->list(std::nullopt, 0, 100)->items.size(), 4U);
  EXPECT_EQ(store_->get("subject0")->state, ParkedState::dropped);
  EXPECT_EQ(store_->written(parked_shard), Position::of(4));
  open();
  EXPECT_EQ(store_->written(parked_shard), Position::of(4));
  EXPECT_EQ(store_->durable(parked_shard), Position::of(4));
}

TEST_F(ParkedStoreTest, AnItemIsTakenOnce) {
  put(0, 2);
  const std::string name = ParkedStore::name_of(item(1).record);
  ASSERT_TRUE(store_->set_state(name, ParkedState::parked, ParkedState::retried, Time{5}).ok());
  EXPECT_EQ(store_->set_state(name, ParkedState::parked, ParkedState::dropped, Time{6}).error().cause,
            Cause::conflict);
  EXPECT_EQ(store_->set_state("0000", ParkedState::parked, ParkedState::dropped, Time{6}).error().cause,
            Cause::not_found);
  EXPECT_EQ(store_->get(name)->state, ParkedState::retried);
  EXPECT_EQ(store_->get(name)->changed_at, Time{5});
  EXPECT_EQ(*store_->count(ParkedState::parked), 1U);
  EXPECT_EQ(damages(), 0U);
}

TEST_F(ParkedStoreTest, ListsByStateAndPage) {
  put(0, 7);
  ASSERT_TRUE(store_
                  ->set_state(ParkedStore::name_of(item(3).record), ParkedState::parked, ParkedState::dropped,
                              Time{5})
                  .ok());
  std::vector<std::string> seen;
  int64_t cursor = 0;
  do {
    const auto page = store_->list(ParkedState::parked, cursor, 2);
    ASSERT_TRUE(page.ok());
    for (const auto& found : page->items) seen.push_back(found.subject);
    cursor = page->cursor;
  } while (cursor != 0);
  EXPECT_EQ(seen, (std::vector<std::string>{"subject0", "subject1", "subject2", "subject4", "subject5",
                                            "subject6"}));
  EXPECT_EQ(store_->list(ParkedState::dropped, 0, 10)->items.size(), 1U);
}

TEST_F(ParkedStoreTest, SettledItemsAreForgottenParkedOnesNever) {
  put(0, 3);
  ASSERT_TRUE(store_
                  ->set_state(ParkedStore::name_of(item(0).record), ParkedState::parked, ParkedState::dropped,
                              Time{5})
                  .ok());
  EXPECT_EQ(*store_->remove_settled(Time{5}), 0U);
  EXPECT_EQ(*store_->remove_settled(Time{6}), 1U);
  EXPECT_EQ(store_->list(std::nullopt, 0, 10)->items.size(), 2U);
}

TEST_F(ParkedStoreTest, AFlippedByteIsFound) {
  put(0, 3);
  ASSERT_TRUE(store_->settle(Time{}, true).ok());
  store_.reset();
  fs::remove(path() + "-wal");
  fs::remove(path() + "-shm");
  std::ifstream in(path(), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  const size_t first = whole.find(ParkedStore::name_of(item(2).record)), last = whole.find("payload0");
  ASSERT_LT(first, last);
  for (size_t at = first; at < last; at += 5) {
    std::string broken = whole;
    broken[at] = static_cast<char>(broken[at] ^ 0x20);
    std::ofstream(path(), std::ios::binary) << broken;
    open();
    EXPECT_GT(damages(), 0U) << "byte " << at;
    store_.reset();
    fs::remove(path() + "-wal");
    fs::remove(path() + "-shm");
  }
}

}  // namespace
}  // namespace bonafide::stores
