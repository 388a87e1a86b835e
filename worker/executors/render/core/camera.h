// From (pixel, sample) to a camera ray, by filter importance sampling: each sample belongs to one
// pixel and has weight one, so nothing is ever splatted over tile borders.
#pragma once

#include "worker/executors/render/core/sampler.h"
#include "worker/executors/render/core/vector.h"

FB_CORE_BEGIN

// Offset from the pixel's centre, distributed as the filter, which is symmetric.
FB_FN float filter_offset(const Tables& tables, float u) {
  const bool is_upper = u >= 0.5f;
  const float twice = 2.0f * (is_upper ? 1.0f - u : u);
  const float x = fb_sqrt(fb_sqrt(twice)) * 1024.0f;
  const std::int32_t i = floor_to_int(fb_clamp(x, 0.0f, 1023.0f));
  const float t = x - static_cast<float>(i);
  const float low = tables.filter_inverse_cdf[i], high = tables.filter_inverse_cdf[i + 1];
  const float offset = low + (high - low) * t;
  return is_upper ? -offset : offset;
}

// The ray through the film point (film_x, film_y), in pixels from the top left corner. Unit
// direction.
FB_FN Ray camera_ray(const Camera& camera, std::uint32_t width, std::uint32_t height, float film_x,
                     float film_y) {
  const float x = (2.0f * film_x / static_cast<float>(width) - 1.0f) * camera.tan_half_x;
  const float y = (1.0f - 2.0f * film_y / static_cast<float>(height)) * camera.tan_half_y;
  const Float3 offset = camera.right * x + camera.up * y;
  Ray ray;
  if (camera.orthographic != 0) {
    ray.origin = camera.position + offset;
    ray.direction = camera.forward;
  } else {
    ray.origin = camera.position;
    ray.direction = normalize_or(camera.forward + offset, camera.forward);
  }
  ray.t_max = float_max;
  ray.key = 0;
  ray.skip_instance = no_index;
  ray.skip_primitive = no_index;
  return ray;
}

FB_CORE_END
