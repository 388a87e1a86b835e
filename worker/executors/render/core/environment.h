// The environment: radiance from a direction, and sampling in proportion to it.
//
// Piecewise constant for shading and sampling alike, so radiance and density agree exactly.
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

struct EnvironmentTexel {
  std::uint32_t x, y;
  float sin_theta;
};
FB_FN EnvironmentTexel environment_texel(const Environment& e, Float3 d) {
  const float x = d.x * e.cos_rotate - d.z * e.sin_rotate;
  const float z = d.x * e.sin_rotate + d.z * e.cos_rotate;
  const float u = fb_atan2(x, -z) * (0.5f * inv_pi) + 0.5f;
  const float v = fb_acos(d.y) * inv_pi;
  EnvironmentTexel t;
  t.x = static_cast<std::uint32_t>(
      fb_clamp(u * static_cast<float>(e.width), 0.0f, static_cast<float>(e.width - 1)));
  t.y = static_cast<std::uint32_t>(
      fb_clamp(v * static_cast<float>(e.height), 0.0f, static_cast<float>(e.height - 1)));
  t.sin_theta = fb_sqrt(d.x * d.x + d.z * d.z);
  return t;
}

// Density per solid angle of a texel of a map.
FB_FN float environment_density(const Environment& e, const EnvironmentTexel& t) {
  const float* row = e.conditional + std::uint64_t{t.y} * (e.width + 1);
  const float chance = (e.marginal[t.y + 1] - e.marginal[t.y]) * (row[t.x + 1] - row[t.x]);
  const float texels = static_cast<float>(e.width) * static_cast<float>(e.height);
  return chance * texels / (2.0f * pi * pi * fb_max(t.sin_theta, 1e-6f));
}

struct EnvironmentSample {
  Float3 direction;  // unit
  Float3 radiance;
  float density;  // per solid angle, under environment sampling
};

// From a direction (unit).
FB_FN EnvironmentSample environment_at(const Environment& e, Float3 direction) {
  if (e.width == 0 || e.height == 0) return {direction, e.constant * e.scale, 0.25f * inv_pi};
  const EnvironmentTexel t = environment_texel(e, direction);
  return {direction, e.pixels[std::uint64_t{t.y} * e.width + t.x] * e.scale,
          environment_density(e, t)};
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
  EnvironmentTexel t;
  t.y = find_interval(e.marginal, e.height, u1);
  const float* row = e.conditional + std::uint64_t{t.y} * (e.width + 1);
  t.x = find_interval(row, e.width, u0);
  const float v =
      (static_cast<float>(t.y) + within_interval(e.marginal[t.y], e.marginal[t.y + 1], u1)) /
      static_cast<float>(e.height);
  const float u = (static_cast<float>(t.x) + within_interval(row[t.x], row[t.x + 1], u0)) /
                  static_cast<float>(e.width);
  const SinCos theta = sincos_turns(0.5f * v), phi = sincos_turns(u - 0.5f);
  t.sin_theta = theta.sin;
  const float x = theta.sin * phi.sin, z = -(theta.sin * phi.cos);
  const Float3 direction = {x * e.cos_rotate + z * e.sin_rotate, theta.cos,
                            z * e.cos_rotate - x * e.sin_rotate};
  return {direction, e.pixels[std::uint64_t{t.y} * e.width + t.x] * e.scale,
          environment_density(e, t)};
}

FB_CORE_END
