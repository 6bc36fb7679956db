#pragma once
#include <algorithm>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "flow/record.hpp"
#include "flow/state.hpp"

namespace bonafide::flow {

/// The keys of history a processor wants to know before it processes a record.
class Questions {
 public:
  void ask(std::string key) { keys_.push_back(std::move(key)); }
  /// All of `keys`, in their order.
  void ask(std::vector<std::string> keys) {
    if (keys_.empty()) {
      keys_ = std::move(keys);
    } else {
      std::ranges::move(keys, std::back_inserter(keys_));
    }
  }
  [[nodiscard]] std::vector<std::string> take() { return std::exchange(keys_, {}); }

 private:
  std::vector<std::string> keys_;
};

/// What a processor makes of a record.
class Output {
 public:
  virtual ~Output() = default;
  /// To the step's output topic; the key and lane of the record that is processed are kept. Its value is
  /// encoded when it leaves the worker, not between fused steps.
  virtual void emit(std::shared_ptr<const Payload> payload) = 0;
  /// Additions to history that the emitted record stands for. What the step's Fold derives from the encoded
  /// record must be the same deltas.
  virtual void observe(Delta delta) = 0;
};

/// What a step is told beside the record.
struct Context {
  Time now;          ///< wall clock when this batch was taken up; event time in a replay
  uint16_t attempt;  ///< of the record: 0 at first
};

/// A step from records to records. Pure: its outputs depend on its arguments alone, it may be run again on
/// the same record. Used by one thread at a time.
class Processor {
 public:
  virtual ~Processor() = default;
  /// Asked once a record, before process(). A record that cannot be read asks nothing.
  virtual void ask(const Delivery& delivery, Questions& questions) { (void)delivery, (void)questions; }
  /// `answers` are in the order asked and include what earlier records of the batch observed. An error parks
  /// the record with that error as the reason; nothing it emitted before counts.
  virtual Status process(const Delivery& delivery, const Answers& answers, const Context& context,
                         Output& output) = 0;
  /// What goes on in the place of a record that is being parked (it may be unreadable). By default nothing.
  virtual void fallback(const Delivery& delivery, const Error& error, const Context& context,
                        Output& output) {
    (void)delivery, (void)error, (void)context, (void)output;
  }
};

/// How history follows from an output stream: the deltas of one encoded record. Pure. Rebuilds a state that
/// is behind or lost, so it must read every schema version ever written.
class Fold {
 public:
  virtual ~Fold() = default;
  virtual Result<std::vector<Delta>> deltas(const Record& record) = 0;
};

/// A step from records to an outside effect. Either effect and progress land together in the same store, or
/// the effect is an upsert keyed by the event id. Used by one thread at a time.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Applies deliveries of one shard, which are all of the stretch. `already`: it had them. May keep them in
  /// memory for a while: only applied() says what is safe. Errors: unavailable, exhausted (tried again
  /// later); invalid (the one record named by `poison` is parked, the others come again); anything else stops
  /// the process.
  virtual Result<Applied> apply(std::span<const Delivery> deliveries, const Stretch& stretch,
                                size_t* poison) = 0;
  /// Up to where a shard's effects survive a crash; all zero if nothing. The log may forget what lies before.
  virtual Result<Position> applied(const ShardId& shard) = 0;
  /// Called between batches and when idle, with the steady time: close what is old enough, make it durable.
  /// `drain`: the service is stopping, make everything durable now.
  virtual Status settle(Time steady, bool drain) {
    (void)steady, (void)drain;
    return Ok{};
  }
  /// When settle() wants to be called next (steady); far future if not.
  [[nodiscard]] virtual Time settle_due() const { return {INT64_MAX}; }
};

}  // namespace bonafide::flow
