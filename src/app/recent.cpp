#include "app/recent.hpp"

namespace bonafide::app {

Duration quantile(const Buckets& buckets, double q) {
  uint64_t total = 0;
  for (const uint64_t count : buckets) total += count;
  if (total == 0) return {};
  const double rank = q * static_cast<double>(total);
  double below = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (here > 0 && below + here >= rank) {
      const double low = i == 0 ? 0 : static_cast<double>(env::Histogram::upper_bound_us(i - 1));
      const double high = static_cast<double>(env::Histogram::upper_bound_us(i));
      return {static_cast<int64_t>(low + (high - low) * (rank - below) / here)};
    }
    below += here;
  }
  return {env::Histogram::upper_bound_us(buckets.size() - 1)};
}

double Recent::Passed::per_second(size_t which) const {
  return over.us == 0 ? 0 : static_cast<double>(added.counts[which]) / over.in_seconds();
}

Duration Recent::Passed::quantile(size_t which, double q) const {
  return over.us == 0 ? Duration{} : app::quantile(added.lags[which], q);
}

void Recent::sample(Time steady, Totals totals) {
  samples_.push_back({steady, std::move(totals)});
  while (samples_.size() > 2 && samples_[1].at <= steady - window) samples_.pop_front();
}

Recent::Passed Recent::last(Duration length) const {
  if (samples_.size() < 2) return {};
  const Sample& end = samples_.back();
  const Sample* begin = &samples_[samples_.size() - 2];
  for (size_t i = samples_.size() - 1; i-- > 0 && begin->at > end.at - length;) begin = &samples_[i];
  Passed passed;
  passed.over = end.at - begin->at;
  if (passed.over <= Duration{}) return {};
  for (size_t i = 0; i < end.totals.counts.size(); ++i)
    passed.added.counts.push_back(end.totals.counts[i] - begin->totals.counts[i]);
  for (size_t i = 0; i < end.totals.lags.size(); ++i) {
    auto& added = passed.added.lags.emplace_back();
    for (size_t b = 0; b < added.size(); ++b) added[b] = end.totals.lags[i][b] - begin->totals.lags[i][b];
  }
  return passed;
}

}  // namespace bonafide::app
