// The environment: radiance from a direction, and sampling in proportion to it.
//
// Radiance is bilinear; the density is constant over each texel and positive wherever radiance is,
// because the CDFs hold the means of the bilinear radiance (scene_view.h).
#pragma once

#include "worker/executors/render/core/elementary.h"
#include "worker/executors/render/core/path_state.h"
#include "worker/executors/render/core/vector.h"

FB_CORE_BEGIN

// The i with cdf[i] <= u < cdf[i + 1]; cdf has count + 1 entries, count >= 1.
FB_FN std::uint32_t find_interval(const float* cdf, std::uint32_t count, float u) {
  std::uint32_t low = 0, high = count;
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (cdf[middle] <= u) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

// A place of the map in texels: x in [0, width], y in [0, height]; centres are at halves.
struct EnvironmentPoint {
  float x, y, sin_theta;
};
FB_FN EnvironmentPoint environment_point(const Environment& e, Float3 d) {
  const float x = d.x * e.cos_rotate - d.z * e.sin_rotate;
  const float z = d.x * e.sin_rotate + d.z * e.cos_rotate;
  const float u = fb_atan2(x, -z) * (0.5f * inv_pi) + 0.5f;
  const float v = fb_acos(d.y) * inv_pi;
  const float width = static_cast<float>(e.width), height = static_cast<float>(e.height);
  return {fb_clamp(u * width, 0.0f, width), fb_clamp(v * height, 0.0f, height),
          fb_sqrt(d.x * d.x + d.z * d.z)};
}

// Bilinear between texel centres, around the seam and clamped at the poles.
FB_FN Float3 environment_radiance(const Environment& e, const EnvironmentPoint& at) {
  const std::int32_t width = static_cast<std::int32_t>(e.width);
  const std::int32_t height = static_cast<std::int32_t>(e.height);
  const std::int32_t ix = floor_to_int(at.x - 0.5f), iy = floor_to_int(at.y - 0.5f);
  const float tx = (at.x - 0.5f) - static_cast<float>(ix);
  const float ty = (at.y - 0.5f) - static_cast<float>(iy);
  const std::int32_t x0 = ix < 0 ? width - 1 : ix, x1 = ix + 1 < width ? ix + 1 : 0;
  const std::int32_t y0 = iy < 0 ? 0 : iy, y1 = iy + 1 < height ? iy + 1 : height - 1;
  const Float3* upper = e.pixels + std::int64_t{y0} * width;
  const Float3* lower = e.pixels + std::int64_t{y1} * width;
  return lerp(lerp(upper[x0], upper[x1], tx), lerp(lower[x0], lower[x1], tx), ty) * e.scale;
}

// Density per solid angle of texel (x, y) of a map.
FB_FN float environment_density(const Environment& e, std::uint32_t x, std::uint32_t y,
                                float sin_theta) {
  const float* row = e.conditional + std::uint64_t{y} * (e.width + 1);
  const float chance = (e.marginal[y + 1] - e.marginal[y]) * (row[x + 1] - row[x]);
  const float texels = static_cast<float>(e.width) * static_cast<float>(e.height);
  return chance * texels / (2.0f * pi * pi * fb_max(sin_theta, 1e-6f));
}

struct EnvironmentSample {
  Float3 direction;  // unit
  Float3 radiance;
  float density;  // per solid angle, under environment sampling
};

// From a direction (unit).
FB_FN EnvironmentSample environment_at(const Environment& e, Float3 direction) {
  if (e.width == 0 || e.height == 0) return {direction, e.constant * e.scale, 0.25f * inv_pi};
  const EnvironmentPoint at = environment_point(e, direction);
  const std::uint32_t x = static_cast<std::uint32_t>(at.x), y = static_cast<std::uint32_t>(at.y);
  return {direction, environment_radiance(e, at),
          environment_density(e, x < e.width ? x : e.width - 1, y < e.height ? y : e.height - 1,
                              at.sin_theta)};
}

FB_FN float within_interval(float low, float high, float u) {
  return high > low ? fb_clamp((u - low) / (high - low), 0.0f, 1.0f) : 0.5f;
}

// A direction from two uniform numbers.
FB_FN EnvironmentSample sample_environment(const Environment& e, float u0, float u1) {
  if (e.width == 0 || e.height == 0) {
    const float y = 1.0f - 2.0f * u0, r = fb_sqrt(fb_max(1.0f - y * y, 0.0f));
    const SinCos angle = sincos_turns(u1);
    return {{r * angle.cos, y, r * angle.sin}, e.constant * e.scale, 0.25f * inv_pi};
  }
  const std::uint32_t y = find_interval(e.marginal, e.height, u1);
  const float* row = e.conditional + std::uint64_t{y} * (e.width + 1);
  const std::uint32_t x = find_interval(row, e.width, u0);
  EnvironmentPoint at;
  at.x = static_cast<float>(x) + within_interval(row[x], row[x + 1], u0);
  at.y = static_cast<float>(y) + within_interval(e.marginal[y], e.marginal[y + 1], u1);
  const SinCos theta = sincos_turns(0.5f * (at.y / static_cast<float>(e.height)));
  const SinCos phi = sincos_turns(at.x / static_cast<float>(e.width) - 0.5f);
  at.sin_theta = theta.sin;
  const float dx = theta.sin * phi.sin, dz = -(theta.sin * phi.cos);
  const Float3 direction = {dx * e.cos_rotate + dz * e.sin_rotate, theta.cos,
                            dz * e.cos_rotate - dx * e.sin_rotate};
  return {direction, environment_radiance(e, at), environment_density(e, x, y, at.sin_theta)};
}

FB_CORE_END
