#pragma once
#include <deque>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "env/random.hpp"
#include "env/sim/clock.hpp"
#include "flow/contract/forwarding_log.hpp"
#include "flow/memory_state.hpp"
#include "flow/parked.hpp"
#include "flow/processor_worker.hpp"
#include "flow/sink_worker.hpp"
#include "streams/memory/memory_log.hpp"

// A small pipeline over the log in memory: here the workers of flow are tested, which need a log to run on.
namespace bonafide::flow::test {

class Text final : public Payload {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  void encode(std::string& out) const override { out += text_; }

 private:
  std::string text_;
};

inline std::string value_of(const Record& record) {
  std::string out(record.value.view());
  if (out.empty() && record.payload) record.payload->encode(out);
  return out;
}

/// "id" -> "id"; fails on ids that end in 'p' (poison).
class Check final : public Processor {
 public:
  Status process(const Delivery& delivery, const Answers&, const Context&, Output& output) override {
    const std::string id = value_of(delivery.record);
    if (id.ends_with('p')) throw std::invalid_argument(id + " is poison");
    output.emit(std::make_shared<Text>(id));
    return Ok{};
  }
  void fallback(const Delivery& delivery, const Error&, const Context&, Output& output) override {
    output.emit(std::make_shared<Text>(value_of(delivery.record)));
  }
};

/// "id" -> "id=how often the key was seen before", "id=?" if that is not known.
class Count final : public Processor {
 public:
  void ask(const Delivery& delivery, Questions& questions) override {
    questions.ask(std::string(delivery.record.key.view()));
  }
  Status process(const Delivery& delivery, const Answers& answers, const Context&, Output& output) override {
    std::string count = "?";
    if (answers[0]) {
      const auto* field = answers[0]->find("n");
      count = std::to_string(field == nullptr ? 0 : field->total());
    }
    output.emit(std::make_shared<Text>(value_of(delivery.record) + "=" + count));
    output.observe({std::string(delivery.record.key.view()), {{"n", 0, 1}}});
    return Ok{};
  }
};

class CountFold final : public Fold {
 public:
  Result<std::vector<Delta>> deltas(const Record& record) override {
    return std::vector<Delta>{{std::string(record.key.view()), {{"n", 0, 1}}}};
  }
};

/// A store that keeps what it is given in memory for a while: what is not settled is lost in a crash.
struct Store {
  std::multiset<std::string> durable, pending;
  std::map<ShardId, Position> durable_upto, upto;
  bool down = false;
  void flush() {
    durable.merge(pending);
    durable_upto = upto;
  }
  void crash() {
    pending.clear();
    upto = durable_upto;
  }
};

class StoreSink final : public Sink {
 public:
  explicit StoreSink(Store& store, env::Random* lazy = nullptr) : store_(store), lazy_(lazy) {}
  Result<Applied> apply(std::span<const Delivery> deliveries, const Stretch& stretch,
                        size_t* poison) override {
    if (store_.down) return {Cause::unavailable, "the store is down"};
    if (stretch.upto <= store_.upto[stretch.shard]) return Applied::already;
    for (size_t i = 0; i < deliveries.size(); ++i) {
      const std::string value = value_of(deliveries[i].record);
      if (value.find("bad") == std::string::npos) continue;
      if (value.find("badly") != std::string::npos) throw std::runtime_error("unnamed");
      *poison = i;
      return {Cause::invalid, "cannot store " + value};
    }
    for (const auto& delivery : deliveries) store_.pending.insert(value_of(delivery.record));
    store_.upto[stretch.shard] = stretch.upto;
    return Applied::now;
  }
  Result<Position> applied(const ShardId& shard) override { return store_.durable_upto[shard]; }
  Status settle(Time, bool drain) override {
    if (drain || lazy_ == nullptr || lazy_->below(4) == 0) store_.flush();
    return Ok{};
  }

 private:
  Store& store_;
  env::Random* lazy_;
};

/// A state whose answers come when the test says so, or after the deadline as unknown.
class SlowState final : public State {
 public:
  SlowState(State& inner, env::Clock& clock) : inner_(inner), clock_(clock) {}
  void ask(std::span<const std::string> keys, Time deadline, std::function<void(Answers)> then) override {
    waiting_.push_back({{keys.begin(), keys.end()}, deadline, std::move(then)});
  }
  void answer() {
    for (auto& [keys, deadline, then] : std::exchange(waiting_, {})) {
      if (clock_.steady() > deadline) {
        then(Answers(keys.size()));
      } else {
        inner_.ask(keys, deadline, then);
      }
    }
  }
  Result<Applied> apply(const Stretch& stretch, std::span<const Delta> deltas) override {
    return inner_.apply(stretch, deltas);
  }
  Result<Position> applied(const ShardId& shard) override { return inner_.applied(shard); }
  Result<Position> durable(const ShardId& shard) override { return inner_.durable(shard); }

 private:
  struct Waiting {
    std::vector<std::string> keys;
    Time deadline;
    std::function<void(Answers)> then;
  };
  State& inner_;
  env::Clock& clock_;
  std::vector<Waiting> waiting_;
};

/// A state whose disk is full from time to time.
class RefusingState final : public State {
 public:
  explicit RefusingState(State& inner) : inner_(inner) {}
  void ask(std::span<const std::string> keys, Time deadline, std::function<void(Answers)> then) override {
    inner_.ask(keys, deadline, std::move(then));
  }
  Result<Applied> apply(const Stretch& stretch, std::span<const Delta> deltas) override {
    if (refusals == 0) return inner_.apply(stretch, deltas);
    --refusals;
    return {Cause::exhausted, "the disk is full"};
  }
  Result<Position> applied(const ShardId& shard) override { return inner_.applied(shard); }
  Result<Position> durable(const ShardId& shard) override { return inner_.durable(shard); }

  int refusals = 0;

 private:
  State& inner_;
};

/// A log whose other users do something just when a session is read: joins, leaves, evictions from other
/// threads.
class MeddledLog final : public contract::ForwardingLog {
 public:
  using ForwardingLog::ForwardingLog;
  Result<std::unique_ptr<Session>> join(const Join& join) override {
    BONAFIDE_ASSIGN(auto session, ForwardingLog::join(join));
    return {std::make_unique<MeddledSession>(std::move(session), before_read, after_read)};
  }

  std::function<void()> before_read = [] {}, after_read = [] {};

 private:
  class MeddledSession final : public Session {
   public:
    MeddledSession(std::unique_ptr<Session> inner, std::function<void()>& before,
                   std::function<void()>& after)
        : inner_(std::move(inner)), before_(before), after_(after) {}
    Result<std::vector<Delivery>> read(Lane lane, size_t max_records, size_t max_bytes) override {
      before_();
      auto out = inner_->read(lane, max_records, max_bytes);
      after_();
      return out;
    }
    std::vector<ShardId> gained() override { return inner_->gained(); }
    std::vector<ShardId> lost() override { return inner_->lost(); }
    Position committed(const ShardId& shard) override { return inner_->committed(shard); }
    Status seek(const ShardId& shard, Position position) override { return inner_->seek(shard, position); }
    std::unique_ptr<Transaction> begin() override { return inner_->begin(); }

   private:
    std::unique_ptr<Session> inner_;
    std::function<void()>&before_, &after_;
  };
};

/// in -> [check, count] -> out -> store, over a log in memory.
class Pipeline {
 public:
  explicit Pipeline(streams::MemoryOptions options = {}, WorkerOptions worker_options = {})
      : log(options), worker_options_(worker_options) {}

  WorkerParts parts() { return {meddled, clock, logger, metrics, wake}; }
  std::unique_ptr<ProcessorWorker> processor(State* use_state = nullptr) {
    ProcessorPlan plan;
    plan.name = "count";
    plan.group = "bonafide.count";
    auto& chain = plan.chains.emplace_back();
    chain.from = "in";
    plan.to = "out";
    plan.parked = "parked";
    chain.steps.push_back({"check", std::make_unique<Check>()});
    chain.steps.push_back({"count", std::make_unique<Count>()});
    if (!also.empty()) {
      auto& other = plan.chains.emplace_back();
      other.from = also;
      other.steps.push_back({"count_more", std::make_unique<Count>()});
    }
    plan.state = use_state == nullptr ? &state : use_state;
    plan.fold = std::make_unique<CountFold>();
    return std::make_unique<ProcessorWorker>(std::move(plan), parts(), worker_options_);
  }
  std::unique_ptr<SinkWorker> sink(env::Random* lazy = nullptr) {
    return std::make_unique<SinkWorker>(
        SinkPlan{"store", "bonafide.store", "out", "parked", std::make_unique<StoreSink>(store, lazy)},
        parts(), worker_options_);
  }
  void put(const std::string& key, const std::string& value, Lane lane = Lane::live,
           const std::string& topic = "in") {
    Record record;
    record.key = SharedBytes(key);
    record.value = SharedBytes(value);
    record.timestamp = clock.now();
    log.inlet().append({{topic, lane, record}}, [&, value](const Result<Inlet::Landed>& landed) {
      if (landed.ok()) acked.insert(value);
    });
  }
  std::vector<Delivery> everything(const std::string& topic) {
    std::vector<Delivery> out;
    const auto shards = log.shards(topic);
    for (const auto& shard : *shards) {
      auto reader = log.reader(shard.id, {});
      for (;;) {
        auto some = (*reader)->read(1000, 1 << 24);
        if (some->empty()) break;
        out.insert(out.end(), some->begin(), some->end());
      }
    }
    return out;
  }
  std::vector<std::string> values(const std::string& topic) {
    std::vector<std::string> out;
    for (const auto& delivery : everything(topic)) out.emplace_back(delivery.record.value.view());
    return out;
  }
  std::vector<ParkedRecord> parked() {
    std::vector<ParkedRecord> out;
    for (const auto& delivery : everything("parked")) {
      out.push_back(ParkedRecord::decode(delivery.record.value.view()).value());
    }
    return out;
  }
  /// Steps until nothing is left to do, time passing meanwhile.
  void run(std::initializer_list<Worker*> workers) {
    for (int idle = 0; idle < 50;) {
      bool worked = false;
      for (auto* worker : workers) {
        const auto progress = worker->step();
        ASSERT_TRUE(progress.ok()) << progress.error().message;
        worked |= *progress == Progress::worked;
      }
      idle = worked ? 0 : idle + 1;
      clock.advance(Duration::millis(50));
      log.sync();
    }
  }

  streams::MemoryLog log;
  MeddledLog meddled{log};
  env::sim::ManualClock clock;
  env::NoLogger logger;
  env::Metrics metrics;
  env::NoWake wake;
  MemoryState state;
  Store store;
  std::set<std::string> acked;
  std::string also;  ///< a further topic, through "count" alone

 private:
  WorkerOptions worker_options_;
};

using Strings = std::vector<std::string>;

}  // namespace bonafide::flow::test
