// Stage accumulate: a finished path into exact int64 sums (film/accumulator.h has the scales and
// limits).
//
// Back ends add a pixel's PixelSums to the planes of a Sums. The order of adding is free.
#pragma once

#include "worker/executors/render/core/path.h"

FB_CORE_BEGIN

// Fixed point of one component; a NaN counts as 0.
FB_FN std::int64_t film_fixed(float value, float limit, int scale_bits, PixelSums& sums) {
  if (is_nan(value)) {
    ++sums.nan_count;
    return 0;
  }
  if (value > limit || value < -limit) {
    ++sums.clamp_count;
    value = value > 0.0f ? limit : -limit;
  }
  return fixed_of(value, scale_bits);
}

FB_FN void add_color(Float3 c, std::int64_t* plane, PixelSums& sums) {
  plane[0] += film_fixed(c.x, 131072.0f, 30, sums);
  plane[1] += film_fixed(c.y, 131072.0f, 30, sums);
  plane[2] += film_fixed(c.z, 131072.0f, 30, sums);
}

// `layers`: bits of film/accumulator.h's Layer: rgb 1, albedo 2, normal 4, depth 8.
FB_FN void accumulate(const RenderParams& p, const PathState& s, PixelSums& sums) {
  if ((p.layers & 1u) != 0) add_color(radiance_of(p, s), sums.rgb, sums);
  if ((p.layers & 2u) != 0) add_color(s.albedo, sums.albedo, sums);
  if ((p.layers & 4u) != 0) add_color(s.normal, sums.normal, sums);
  if ((p.layers & 8u) != 0 && s.depth >= 0.0f) {
    sums.depth += film_fixed(s.depth, 134217728.0f, 20, sums);
    ++sums.depth_hits;
  }
}

FB_CORE_END
