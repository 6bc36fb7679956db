#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace bonafide::env {

class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Durations in buckets that double from 100 µs to about 3.6 hours: quantiles to within a factor of sqrt(2).
class Histogram {
 public:
  static constexpr size_t bucket_count = 28;
  /// Upper bound of bucket i in microseconds; the last one has none.
  static constexpr int64_t upper_bound_us(size_t i) { return int64_t{100} << i; }

  /// A negative one, as a wall clock that is set back makes it, counts as zero: a sum never falls.
  void observe(Duration duration);
  [[nodiscard]] uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  [[nodiscard]] Duration sum() const { return {sum_us_.load(std::memory_order_relaxed)}; }
  [[nodiscard]] uint64_t bucket(size_t i) const { return buckets_[i].load(std::memory_order_relaxed); }
  /// Interpolated inside the bucket; zero when nothing was observed. q in [0, 1].
  [[nodiscard]] Duration quantile(double q) const;

 private:
  std::array<std::atomic<uint64_t>, bucket_count> buckets_{};
  std::atomic<uint64_t> count_{0};
  std::atomic<int64_t> sum_us_{0};
};

using Labels = std::vector<std::pair<std::string, std::string>>;

/// The metrics of one process. References stay valid as long as the registry. Ask once and keep the
/// reference: a look-up takes a lock, using a metric does not. Names follow Prometheus (bonafide_ prefix,
/// base units, _total, _seconds).
class Metrics {
 public:
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {});
  /// Prometheus text exposition format 0.0.4, families and series in byte order.
  [[nodiscard]] std::string exposition() const;

 private:
  struct Family {
    std::string help;
    const char* type = "";
    std::map<std::string, std::unique_ptr<Counter>> counters;
    std::map<std::string, std::unique_ptr<Gauge>> gauges;
    std::map<std::string, std::unique_ptr<Histogram>> histograms;
  };
  Family& family(std::string_view name, std::string_view help, const char* type);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace bonafide::env
