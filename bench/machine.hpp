#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "base/hash.hpp"
#include "env/real/files.hpp"
#include "env/real/random.hpp"

/// What the machine itself does just now, to compare runs with: a shared one is not the same every hour.
namespace bonafide::bench {

/// Times a second on each of `threads` threads that `work` is done `times` times.
inline double rate_of(size_t threads, int times, const std::function<void(size_t thread)>& work) {
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> running;
  for (size_t i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      for (int n = 0; n < times; ++n) work(i);
    });
  }
  for (auto& thread : running) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  return times / took.count();
}

/// A walk through 64 MB in an order that no cache foresees.
inline std::vector<uint32_t> far_walk() {
  std::vector<uint32_t> order(size_t{1} << 24), next(order.size());
  std::iota(order.begin(), order.end(), 0);
  env::SeededRandom random(1);
  for (size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random.next() % (i + 1)]);
  for (size_t i = 0; i < order.size(); ++i) next[order[i]] = order[(i + 1) % order.size()];
  return next;
}

/// Median of 4 KiB written and synced, in microseconds.
inline double sync_us(const std::string& folder) {
  env::RealFiles files;
  auto file = files.open(folder + "/sync", env::Open::create_new);
  const std::string page(4096, 'x');
  std::vector<double> us;
  for (uint64_t i = 0; file.ok() && i < 101; ++i) {
    const auto began = std::chrono::steady_clock::now();
    if (!(*file)->write_at(i * page.size(), page).ok() || !(*file)->sync_data().ok()) break;
    us.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count());
  }
  if (us.empty()) return 0;
  std::nth_element(us.begin(), us.begin() + static_cast<std::ptrdiff_t>(us.size() / 2), us.end());
  return us[us.size() / 2];
}

inline void print_machine(const std::string& folder) {
  const std::string block(size_t{8} << 20, 'x');
  std::array<std::string, 2> into{block, block};  // touched before the clock runs
  std::array<Digest, 2> digests;
  const auto next = far_walk();
  std::array<uint32_t, 2> at{};
  constexpr int steps = 1'000'000;
  const auto hash = [&](size_t thread) { digests[thread] = sha256(block); };
  const auto copy = [&](size_t thread) { into[thread].assign(block); };
  const auto walk = [&](size_t thread) {
    for (int i = 0; i < steps; ++i) at[thread] = next[at[thread]];
  };
  const double mb = static_cast<double>(block.size()) / 1e6;
  std::printf(
      "machine, one core and each of two: SHA-256 %.0f %.0f MB/s, copies %.1f %.1f GB/s, far reads %.0f %.0f "
      "ns; synced write %.0f us\n",
      mb * rate_of(1, 20, hash), mb * rate_of(2, 20, hash), mb * rate_of(1, 40, copy) / 1000,
      mb * rate_of(2, 40, copy) / 1000, 1e9 / steps / rate_of(1, 2, walk), 1e9 / steps / rate_of(2, 2, walk),
      sync_us(folder));
}

}  // namespace bonafide::bench
