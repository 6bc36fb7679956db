#include "env/metrics.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bonafide::env {
namespace {

std::string render(const Labels& labels) {
  std::string text;
  for (const auto& [key, value] : labels) {
    if (!text.empty()) text += ',';
    text += key + "=\"";
    for (const char c : value) {
      if (c == '\\' || c == '"') text += '\\';
      text += c == '\n' ? ' ' : c;
    }
    text += '"';
  }
  return text;
}

std::string series(const std::string& name, const std::string& labels, const std::string& more = "") {
  const std::string both = labels.empty() || more.empty() ? labels + more : labels + "," + more;
  return both.empty() ? name : name + "{" + both + "}";
}

void write_sample(std::string& out, const std::string& series, const std::string& value) {
  out.append(series).append(" ").append(value).append("\n");
}

template <class Map>
auto& at_or_new(Map& map, const std::string& key) {
  auto& slot = map[key];
  if (!slot) slot = std::make_unique<typename Map::mapped_type::element_type>();
  return *slot;
}

}  // namespace

void Histogram::observe(Duration duration) {
  duration.us = std::max<int64_t>(duration.us, 0);
  size_t i = 0;
  while (i + 1 < bucket_count && duration.us > upper_bound_us(i)) ++i;
  buckets_[i].fetch_add(1, std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  sum_us_.fetch_add(duration.us, std::memory_order_relaxed);
}

Duration Histogram::quantile(double q) const {
  std::array<uint64_t, bucket_count> counts{};
  uint64_t total = 0;
  for (size_t i = 0; i < bucket_count; ++i) total += counts[i] = bucket(i);
  if (total == 0) return {};
  const double rank = q * static_cast<double>(total);
  double below = 0;
  for (size_t i = 0; i < bucket_count; ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && below + here >= rank) {
      const double low = i == 0 ? 0 : static_cast<double>(upper_bound_us(i - 1));
      const double high = static_cast<double>(upper_bound_us(i));
      return {static_cast<int64_t>(low + (high - low) * (rank - below) / here)};
    }
    below += here;
  }
  return {upper_bound_us(bucket_count - 1)};
}

Metrics::Family& Metrics::family(std::string_view name, std::string_view help, const char* type) {
  auto found = families_.find(name);
  if (found == families_.end()) {
    found = families_.emplace(std::string(name), Family{}).first;
    found->second.help = help;
    found->second.type = type;
  }
  return found->second;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return at_or_new(family(name, help, "counter").counters, render(labels));
}
Gauge& Metrics::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return at_or_new(family(name, help, "gauge").gauges, render(labels));
}
Histogram& Metrics::histogram(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return at_or_new(family(name, help, "histogram").histograms, render(labels));
}

std::string Metrics::exposition() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out.append("# HELP ").append(name).append(" ").append(family.help).append("\n");
    out.append("# TYPE ").append(name).append(" ").append(family.type).append("\n");
    for (const auto& [labels, counter] : family.counters)
      write_sample(out, series(name, labels), std::to_string(counter->value()));
    for (const auto& [labels, gauge] : family.gauges)
      write_sample(out, series(name, labels), to_decimal(gauge->value()));
    for (const auto& [labels, histogram] : family.histograms) {
      uint64_t below = 0;
      for (size_t i = 0; i < Histogram::bucket_count; ++i) {
        below += histogram->bucket(i);
        const bool last = i + 1 == Histogram::bucket_count;
        const std::string bound =
            last ? "+Inf" : to_decimal(static_cast<double>(Histogram::upper_bound_us(i)) / 1e6);
        write_sample(out, series(name + "_bucket", labels, "le=\"" + bound + "\""), std::to_string(below));
      }
      write_sample(out, series(name + "_sum", labels), to_decimal(histogram->sum().in_seconds()));
      write_sample(out, series(name + "_count", labels), std::to_string(below));
    }
  }
  return out;
}

}  // namespace bonafide::env
