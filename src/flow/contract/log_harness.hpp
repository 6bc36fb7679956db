#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "flow/log.hpp"

/// What the log contract (log_contract.hpp) needs of a log under test, and what its tests share.
namespace bonafide::flow::contract {

struct LogSetup {
  uint32_t shards = 1;                          ///< of each topic and lane
  size_t max_waiting_bytes = size_t{16} << 20;  ///< about when the inlet says "later", where it can be set
};

/// A log under test and its surroundings.
class LogHarness {
 public:
  virtual ~LogHarness() = default;
  virtual Log& log() = 0;
  /// Lets the log do what it has to do by itself (flush, sync, heartbeats) until nothing is left. Afterwards
  /// everything written is synced, unless hold_syncs(true).
  virtual void settle() = 0;
  /// Power cut and restart; log() is a new object or as good as one. The test has let go of sessions and
  /// readers.
  virtual void crash() = 0;

  /// Until hold_syncs(false), settle() writes but does not sync. False: cannot be done with this log.
  virtual bool hold_syncs(bool) { return false; }
  /// Takes the shards of a topic with one shard from the group's session, as happens to a member that is
  /// taken for dead (Kafka: a silent member of a consumer group; Kinesis: a lease that is not renewed).
  virtual void expel(const Join& join) = 0;
  /// The next commit is answered with Fate::unknown, and its session is of no use any more; it has landed or
  /// not. breaking_log.hpp has a connection that does this to any log.
  virtual void lose_next_answer(bool lands) = 0;
  /// Gives a topic another number of open shards in each lane: splits or merges them all. Called only where
  /// Traits::reshards.
  virtual void reshard(const std::string& /*topic*/, uint32_t /*shards*/) {}
  /// Does a full inlet refuse (LogSetup::max_waiting_bytes)?
  [[nodiscard]] virtual bool bounded() const { return true; }
  /// How often settle() is tried before a test gives up on something that should come.
  [[nodiscard]] virtual int patience() const { return 50; }
};

struct LogCase {
  std::string name;
  std::function<std::unique_ptr<LogHarness>(const LogSetup&)> make;
};
inline std::string log_case_name(const testing::TestParamInfo<LogCase>& info) { return info.param.name; }
inline void PrintTo(const LogCase& log_case, std::ostream* out) { *out << log_case.name; }

class CountingWake final : public env::Wake {
 public:
  void wake() override { ++count; }
  std::atomic<int> count{0};
};

class LogContract : public testing::TestWithParam<LogCase> {
 protected:
  using Landed = Inlet::Landed;

  void SetUp() override { start({}); }
  void start(const LogSetup& setup) { harness_ = GetParam().make(setup); }
  LogHarness& harness() { return *harness_; }
  Log& log() { return harness_->log(); }

  static Record record(const std::string& key, const std::string& value, int64_t second = 0) {
    Record out;
    out.key = SharedBytes(key);
    out.value = SharedBytes(value);
    out.timestamp = Time::from_seconds(1'700'000'000 + second);
    return out;
  }
  static Entry entry(const std::string& topic, const std::string& key, const std::string& value,
                     Lane lane = Lane::live) {
    return {topic, lane, record(key, value)};
  }
  /// Of topic t and key a, with the values 0, 1, …
  static std::vector<Entry> numbered(size_t count) {
    std::vector<Entry> entries;
    entries.reserve(count);
    for (size_t i = 0; i < count; ++i) entries.push_back(entry("t", "a", std::to_string(i)));
    return entries;
  }

  /// Settles until `done()`; fails the test when it does not come.
  bool eventually(const std::function<bool()>& done, const char* what) {
    for (int i = 0; i < harness().patience(); ++i) {
      if (done()) return true;
      harness().settle();
    }
    ADD_FAILURE() << "did not come: " << what;
    return false;
  }
  /// Through the inlet, and waits until synced.
  Landed put(std::vector<Entry> entries) {
    auto result = std::make_shared<std::optional<Result<Landed>>>();
    log().inlet().append(std::move(entries),
                         [result](Result<Landed> landed) { *result = std::move(landed); });
    if (!eventually([&] { return result->has_value(); }, "when_synced")) return {};
    EXPECT_TRUE((*result)->ok()) << (*result)->error().message;
    return (*result)->ok() ? (*result)->value() : Landed();
  }
  std::unique_ptr<Session> join(const std::string& group, std::vector<std::string> topics,
                                Visibility visibility = Visibility::synced, env::Wake* wake = nullptr) {
    auto session = log().join({group, std::move(topics), visibility, wake});
    EXPECT_TRUE(session.ok()) << session.error().message;
    return std::move(session).value();
  }
  /// Everything there is to read; `expected`: wait for as many.
  std::vector<Delivery> drain(Session& session, size_t expected, Lane lane = Lane::live) {
    std::vector<Delivery> all;
    const auto take = [&] {
      for (;;) {
        auto some = session.read(lane, 100, size_t{1} << 30);
        EXPECT_TRUE(some.ok()) << some.error().message;
        if (!some.ok() || some->empty()) return all.size() >= expected;
        all.insert(all.end(), some->begin(), some->end());
      }
    };
    if (expected == 0) harness().settle();
    eventually(take, "records to read");
    EXPECT_EQ(all.size(), expected);
    return all;
  }
  std::vector<Delivery> drain(Reader& reader, size_t expected) {
    std::vector<Delivery> all;
    const auto take = [&] {
      for (;;) {
        auto some = reader.read(100, size_t{1} << 30);
        EXPECT_TRUE(some.ok()) << some.error().message;
        if (!some.ok() || some->empty()) return all.size() >= expected;
        all.insert(all.end(), some->begin(), some->end());
      }
    };
    if (expected == 0) harness().settle();
    eventually(take, "records to read");
    EXPECT_EQ(all.size(), expected);
    return all;
  }
  /// All records of a topic, in any order of shards.
  std::vector<Delivery> everything(const std::string& topic) {
    harness().settle();
    std::vector<Delivery> all;
    const auto shards = log().shards(topic);
    EXPECT_TRUE(shards.ok());
    for (const auto& shard : *shards) {
      auto reader = log().reader(shard.id, {});
      EXPECT_TRUE(reader.ok());
      for (;;) {
        auto some = (*reader)->read(100, size_t{1} << 30);
        EXPECT_TRUE(some.ok()) << some.error().message;
        if (!some.ok() || some->empty()) break;
        all.insert(all.end(), some->begin(), some->end());
      }
    }
    return all;
  }
  static std::vector<std::string> values(const std::vector<Delivery>& deliveries) {
    std::vector<std::string> out;
    out.reserve(deliveries.size());
    for (const auto& delivery : deliveries) out.emplace_back(delivery.record.value.view());
    return out;
  }
  static std::multiset<std::string> bag(const std::vector<Delivery>& deliveries) {
    const auto all = values(deliveries);
    return {all.begin(), all.end()};
  }
  Fate fate_of(Commit& commit) {
    std::optional<Fate> fate;
    eventually([&] { return (fate = commit.poll()).has_value(); }, "the fate of a commit");
    return fate.value_or(Fate::unknown);
  }
  /// For each delivery an output "<value>!" to `to`, and the progress, in one transaction.
  static std::unique_ptr<Commit> process(Session& session, const std::vector<Delivery>& deliveries,
                                         const std::string& to) {
    auto transaction = session.begin();
    for (const auto& delivery : deliveries) {
      Entry out{to, delivery.shard.lane, delivery.record};
      out.record.value = SharedBytes(std::string(delivery.record.value.view()) + "!");
      transaction->append(std::move(out));
      transaction->consumed(delivery.shard, delivery.position);
    }
    return transaction->commit();
  }

 private:
  std::unique_ptr<LogHarness> harness_;
};

}  // namespace bonafide::flow::contract
