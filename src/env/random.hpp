#pragma once
#include <cstdint>
#include <string>

namespace bonafide::env {

/// The only source of random numbers. Handed in. Not safe from several threads.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;
  /// Uniform in [0, bound), bound > 0.
  uint64_t below(uint64_t bound) { return next() % bound; }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  std::string bytes(size_t count) {
    std::string out;
    while (out.size() < count) {
      const uint64_t word = next();
      out.append(reinterpret_cast<const char*>(&word), count - out.size() < 8 ? count - out.size() : 8);
    }
    return out;
  }
};

/// The same numbers for the same seed, on every machine (xorshift64*, Vigna 2016; seeded through splitmix64).
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) {
    seed += 0x9E3779B97F4A7C15;
    seed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9;
    seed = (seed ^ (seed >> 27)) * 0x94D049BB133111EB;
    state_ = (seed ^ (seed >> 31)) | 1;
  }
  uint64_t next() override {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1D;
  }

 private:
  uint64_t state_;
};

}  // namespace bonafide::env
