#include "app/measures.hpp"

#include "avro/types.hpp"
#include "mail/verdict.hpp"

namespace bonafide::app {

Measures::Measures(env::Metrics& metrics, const std::vector<std::string>& hops) : hops_(hops) {
  counters_ = {
      &metrics.counter("bonafide_events_emitted_total", "Events a step has passed on", {{"step", "collect"}}),
      &metrics.counter("bonafide_rows_written_total", "Rows put into the primary store")};
  for (const auto verdict : avro::EnumSymbols<mail::ShownVerdict>::symbols)
    counters_.push_back(&metrics.counter("bonafide_verdicts_total", "messages by verdict",
                                         {{"verdict", std::string(verdict)}}));
  lags_ = {&metrics.histogram("bonafide_end_to_end_lag_seconds", "from acceptance to the durable verdict")};
  for (const auto& hop : hops) {
    steps_.push_back(std::make_unique<flow::StepMetrics>(metrics, hop));
    counters_.push_back(&steps_.back()->received);
    counters_.push_back(&steps_.back()->processed);
    lags_.push_back(&steps_.back()->lag_out);
  }
}

void Measures::sample(Time steady) {
  Recent::Totals totals;
  for (const auto* counter : counters_) totals.counts.push_back(counter->value());
  for (const auto* lag : lags_) {
    auto& buckets = totals.lags.emplace_back();
    for (size_t i = 0; i < buckets.size(); ++i) buckets[i] = lag->bucket(i);
  }
  const std::lock_guard lock(mutex_);
  recent_.sample(steady, std::move(totals));
}

Measures::Lag Measures::lag_of(const Recent::Passed& passed, size_t which) const {
  Lag lag{passed.quantile(which, 0.5), passed.quantile(which, 0.9), passed.quantile(which, 0.99)};
  if (passed.over.us == 0) return lag;
  for (const uint64_t count : passed.added.lags[which]) lag.count += count;
  return lag;
}

Measures::Seen Measures::last(Duration length) const {
  const auto passed = [&] {
    const std::lock_guard lock(mutex_);
    return recent_.last(length);
  }();
  Seen seen;
  seen.over = passed.over;
  seen.in = passed.per_second(in);
  seen.stored = passed.per_second(stored);
  for (size_t i = 0; i < seen.verdicts.size(); ++i) {
    seen.verdicts[i] = passed.count(first_verdict + i);
    seen.scored += passed.per_second(first_verdict + i);
  }
  seen.lag = lag_of(passed, 0);
  for (size_t i = 0; i < hops_.size(); ++i) {
    const size_t at = first_hop + 2 * i;
    seen.hops.push_back({hops_[i], counters_[at]->value(), counters_[at + 1]->value(), passed.per_second(at),
                         passed.per_second(at + 1), lag_of(passed, 1 + i)});
  }
  return seen;
}

}  // namespace bonafide::app
