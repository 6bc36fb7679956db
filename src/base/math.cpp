#include "base/math.hpp"

#include <array>
#include <cmath>
#include <limits>

namespace bonafide {
namespace {
// ln 2 in two parts: the first has trailing zero bits, so k * high is exact for every exponent k.
constexpr double ln2_high = 0x1.62e42feep-1;
constexpr double ln2_low = 0x1.a39ef35793c76p-33;
// 1/3, 1/5 … 1/23: dividing is dear, and the quotients are the same doubles.
constexpr std::array<double, 11> odd_inverses = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11, 1.0 / 13,
                                                 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23};
}  // namespace

// x = m * 2^k with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172.
double repeatable_log(double x) {
  if (x == 1) return 0;  // as the sum below; counts of nothing ask for it often
  int k = 0;
  double m = std::frexp(x, &k);
  if (m < 0x1.6a09e667f3bcdp-1) {
    m *= 2;
    --k;
  }
  const double s = (m - 1) / (m + 1), s2 = s * s;
  double sum = 0;
  for (size_t i = odd_inverses.size(); i-- > 0;) sum = (sum + odd_inverses[i]) * s2;
  return k * ln2_high + (2 * s + (2 * s * sum + k * ln2_low));
}

// x = k ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor series.
double repeatable_exp(double x) {
  if (x < -745) return 0;
  if (x > 709.7) return std::numeric_limits<double>::max();
  const double k = std::floor(x / (ln2_high + ln2_low) + 0.5);
  const double r = (x - k * ln2_high) - k * ln2_low;
  double sum = 1;
  for (int n = 18; n >= 1; --n) sum = 1 + sum * r / n;
  return std::ldexp(sum, static_cast<int>(k));
}

double repeatable_sigmoid(double x) { return 1 / (1 + repeatable_exp(-x)); }

}  // namespace bonafide
