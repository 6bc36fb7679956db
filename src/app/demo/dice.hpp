#pragma once
#include <array>
#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "env/random.hpp"

namespace bonafide::app::demo {

inline constexpr std::string_view digits = "0123456789";
inline constexpr std::string_view lower_hex = "0123456789abcdef";
inline constexpr std::string_view upper_hex = "0123456789ABCDEF";
inline constexpr std::string_view lower_alnum = "abcdefghijklmnopqrstuvwxyz0123456789";
inline constexpr std::string_view base64_letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
inline constexpr std::string_view url_letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Choices of the simulated company. Integers only, so that a seed gives the same choices on every machine.
/// One choice an expression: in which order the operands of + or the arguments of a call are worked out is
/// the compiler's affair.
class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}

  uint64_t next() { return random_.next() >> 3; }  // the low bits of the generator are its weakest
  uint64_t below(uint64_t bound) {
    assert(bound > 0);
    return next() % bound;
  }
  /// Uniform in [low, high].
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(below(static_cast<uint64_t>(high - low + 1)));
  }
  bool permille(int64_t chance) { return between(0, 999) < chance; }

  template <class List>
  const auto& of(const List& list) {
    return list[below(list.size())];
  }
  /// An index drawn by weight; `weights` has a sum above zero.
  template <class List>
  size_t weighted(const List& weights) {
    uint64_t sum = 0;
    for (const auto weight : weights) sum += static_cast<uint64_t>(weight);
    uint64_t left = below(sum);
    size_t i = 0;
    while (left >= static_cast<uint64_t>(weights[i])) left -= static_cast<uint64_t>(weights[i++]);
    return i;
  }
  /// About `mean_thousandths` / 1000 of something: the whole part and, by chance, one more.
  int64_t count(int64_t mean_thousandths) {
    return mean_thousandths / 1000 + (permille(mean_thousandths % 1000) ? 1 : 0);
  }

  /// Appends `length` characters out of `alphabet`, which has at most 64.
  void append(std::string& out, std::string_view alphabet, size_t length) {
    size_t at = out.size();
    out.resize(at + length);
    const uint64_t size = alphabet.size();
    while (at < out.size()) {
      uint64_t word = next();
      for (int i = 0; i < 7 && at < out.size(); ++i, word >>= 8)
        out[at++] = alphabet[((word & 0xFF) * size) >> 8];
    }
  }
  std::string text(std::string_view alphabet, size_t length) {
    std::string out;
    append(out, alphabet, length);
    return out;
  }
  /// `pattern` with each %K or %KN (N up to 99) made N drawn characters of the kind K: d digit, D digit but
  /// 0, x lower-case hex, X upper-case hex, l lower-case letter or digit, a letter or digit, u URL-safe
  /// base64, b base64.
  std::string form(std::string_view pattern) {
    std::string out;
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] != '%') {
        out += pattern[i];
        continue;
      }
      const std::string_view alphabet = alphabet_of(pattern[++i]);
      size_t length = 0;
      while (i + 1 < pattern.size() && is_digit(pattern[i + 1]))
        length = length * 10 + static_cast<size_t>(pattern[++i] - '0');
      append(out, alphabet, length == 0 ? 1 : length);
    }
    return out;
  }

 private:
  static std::string_view alphabet_of(char kind) {
    switch (kind) {
      case 'd':
        return digits;
      case 'D':
        return digits.substr(1);
      case 'x':
        return lower_hex;
      case 'X':
        return upper_hex;
      case 'l':
        return lower_alnum;
      case 'u':
        return url_letters;
      case 'b':
        return base64_letters;
      default:
        return base64_letters.substr(0, 62);
    }
  }
  env::SeededRandom random_;
};

/// A seed of its own for a part of the simulation: the same for the same three values.
inline uint64_t derive(uint64_t seed, std::string_view what, uint64_t number = 0) {
  return hash64(what, seed ^ (number * 0x9E3779B97F4A7C15));
}

}  // namespace bonafide::app::demo
