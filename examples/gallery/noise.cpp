// See noise.h.
#include "examples/gallery/noise.h"

#include <cmath>

namespace framebus::gallery {

double random_unit(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  std::uint64_t h =
      a * 0x9E3779B97F4A7C15ull ^ b * 0xC2B2AE3D27D4EB4Full ^ c * 0x165667B19E3779F9ull;
  h ^= h >> 29;
  h *= 0xBF58476D1CE4E5B9ull;
  h ^= h >> 32;
  h *= 0x94D049BB133111EBull;
  h ^= h >> 29;
  return static_cast<double>(h >> 11) * 0x1p-53;
}

double value_noise(double x, double y, std::uint32_t period, std::uint32_t seed) {
  const double fx = std::floor(x), fy = std::floor(y);
  const auto cell = [&](double v) {
    const double p = period;
    return static_cast<std::uint32_t>(v - p * std::floor(v / p));
  };
  const auto smooth = [](double t) { return t * t * (3 - 2 * t); };
  const double tx = smooth(x - fx), ty = smooth(y - fy);
  const std::uint32_t x0 = cell(fx), x1 = cell(fx + 1), y0 = cell(fy), y1 = cell(fy + 1);
  const double a = random_unit(x0, y0, seed), b = random_unit(x1, y0, seed);
  const double c = random_unit(x0, y1, seed), d = random_unit(x1, y1, seed);
  return (a + (b - a) * tx) * (1 - ty) + (c + (d - c) * tx) * ty;
}

double fractal_noise(double x, double y, std::uint32_t first_period, int octaves,
                     std::uint32_t seed) {
  double sum = 0, weight = 0.5, total = 0;
  std::uint32_t period = first_period;
  for (int i = 0; i < octaves; ++i) {
    sum +=
        weight * value_noise(x * period, y * period, period, seed + static_cast<std::uint32_t>(i));
    total += weight;
    weight *= 0.5;
    period *= 2;
  }
  return sum / total;
}

}  // namespace framebus::gallery
