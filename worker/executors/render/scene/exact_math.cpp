// Taylor series after range reduction; the number of terms leaves an error below half a unit in
// 1e15.
#include "worker/executors/render/scene/exact_math.h"

#include <cmath>

namespace framebus::render {

namespace {

// sin(x) and cos(x) for |x| <= pi/4, by Horner from the last term.
SinCos small_sin_cos(double x) {
  const double x2 = x * x;
  double sine = 1.0;
  double cosine = 1.0;
  for (int k = 19; k >= 3; k -= 2) sine = 1.0 - x2 / static_cast<double>(k * (k - 1)) * sine;
  for (int k = 18; k >= 2; k -= 2) cosine = 1.0 - x2 / static_cast<double>(k * (k - 1)) * cosine;
  return {x * sine, cosine};
}

// asin(z) for 0 <= z <= 0.27, where 20 terms of the series are exact to double precision.
double small_asin(double z) {
  const double z2 = z * z;
  double sum = 0.0;
  for (int k = 20; k >= 1; --k) {
    const double n = 2.0 * k;
    // Ratio of neighbouring terms: (n-1)^2 / (n (n+1)).
    sum = (1.0 + sum) * (z2 * (n - 1.0) * (n - 1.0) / (n * (n + 1.0)));
  }
  return z * (1.0 + sum);
}

// asin(z) = 2 asin(z / sqrt(2 (1 + sqrt(1 - z^2)))): halves the angle until the series is short.
double asin_of(double z) {
  int halvings = 0;
  while (z > 0.27) {
    z = z / std::sqrt(2.0 * (1.0 + std::sqrt(1.0 - z * z)));
    ++halvings;
  }
  double angle = small_asin(z);
  for (; halvings > 0; --halvings) angle *= 2.0;
  return angle;
}

}  // namespace

SinCos sin_cos(double radians) {
  // pi/2 in two parts: the first has 33 significant bits, so quarter * high is exact below 2^20
  // quarters.
  constexpr double high = 1.57079632673412561417e+00;
  constexpr double low = 6.07710050650619224932e-11;
  const double quarters = std::floor(radians / (pi / 2) + 0.5);
  const double rest = (radians - quarters * high) - quarters * low;
  const SinCos small = small_sin_cos(rest);
  const double turn = quarters - 4.0 * std::floor(quarters / 4.0);
  if (turn < 0.5) return small;
  if (turn < 1.5) return {small.cos, -small.sin};
  if (turn < 2.5) return {-small.sin, -small.cos};
  return {-small.cos, small.sin};
}

double exact_tan(double radians) {
  const SinCos both = sin_cos(radians);
  return both.sin / both.cos;
}

double exact_acos(double cosine) {
  if (!(cosine > -1.0)) return pi;
  if (cosine >= 1.0) return 0.0;
  if (cosine < 0.0) return pi - exact_acos(-cosine);
  return 2.0 * asin_of(std::sqrt((1.0 - cosine) * 0.5));
}

}  // namespace framebus::render
