// Repair, mean and CDFs of an environment map.
#include "worker/executors/render/scene/environment_map.h"

#include <algorithm>
#include <cmath>

#include "worker/executors/render/scene/exact_math.h"
#include "worker/executors/render/scene/scene_limits.h"

namespace framebus::render {

namespace {

constexpr float radiance_max = 1e8f;

std::uint64_t repair(std::vector<Float3>& pixels) {
  std::uint64_t repaired = 0;
  for (Float3& pixel : pixels) {
    bool is_broken = false;
    for (float* value : {&pixel.x, &pixel.y, &pixel.z}) {
      if (*value >= 0 && *value <= radiance_max) continue;
      *value = *value > 0 ? radiance_max : 0.0f;
      is_broken = true;
    }
    repaired += is_broken ? 1 : 0;
  }
  return repaired;
}

// A CDF of `weights` into out[0..n]: 0 first, exactly 1 last, never falling. No weight at all:
// uniform.
void write_cdf(const std::vector<double>& weights, double total, float* out) {
  double sum = 0;
  const auto n = static_cast<double>(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    out[i] = static_cast<float>(total > 0 ? sum / total : static_cast<double>(i) / n);
    sum += weights[i];
  }
  out[weights.size()] = 1.0f;
}

// The mean over each texel of what bilinear lookups find along a line: with values a, b, c around
// the texel it is (a + 6 b + c) / 8.
double texel_mean(double before, double here, double after) {
  return (before + 6.0 * here + after) * 0.125;
}

std::vector<double> smoothed_luminance(const EnvironmentMap& map) {
  const std::size_t width = map.width, height = map.height;
  std::vector<double> along(width * height), both(width * height);
  const auto at = [&](std::size_t x, std::size_t y) {
    return luminance(map.pixels[y * width + x]);
  };
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      along[y * width + x] =
          texel_mean(at(x == 0 ? width - 1 : x - 1, y), at(x, y), at(x + 1 < width ? x + 1 : 0, y));
  for (std::size_t y = 0; y < height; ++y) {
    const std::size_t above = y == 0 ? 0 : y - 1, below = y + 1 < height ? y + 1 : y;
    for (std::size_t x = 0; x < width; ++x)
      both[y * width + x] =
          texel_mean(along[above * width + x], along[y * width + x], along[below * width + x]);
  }
  return both;
}

}  // namespace

void build_distribution(EnvironmentMap& map) {
  const std::size_t width = map.width;
  map.marginal.resize(std::size_t{map.height} + 1);
  map.conditional.resize(map.height * (width + 1));
  const std::vector<double> weights = smoothed_luminance(map);
  std::vector<double> columns(width), rows(map.height);
  double row_total = 0, weight_total = 0;
  double mean[3] = {0, 0, 0};
  for (std::size_t y = 0; y < map.height; ++y) {
    const double sine = sin_cos(pi * (static_cast<double>(y) + 0.5) / map.height).sin;
    double total = 0;
    double sums[3] = {0, 0, 0};
    for (std::size_t x = 0; x < width; ++x) {
      const Float3 pixel = map.pixels[y * width + x];
      columns[x] = weights[y * width + x];
      total += columns[x];
      sums[0] += static_cast<double>(pixel.x);
      sums[1] += static_cast<double>(pixel.y);
      sums[2] += static_cast<double>(pixel.z);
    }
    write_cdf(columns, total, map.conditional.data() + y * (width + 1));
    rows[y] = total * sine;
    row_total += rows[y];
    weight_total += sine * static_cast<double>(width);
    for (std::size_t c = 0; c < 3; ++c) mean[c] += sums[c] * sine;
  }
  write_cdf(rows, row_total, map.marginal.data());
  map.mean = {static_cast<float>(mean[0] / weight_total),
              static_cast<float>(mean[1] / weight_total),
              static_cast<float>(mean[2] / weight_total)};
}

double luminance(Float3 color) {
  return 0.2126 * static_cast<double>(color.x) + 0.7152 * static_cast<double>(color.y) +
         0.0722 * static_cast<double>(color.z);
}

Status check_environment_size(std::uint64_t width, std::uint64_t height) {
  if (width >= 1 && height >= 1 && width <= scene_limits::image_side_max &&
      height <= scene_limits::image_side_max &&
      width * height <= scene_limits::environment_pixels_max)
    return {};
  return fail(Code::invalid_argument,
              "a map of " + std::to_string(width) + "x" + std::to_string(height) +
                  " pixels; allowed are sides of 1 to " +
                  std::to_string(scene_limits::image_side_max) + " and at most " +
                  std::to_string(scene_limits::environment_pixels_max) + " pixels");
}

Result<EnvironmentMap> read_environment(const std::string& name, BytesView bytes) {
  const bool is_exr = bytes.size() >= 4 && bytes[0] == 0x76 && bytes[1] == 0x2F &&
                      bytes[2] == 0x31 && bytes[3] == 0x01;
  const bool is_hdr = bytes.size() >= 2 && bytes[0] == '#' && bytes[1] == '?';
  if (!is_exr && !is_hdr)
    return fail(Code::invalid_argument, name +
                                            ": neither a Radiance .hdr nor an OpenEXR file; only "
                                            "these are read as environment maps");
  auto map = is_exr ? read_exr(bytes) : read_hdr(bytes);
  if (!map) return fail(map.error().context(name));
  map->repaired_pixels = repair(map->pixels);
  build_distribution(*map);
  return std::move(*map);
}

}  // namespace framebus::render
