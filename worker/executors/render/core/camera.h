// From (pixel, sample) to a camera ray, by filter importance sampling: each sample belongs to one pixel and
// has weight one, so nothing is ever splatted over tile borders.
#pragma once

#include "worker/executors/render/core/sampler.h"
#include "worker/executors/render/core/vector.h"

FB_CORE_BEGIN

// Offset from the pixel's centre, distributed as the filter.
FB_FN float filter_offset(const Tables& tables, float u) {
  const float x = u * 1024.0f;
  const std::int32_t i = floor_to_int(x);
  const float t = x - static_cast<float>(i);
  const float low = tables.filter_inverse_cdf[i], high = tables.filter_inverse_cdf[i + 1];
  return low + (high - low) * t;
}

// The ray through the film point (film_x, film_y), in pixels from the top left corner. Unit direction.
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
