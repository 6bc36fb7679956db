#include "flow/batch.hpp"

#include <algorithm>
#include <exception>

namespace bonafide::flow {
namespace {

/// Runs foreign code; an exception that escapes it is its error.
template <class Call>
Status guarded(Call&& call) {
  try {
    return call();
  } catch (const std::exception& e) {
    return {Cause::internal, std::string("exception: ") + e.what()};
  } catch (...) {
    return {Cause::internal, "an exception of unknown type"};
  }
}

}  // namespace

class Batch::Collector final : public Output {
 public:
  void emit(std::shared_ptr<const Payload> payload) override { emitted.push_back(std::move(payload)); }
  void observe(Delta delta) override { deltas.push_back(std::move(delta)); }
  std::vector<std::shared_ptr<const Payload>> emitted;
  std::vector<Delta> deltas;
};

Batch::Batch(std::span<NamedProcessor> chain, std::vector<Delivery> deliveries, Time now, Limits limits,
             std::vector<const std::vector<Delta>*> before)
    : chain_(chain),
      deliveries_(std::move(deliveries)),
      now_(now),
      limits_(limits),
      before_(std::move(before)),
      outcomes_(deliveries_.size()),
      counts_(chain.size()) {
  begin_window(0, deliveries_.size());
}

const std::vector<std::string>* Batch::run() {
  while (window_begin_ < deliveries_.size()) {
    if (step_ == chain_.size()) {
      finish_window();
    } else if (!asked_) {
      collect_questions();
      asked_ = true;
      if (!known_.empty()) return &keys_.keys();
    } else {
      run_step();
    }
    if (again_) {
      again_ = false;
      outcomes_.assign(deliveries_.size(), {});
      counts_.assign(chain_.size(), {});
      encoded_.clear();
      begin_window(0, 1);
    }
  }
  return nullptr;
}

void Batch::begin_window(size_t from, size_t upto) {
  window_begin_ = from;
  window_end_ = upto;
  step_ = 0;
  asked_ = false;
  asked_by_earlier_.clear();
  made_.clear();
  items_.clear();
  for (size_t i = from; i < upto; ++i) items_.push_back({i, &deliveries_[i], {}});
}

void Batch::collect_questions() {
  if (on_step_) on_step_(step_);
  keys_.clear();
  known_.clear();
  for (auto& item : items_) {
    Questions questions;
    // A record that cannot be asked about asks nothing; process() will say what is wrong with it.
    const Status asked = guarded([&]() -> Status {
      chain_[step_].processor->ask(*item.delivery, questions);
      return Ok{};
    });
    if (!asked.ok()) continue;
    auto keys = questions.take();
    item.questions.reserve(keys.size());
    for (auto& key : keys) {
      const auto [number, fresh] = keys_.add(std::move(key));
      if (fresh) known_.emplace_back();
      known_[number].last_origin = item.origin;
      item.questions.push_back(number);
    }
  }
}

void Batch::answer(Answers answers) {
  answers.resize(known_.size());
  for (size_t i = 0; i < known_.size(); ++i) known_[i].answer = std::move(answers[i]);
}

void Batch::run_step() {
  next_items_.clear();
  seen_upto_ = window_begin_;
  for (const auto* earlier : before_) {
    for (const auto& delta : *earlier) observe(delta);
  }
  for (size_t i = 0; i < window_begin_; ++i) {
    for (const auto& delta : outcomes_[i].deltas) observe(delta);
  }
  size_t failed = SIZE_MAX;
  for (const auto& item : items_) {
    if (item.origin == failed) continue;  // its other parts go with it
    see_observed(item.origin);
    if (!run_item(item)) failed = item.origin;
    if (again_) return;
  }
  if (!last_step()) {
    for (size_t i = 0; i < known_.size(); ++i) {
      auto& last = asked_by_earlier_[keys_.keys()[i]];
      last = std::max(last, known_[i].last_origin);
    }
  }
  items_.swap(next_items_);
  ++step_;
  asked_ = false;
}

bool Batch::run_item(const Item& item) {
  ++counts_[step_].received;
  scratch_.clear();
  for (const size_t question : item.questions) scratch_.push_back(look(known_[question]));
  const Context context{now_, item.delivery->record.attempt};
  Collector collected;
  const Status done =
      guarded([&] { return chain_[step_].processor->process(*item.delivery, scratch_, context, collected); });
  std::optional<Error> error;
  if (!done.ok()) {
    error = done.error();
  } else if (keep(item, collected, error)) {
    return true;
  }
  if (!again_) fail(item, std::move(*error));
  return false;
}

/// Takes over what a step made of an item. False, with nothing changed: it cannot be encoded, or the batch
/// begins anew.
bool Batch::keep(const Item& item, Collector& collected, std::optional<Error>& error) {
  if (contradicts_earlier_step(item.origin, collected.deltas)) {
    again_ = true;
    return false;
  }
  Outcome& outcome = outcomes_[item.origin];
  if (last_step()) {
    make_room(item.origin);
    const size_t outputs_before = outcome.outputs.size(), encoded_before = encoded_.size();
    const Status encoded = guarded([&]() -> Status {
      for (auto& payload : collected.emitted) {
        const size_t at = encoded_.size();
        payload->encode(encoded_);
        const size_t size = encoded_.size() - at;
        if (size + item.delivery->record.key.size() > limits_.max_output_bytes) {
          return {Cause::invalid, "the output has " + std::to_string(size) +
                                      " bytes, the log takes at most " +
                                      std::to_string(limits_.max_output_bytes)};
        }
        outcome.outputs.push_back({payload, at, size});
      }
      return Ok{};
    });
    if (!encoded.ok()) {
      error = encoded.error();
      outcome.outputs.resize(outputs_before);
      encoded_.resize(encoded_before);
      return false;
    }
  } else {
    for (auto& payload : collected.emitted) {
      Delivery& next = made_.emplace_back(*item.delivery);
      next.record.value = {};
      next.record.payload = std::move(payload);
      next_items_.push_back({item.origin, &next, {}});
    }
  }
  counts_[step_].emitted += collected.emitted.size();
  if (collected.emitted.empty() && !outcome.failure) ++counts_[step_].dropped;
  if (outcome.deltas.empty()) {
    outcome.deltas = std::move(collected.deltas);
  } else {
    std::ranges::move(collected.deltas, std::back_inserter(outcome.deltas));
  }
  return true;
}

/// Room for the outputs to come, if they are like those so far: a string that doubles copies them all again
/// and again.
void Batch::make_room(size_t origin) {
  if (origin == 0) return;
  const size_t usual = encoded_.size() / origin;
  if (encoded_.capacity() - encoded_.size() < 2 * usual)
    encoded_.reserve(encoded_.size() + (deliveries_.size() - origin + 2) * usual);
}

/// The record is parked: nothing it emitted or observed counts, and its step says what goes on in its place.
void Batch::fail(const Item& item, Error error) {
  Outcome& outcome = outcomes_[item.origin];
  if (!outcome.deltas.empty() && !one_by_one()) {
    again_ = true;  // others may have seen what it observed
    return;
  }
  outcome.deltas.clear();
  outcome.outputs.clear();
  std::erase_if(next_items_, [&](const Item& next) { return next.origin == item.origin; });
  if (!outcome.failure) {
    ++counts_[step_].parked;
    outcome.failure = {step_, error};
  }
  Collector collected;
  const Context context{now_, item.delivery->record.attempt};
  const Status replaced = guarded([&]() -> Status {
    chain_[step_].processor->fallback(*item.delivery, error, context, collected);
    return Ok{};
  });
  std::optional<Error> not_kept;
  if (replaced.ok()) keep(item, collected, not_kept);
}

/// Lets the present step know what the records before `upto_origin` observed.
void Batch::see_observed(size_t upto_origin) {
  for (; seen_upto_ < upto_origin; ++seen_upto_) {
    for (const auto& delta : outcomes_[seen_upto_].deltas) observe(delta);
  }
}

void Batch::observe(const Delta& delta) {
  const size_t number = keys_.find(delta.key);
  if (number != KeyTable::none) known_[number].observed.push_back(&delta);
}

std::shared_ptr<const History> Batch::look(Known& known) {
  if (known.answer == nullptr) return nullptr;  // unknown, whatever was observed since
  if (known.observed.empty()) return known.own ? known.own : known.answer;
  // A step may have kept an earlier answer: what was handed out never changes.
  if (!known.own) {
    known.own = std::make_shared<History>(known.answer->with_room());
  } else if (known.own.use_count() > 1) {
    known.own = std::make_shared<History>(known.own->with_room());
  }
  for (const Delta* delta : known.observed) {
    for (const auto& increment : delta->increments) known.own->add(increment);
  }
  known.observed.clear();
  return known.own;
}

bool Batch::contradicts_earlier_step(size_t origin, const std::vector<Delta>& deltas) const {
  if (asked_by_earlier_.empty()) return false;
  return std::ranges::any_of(deltas, [&](const Delta& delta) {
    const auto asked = asked_by_earlier_.find(delta.key);
    return asked != asked_by_earlier_.end() && asked->second > origin;
  });
}

void Batch::finish_window() {
  for (size_t i = window_begin_; i < window_end_; ++i) {
    // Observations stand for the emitted record: without one they do not count, and nobody may have seen
    // them.
    if (!outcomes_[i].outputs.empty() || outcomes_[i].deltas.empty()) continue;
    if (!one_by_one()) {
      again_ = true;
      return;
    }
    outcomes_[i].deltas.clear();
  }
  const bool singly = window_end_ < deliveries_.size() || window_begin_ > 0;
  begin_window(window_end_, singly ? std::min(window_end_ + 1, deliveries_.size()) : window_end_);
}

}  // namespace bonafide::flow
