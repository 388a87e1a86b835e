// sRGB by Newton's fifth root; 8-bit codes by their exact thresholds.
#include "worker/executors/render/film/srgb.h"

#include <algorithm>
#include <cmath>

namespace framebus::render {

namespace {

// x^(1/5), x in (0, 1]: Newton's iteration from above converges monotonically; it stops when it no
// longer falls.
double fifth_root(double x) {
  double r = 1.0;
  for (;;) {
    const double r2 = r * r;
    const double next = (4.0 * r + x / (r2 * r2)) / 5.0;
    if (!(next < r)) return r;
    r = next;
  }
}

// x^2.4 = (x^12)^(1/5).
double power_2_4(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return fifth_root(x4 * x4 * x4);
}

// The linear values at which the nearest code changes: halfway between neighbours in the encoded
// space.
const std::array<double, 255>& code_thresholds() {
  static const std::array<double, 255> thresholds = [] {
    std::array<double, 255> t{};
    for (std::size_t i = 0; i < t.size(); ++i)
      t[i] = linear_of_srgb((static_cast<double>(i) + 0.5) / 255.0);
    return t;
  }();
  return thresholds;
}

}  // namespace

double linear_of_srgb(double encoded) {
  if (!(encoded > 0)) return 0;
  if (encoded >= 1) return 1;
  if (encoded <= 0.04045) return encoded / 12.92;
  return power_2_4((encoded + 0.055) / 1.055);
}

std::uint8_t srgb8_of_linear(double linear) {
  if (!(linear > 0)) return 0;
  const auto& t = code_thresholds();
  return static_cast<std::uint8_t>(std::upper_bound(t.begin(), t.end(), linear) - t.begin());
}

const std::array<float, 256>& linear_of_srgb8() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> t{};
    for (std::size_t i = 0; i < t.size(); ++i)
      t[i] = static_cast<float>(linear_of_srgb(static_cast<double>(i) / 255.0));
    return t;
  }();
  return table;
}

double exact_exp2(double x) {
  if (!(x > -126)) x = -126;
  if (x > 126) x = 126;
  const double whole = std::floor(x);
  double rest = x - whole;
  double root = 2.0;
  double result = 1.0;
  // The binary digits of the rest choose square roots of square roots of 2.
  for (int digit = 0; digit < 30; ++digit) {
    root = std::sqrt(root);
    rest *= 2;
    if (rest >= 1) {
      result *= root;
      rest -= 1;
    }
  }
  return std::ldexp(result, static_cast<int>(whole));
}

}  // namespace framebus::render
