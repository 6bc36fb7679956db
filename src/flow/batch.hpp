#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "flow/key_table.hpp"
#include "flow/processor.hpp"

namespace bonafide::flow {

/// One step of a chain of fused steps, under the name the topology knows.
struct NamedProcessor {
  std::string name;
  std::unique_ptr<Processor> processor;
};

/// What became of one record of a batch.
struct Outcome {
  struct Out {
    std::shared_ptr<const Payload> payload;
    size_t at = 0, size = 0;  ///< its encoding, in Batch::encoded()
  };
  struct Failure {
    size_t step = 0;  ///< index in the chain
    Error error;
  };
  std::vector<Out> outputs;
  std::vector<Delta> deltas;
  std::optional<Failure> failure;  ///< the record is to be parked; the outputs are what goes on in its place
};

/// What the steps of a chain did with a batch.
struct StepCounts {
  uint64_t received = 0, emitted = 0, dropped = 0, parked = 0;
};

/// Runs a batch of records through a chain of steps. The result is that of taking one record after the other
/// through the whole chain, each seeing what all before it observed; but all questions of a step are asked in
/// one round trip.
///
/// It goes step by step. That differs from one by one only if a step observes something about a key that an
/// earlier step has already asked about for a later record, or if a record fails (or emits nothing) after
/// others saw what it observed. Such a batch is begun anew, record by record; processors are pure, so running
/// them again does no harm.
class Batch {
 public:
  struct Limits {
    size_t max_output_bytes = 0;  ///< key and encoded value; a larger output is an error of the step
  };
  /// `before`: observations of earlier batches that the state's answers do not hold yet; outlives the batch.
  Batch(std::span<NamedProcessor> chain, std::vector<Delivery> deliveries, Time now, Limits limits,
        std::vector<const std::vector<Delta>*> before);

  /// Runs on as far as it can. Gives the keys that have to be asked first; null when every record is dealt
  /// with.
  const std::vector<std::string>* run();
  /// The answers to the keys run() gave, in their order.
  void answer(Answers answers);
  /// Called when a step begins: for health and lag.
  void on_step(std::function<void(size_t step)> call) { on_step_ = std::move(call); }

  [[nodiscard]] const std::vector<Delivery>& deliveries() const { return deliveries_; }
  [[nodiscard]] std::vector<Outcome>& outcomes() { return outcomes_; }
  [[nodiscard]] const std::vector<StepCounts>& counts() const { return counts_; }
  /// The encodings of all outputs, one after the other. Taken once, at the end.
  [[nodiscard]] std::string take_encoded() { return std::move(encoded_); }

 private:
  /// A record on its way through the chain; `origin` is the index of the delivery it comes from.
  struct Item {
    size_t origin = 0;
    const Delivery* delivery = nullptr;
    std::vector<size_t> questions;  ///< indexes into known_
  };
  /// A key some record of the present step asks about.
  struct Known {
    std::shared_ptr<const History> answer;
    std::shared_ptr<History> own;        ///< the answer with what was observed since, once somebody looked
    std::vector<const Delta*> observed;  ///< not yet added to `own`
    size_t last_origin = 0;              ///< the last record that asks
  };
  class Collector;

  void begin_window(size_t from, size_t upto);
  void collect_questions();
  void run_step();
  bool run_item(const Item& item);
  void fail(const Item& item, Error error);
  bool keep(const Item& item, Collector& collected, std::optional<Error>& error);
  void make_room(size_t origin);
  void see_observed(size_t upto_origin);
  void observe(const Delta& delta);
  std::shared_ptr<const History> look(Known& known);
  bool contradicts_earlier_step(size_t origin, const std::vector<Delta>& deltas) const;
  void finish_window();
  [[nodiscard]] bool one_by_one() const { return window_end_ - window_begin_ <= 1; }
  [[nodiscard]] bool last_step() const { return step_ + 1 == chain_.size(); }

  std::span<NamedProcessor> chain_;
  std::vector<Delivery> deliveries_;
  Time now_;
  Limits limits_;
  std::vector<const std::vector<Delta>*> before_;
  std::function<void(size_t)> on_step_;

  std::vector<Outcome> outcomes_;
  std::vector<StepCounts> counts_;
  std::string encoded_;

  size_t window_begin_ = 0, window_end_ = 0;
  bool again_ = false;  ///< begin anew, one by one
  size_t step_ = 0;
  bool asked_ = false;
  std::vector<Item> items_, next_items_;
  std::deque<Delivery> made_;                                 ///< records between steps
  KeyTable keys_;                                             ///< what the present step asks about
  std::vector<Known> known_;                                  ///< by the number of the key
  size_t seen_upto_ = 0;                                      ///< records whose observations this step knows
  std::unordered_map<std::string, size_t> asked_by_earlier_;  ///< key -> the last record that asked
  Answers scratch_;
};

}  // namespace bonafide::flow
