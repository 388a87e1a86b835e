#include "worker/executors/render/core/tables.h"

#include <vector>

#include "worker/executors/render/core/elementary.h"

namespace framebus::render {
namespace {

// sRGB's ((x + 0.055) / 1.055)^2.4, where y = x^0.4 is the root of y^5 = x^2 by Newton's method.
double srgb_to_linear(double encoded) {
  if (encoded <= 0.04045) return encoded / 12.92;
  const double x = (encoded + 0.055) / 1.055;
  const double target = x * x;
  double y = 1.0;
  for (int i = 0; i < 60; ++i) y = y - (y * y * y * y * y - target) / (5.0 * y * y * y * y);
  return x * x * y;
}

// Cosine of any angle by its series after reduction to [-pi, pi].
double cosine(double x) {
  const double two_pi = 6.28318530717958647692;
  while (x > 0.5 * two_pi) x -= two_pi;
  while (x < -0.5 * two_pi) x += two_pi;
  double term = 1.0, sum = 1.0;
  for (int k = 1; k <= 20; ++k) {
    term *= -x * x / ((2.0 * k - 1.0) * (2.0 * k));
    sum += term;
  }
  return sum;
}

// Inverse of the filter's cumulative integral at half (i / 1024)^4: the lower half of the filter,
// with entries crowded where it fades out (Simpson's rule in 16,384 steps; linear within one).
void invert_filter(Filter filter, float* inverse) {
  constexpr int step_count = 16384, entry_count = 1024;
  const double radius = filter_radius(filter), step = 2.0 * radius / step_count;
  std::vector<double> cumulative(step_count + 1, 0.0);
  for (int i = 0; i < step_count; ++i) {
    const double x = -radius + i * step;
    const double area = filter_value(filter, x) + 4.0 * filter_value(filter, x + 0.5 * step) +
                        filter_value(filter, x + step);
    cumulative[i + 1] = cumulative[i] + area * step / 6.0;
  }
  const double total = cumulative[step_count];
  int i = 0;
  for (int entry = 0; entry <= entry_count; ++entry) {
    const double s = static_cast<double>(entry) / entry_count;
    const double target = total * 0.5 * s * s * s * s;
    while (i < step_count - 1 && cumulative[i + 1] < target) ++i;
    const double width = cumulative[i + 1] - cumulative[i];
    const double within = width > 0.0 ? (target - cumulative[i]) / width : 0.0;
    inverse[entry] = static_cast<float>(-radius + (i + (within < 1.0 ? within : 1.0)) * step);
  }
}

// Direction numbers of Joe and Kuo (2008), dimensions 1 to 4: degree, coefficients, initial
// numbers.
struct SobolDimension {
  int degree;
  std::uint32_t coefficients;
  std::uint32_t initial[3];
};
constexpr SobolDimension sobol_dimensions[4] = {
    {0, 0, {0, 0, 0}}, {1, 0, {1, 0, 0}}, {2, 1, {1, 3, 0}}, {3, 1, {1, 3, 1}}};

void direction_numbers(const SobolDimension& dimension, std::uint32_t* directions) {
  for (int i = 0; i < 32; ++i) {
    if (dimension.degree == 0) {
      directions[i] = 1u << (31 - i);
    } else if (i < dimension.degree) {
      directions[i] = dimension.initial[i] << (31 - i);
    } else {
      const int s = dimension.degree;
      std::uint32_t v = directions[i - s] ^ (directions[i - s] >> s);
      for (int k = 1; k < s; ++k)
        if (((dimension.coefficients >> (s - 1 - k)) & 1u) != 0) v ^= directions[i - k];
      directions[i] = v;
    }
  }
}

void fill_sobol(Tables& tables) {
  for (int d = 0; d < 4; ++d) {
    std::uint32_t directions[32];
    direction_numbers(sobol_dimensions[d], directions);
    for (int nibble = 0; nibble < 4; ++nibble)
      for (std::uint32_t value = 0; value < 16; ++value) {
        std::uint32_t sum = 0;
        for (int bit = 0; bit < 4; ++bit)
          if (((value >> bit) & 1u) != 0) sum ^= directions[4 * nibble + bit];
        tables.sobol[nibble][value][d] = sum;
      }
  }
}

}  // namespace

double filter_radius(Filter filter) {
  switch (filter) {
    case Filter::box:
      return 0.5;
    case Filter::triangle:
      return 1.0;
    case Filter::gaussian:
      return 1.5;
    case Filter::blackman_harris:
      return 1.5;
  }
  return 0.5;
}

double filter_value(Filter filter, double x) {
  const double radius = filter_radius(filter);
  const double distance = x < 0.0 ? -x : x;
  if (distance > radius) return 0.0;
  switch (filter) {
    case Filter::box:
      return 1.0;
    case Filter::triangle:
      return 1.0 - distance;
    case Filter::gaussian: {
      const double value = exp_wide(-2.0 * x * x) - exp_wide(-2.0 * radius * radius);
      return value > 0.0 ? value : 0.0;
    }
    case Filter::blackman_harris: {
      const double angle = 6.28318530717958647692 * (x / (2.0 * radius) + 0.5);
      const double value = 0.35875 - 0.48829 * cosine(angle) + 0.14128 * cosine(2.0 * angle) -
                           0.01168 * cosine(3.0 * angle);
      return value > 0.0 ? value : 0.0;
    }
  }
  return 0.0;
}

Tables make_tables(Filter filter) {
  Tables tables{};
  for (int i = 0; i < 256; ++i)
    tables.srgb_to_linear[i] = static_cast<float>(srgb_to_linear(i / 255.0));
  invert_filter(filter, tables.filter_inverse_cdf);
  fill_sobol(tables);
  return tables;
}

}  // namespace framebus::render
