#include "app/rates.hpp"

namespace bonafide::app {

void Rates::sample(Time steady, const Totals& totals) {
  samples_.push_back({steady, totals});
  while (samples_.size() > 2 && samples_[1].at <= steady - window) samples_.pop_front();
}

Rates::PerSecond Rates::per_second() const {
  PerSecond rates;
  if (samples_.size() < 2) return rates;
  const Sample &first = samples_.front(), &last = samples_.back();
  rates.over = last.at - first.at;
  const double seconds = rates.over.in_seconds();
  if (seconds <= 0) return {};
  const auto of = [&](uint64_t Totals::*total) {
    return static_cast<double>(last.totals.*total - first.totals.*total) / seconds;
  };
  rates.in = of(&Totals::in);
  rates.scored = of(&Totals::scored);
  rates.stored = of(&Totals::stored);
  return rates;
}

}  // namespace bonafide::app
