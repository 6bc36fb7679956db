#pragma once

namespace bonafide {

/// Natural logarithm of x > 0, from +, -, *, / alone: the same bits on every machine, compiler and build,
/// which the C library does not promise. Relative error below 1e-15.
double repeatable_log(double x);
/// e to the power x, likewise; saturates to 0 and to the largest finite value.
double repeatable_exp(double x);
/// 1 / (1 + e^-x), likewise.
double repeatable_sigmoid(double x);

}  // namespace bonafide
