#include <filesystem>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "env/real/clock.hpp"
#include "env/real/files.hpp"
#include "env/real/loop_thread.hpp"
#include "env/real/random.hpp"
#include "streams/journal/journal.hpp"

// The journal as the application runs it: doors, flusher and workers on threads of their own, on a real disk.
namespace bonafide::streams::journal {
namespace {

using testing::IsEmpty;

class JournalThreads : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "bonafide_journal_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    settings_.folder = pattern + "/journal";
    settings_.segment_bytes = 256 << 10;
    settings_.memory_bytes = 64 << 10;
    settings_.min_free_bytes = 0;
    settings_.min_free_share = 0;
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void open() {
    auto opened = Journal::open(settings_, {files_, clock_, random_, logger_, metrics_});
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    journal_ = std::move(*opened);
    flusher_ = std::make_unique<env::LoopThread>(
        "journal", clock_, [](const std::string&, const Error& error) { ADD_FAILURE() << error.message; });
    journal_->set_flusher_wake(&flusher_->wake());
    flusher_->add({"journal",
                   [this]() -> Result<bool> {
                     BONAFIDE_ASSIGN(const auto progress, journal_->flusher().step());
                     return progress == flow::Progress::worked;
                   },
                   [this] { return journal_->flusher().due(); }});
    flusher_->start();
  }
  void close() {
    flusher_->stop();
    EXPECT_TRUE(journal_->close().ok());
    journal_.reset();
    flusher_.reset();
  }

  std::string root_;
  env::RealFiles files_;
  env::RealClock clock_;
  env::RealRandom random_;
  env::NoLogger logger_;
  env::Metrics metrics_;
  Settings settings_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<env::LoopThread> flusher_;
};

TEST_F(JournalThreads, DoorsFlusherAndWorkersAtOnce) {
  constexpr int doors = 3, per_door = 300, total = doors * per_door;
  open();
  std::atomic<int> acked{0};
  std::vector<std::thread> threads;
  threads.reserve(doors);
  for (int door = 0; door < doors; ++door) {
    threads.emplace_back([&, door] {
      for (int i = 0; i < per_door; ++i) {
        while (!journal_->inlet().admit(1000).now) std::this_thread::yield();
        flow::Entry entry{"in", flow::Lane::live, {}};
        entry.record.key = SharedBytes("door" + std::to_string(door));
        entry.record.value = SharedBytes(std::to_string(door * per_door + i) + ":" + std::string(700, 'v'));
        entry.record.timestamp = clock_.now();
        journal_->inlet().append({std::move(entry)}, [&](const Result<flow::Inlet::Landed>& landed) {
          EXPECT_TRUE(landed.ok());
          ++acked;
        });
      }
    });
  }
  threads.emplace_back([&] {  // a step: in -> out, what is written
    env::EventWake wake;
    auto session = journal_->join({"copy", {"in"}, flow::Visibility::written, &wake}).value();
    for (int copied = 0; copied < total;) {
      const auto read = session->read(flow::Lane::live, 64, 1 << 20);
      ASSERT_TRUE(read.ok()) << read.error().message;
      if (read->empty()) {
        wake.wait(Duration::seconds(1));
        continue;
      }
      auto transaction = session->begin();
      for (const auto& delivery : *read) {
        flow::Entry entry{"out", flow::Lane::live, delivery.record};
        transaction->append(std::move(entry));
        transaction->consumed(delivery.shard, delivery.position);
      }
      ASSERT_EQ(transaction->commit()->poll(), flow::Fate::done);
      copied += static_cast<int>(read->size());
    }
  });
  std::multiset<std::string> arrived;
  threads.emplace_back([&] {  // a sink: what is synced
    env::EventWake wake;
    auto session = journal_->join({"sink", {"out"}, flow::Visibility::synced, &wake}).value();
    while (arrived.size() < total) {
      const auto read = session->read(flow::Lane::live, 50, 1 << 20);
      ASSERT_TRUE(read.ok()) << read.error().message;
      if (read->empty()) wake.wait(Duration::seconds(1));
      for (const auto& delivery : *read) arrived.emplace(delivery.record.value.view());
    }
  });
  threads.emplace_back([&] {  // somebody looks on
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(journal_->backlog("copy").ok());
      const auto verified = journal_->verify();
      for (const auto& damage : verified->damages) ADD_FAILURE() << damage.text();
      std::this_thread::yield();
    }
  });
  for (auto& thread : threads) thread.join();
  while (acked < total) std::this_thread::yield();
  EXPECT_EQ(arrived.size(), static_cast<size_t>(total));
  EXPECT_EQ(std::set<std::string>(arrived.begin(), arrived.end()).size(), static_cast<size_t>(total));
  close();
  open();
  EXPECT_THAT(journal_->opened().damages, IsEmpty());
  const auto verified = journal_->verify();
  EXPECT_THAT(verified->damages, IsEmpty());
  EXPECT_EQ(verified->records, static_cast<uint64_t>(2 * total));
  EXPECT_GT(verified->segments, 3U);
  close();
}

TEST_F(JournalThreads, SessionsComeAndGo) {
  open();
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int worker = 0; worker < 3; ++worker) {
    threads.emplace_back([&] {
      while (!stop) {
        auto session = journal_->join({"g", {"in"}, flow::Visibility::written, nullptr}).value();
        for (int round = 0; round < 5; ++round) {
          const auto read = session->read(flow::Lane::live, 3, 1 << 20);
          if (!read.ok() || read->empty()) continue;
          auto transaction = session->begin();
          for (const auto& delivery : *read) {
            transaction->append({"out", flow::Lane::live, delivery.record});
            transaction->consumed(delivery.shard, delivery.position);
          }
          transaction->commit();
        }
      }
    });
  }
  std::atomic<int> acked{0};
  for (int i = 0; i < 200; ++i) {
    flow::Entry entry{"in", flow::Lane::live, {}};
    entry.record.key = SharedBytes(std::to_string(i));
    entry.record.value = SharedBytes(std::to_string(i));
    entry.record.timestamp = clock_.now();
    journal_->inlet().append({std::move(entry)}, [&](const auto&) { ++acked; });
  }
  while (acked < 200) std::this_thread::yield();
  while (journal_->backlog("g")->front().records > 0) std::this_thread::yield();
  stop = true;
  for (auto& thread : threads) thread.join();
  std::multiset<std::string> out;
  ASSERT_TRUE(journal_->backlog("g").ok());
  auto reader = journal_->written_reader({"out", flow::Lane::live, 0}, {}).value();
  for (;;) {
    const auto read = reader->read(100, 1 << 20);
    ASSERT_TRUE(read.ok());
    if (read->empty()) break;
    for (const auto& delivery : *read) out.emplace(delivery.record.value.view());
  }
  EXPECT_EQ(out.size(), 200U) << "each record was copied by exactly one holder of the shard";
  EXPECT_EQ(std::set<std::string>(out.begin(), out.end()).size(), 200U);
  close();
}

}  // namespace
}  // namespace bonafide::streams::journal
