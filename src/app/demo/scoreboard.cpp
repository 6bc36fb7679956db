#include "app/demo/scoreboard.hpp"

#include <bit>
#include <cstdio>

namespace bonafide::app::demo {
namespace {

std::string percent(double share) {
  if (share < 0) return "-";
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.1f %%", share * 100);
  return text.data();
}

std::string milliseconds(Duration latency) {
  std::array<char, 24> text{};
  const double value = latency.in_seconds() * 1000;
  std::snprintf(text.data(), text.size(), value < 10 ? "%.1f" : "%.0f", value);
  return text.data();
}

}  // namespace

void LatencyHistogram::add(Duration latency) {
  const uint64_t us = latency.us < 0 ? 0 : static_cast<uint64_t>(latency.us);
  // Below sub_buckets one bucket a microsecond, from there on so many to each power of two.
  size_t bucket = us;
  if (us >= sub_buckets) {
    const int shift = static_cast<int>(std::bit_width(us)) - 7;  // 7: the width of sub_buckets
    bucket = static_cast<size_t>(shift + 1) * sub_buckets + ((us >> shift) - sub_buckets);
  }
  ++buckets_[bucket < buckets_.size() ? bucket : buckets_.size() - 1];
  ++count_;
}

Duration LatencyHistogram::percentile(int permille) const {
  if (count_ == 0) return {};
  int64_t left = (count_ * permille + 999) / 1000;
  if (left < 1) left = 1;
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    left -= buckets_[bucket];
    if (left > 0) continue;
    if (bucket < sub_buckets) return Duration::micros(static_cast<int64_t>(bucket));
    const size_t shift = bucket / sub_buckets - 1;
    const size_t upper = ((bucket % sub_buckets + sub_buckets + 1) << shift) - 1;
    return Duration::micros(static_cast<int64_t>(upper));
  }
  return {};
}

void Tally::add(bool attack, mail::Verdict verdict) {
  const bool untrusted = verdict == mail::Verdict::untrusted;
  const bool not_trusted = verdict != mail::Verdict::trusted;
  ++(attack ? attacks : ham);
  if (untrusted) ++(attack ? attacks_untrusted : ham_untrusted);
  if (not_trusted) ++(attack ? attacks_not_trusted : ham_not_trusted);
}

void Scoreboard::count(const Label& label, mail::Verdict verdict) {
  if (label.learning) return;
  ++counted_;
  total_.add(label.attack, verdict);
  recent_.add(label.attack, verdict);
  auto found = scenarios_.find(label.scenario);
  if (found == scenarios_.end()) found = scenarios_.emplace(std::string(label.scenario), Tally{}).first;
  found->second.add(label.attack, verdict);
}

void Scoreboard::sent(const EventId& id, Label label) {
  if (const auto waiting = verdicts_waiting_.find(id); waiting != verdicts_waiting_.end()) {
    count(label, waiting->second);
    verdicts_waiting_.erase(waiting);
    return;
  }
  if (labels_.size() >= most_open) labels_.clear();
  labels_.insert_or_assign(id, label);
}

const Label* Scoreboard::fell(const EventId& id, mail::Verdict verdict, Duration latency) {
  ++verdicts_;
  ++recent_verdicts_;
  latencies_.add(latency);
  recent_latencies_.add(latency);
  const auto label = labels_.find(id);
  if (label == labels_.end()) {
    if (verdicts_waiting_.size() >= most_open) verdicts_waiting_.clear();
    verdicts_waiting_.insert_or_assign(id, verdict);
    return nullptr;
  }
  last_label_ = label->second;
  count(last_label_, verdict);
  labels_.erase(label);
  return &last_label_;
}

std::string Scoreboard::summary(Time now) {
  const double seconds = since_.us == INT64_MIN ? 0 : (now - since_).in_seconds();
  std::array<char, 32> rate{};
  std::snprintf(rate.data(), rate.size(), "%.1f",
                seconds > 0 ? static_cast<double>(recent_verdicts_) / seconds : 0.0);
  std::string out = "-- " + std::to_string(recent_verdicts_) + " verdicts, " + rate.data() +
                    "/s; latency p50 " + milliseconds(recent_latencies_.percentile(500)) + ", p99 " +
                    milliseconds(recent_latencies_.percentile(990)) + ", p99.9 " +
                    milliseconds(recent_latencies_.percentile(999)) + " ms; " +
                    std::to_string(recent_.attacks) + " attacks, " +
                    std::to_string(recent_.attacks_untrusted) + " untrusted, " +
                    std::to_string(recent_.attacks_not_trusted) + " not trusted; ham untrusted " +
                    std::to_string(recent_.ham_untrusted) + " of " + std::to_string(recent_.ham);
  out += " | after the weeks of learning " + std::to_string(counted_) + ": precision " +
         percent(total_.precision()) + ", recall " + percent(total_.recall()) +
         " (not trusted: " + percent(total_.precision_not_trusted()) + ", " +
         percent(total_.recall_not_trusted()) + ")";
  recent_ = Tally{};
  recent_latencies_.clear();
  recent_verdicts_ = 0;
  since_ = now;
  return out;
}

std::string Scoreboard::table() const {
  std::string out = "scenario                 messages  untrusted  not trusted\n";
  for (const auto& [name, tally] : scenarios_) {
    const int64_t all = tally.ham + tally.attacks;
    const int64_t untrusted = tally.ham_untrusted + tally.attacks_untrusted;
    const int64_t not_trusted = tally.ham_not_trusted + tally.attacks_not_trusted;
    const auto share = [all](int64_t part) {
      return percent(all == 0 ? -1 : static_cast<double>(part) / static_cast<double>(all));
    };
    std::array<char, 128> line{};
    std::snprintf(line.data(), line.size(), "%-24s %8lld  %9s  %11s%s\n", name.c_str(),
                  static_cast<long long>(all), share(untrusted).c_str(), share(not_trusted).c_str(),
                  tally.attacks > 0 ? "  attack" : "");
    out += line.data();
  }
  return out;
}

}  // namespace bonafide::app::demo
