// Four triangles at once on 128-bit registers: the same operations in the same order as
// core/triangle.h, so a lane's sign and t are the bits that hit_triangle computes.
#pragma once

#include <immintrin.h>

#include "worker/executors/render/core/triangle.h"
#include "worker/executors/render/cpu/wide_bvh.h"

FB_CORE_BEGIN

struct TriangleShears {
  __m128 origin_x, origin_y, origin_z, sx, sy, sz;
  int kx, ky, kz;
};

inline TriangleShears make_triangle_shears(const RaySetup& s) {
  return {_mm_set1_ps(s.origin[s.kx]),
          _mm_set1_ps(s.origin[s.ky]),
          _mm_set1_ps(s.origin[s.kz]),
          _mm_set1_ps(s.sx),
          _mm_set1_ps(s.sy),
          _mm_set1_ps(s.sz),
          s.kx,
          s.ky,
          s.kz};
}

// Bit i: triangle i may be hit at 0 < t <= t_max. A lane with an edge function of zero is always
// passed on: for it hit_triangle computes in double.
inline unsigned triangles_may_hit(const TriangleBlock& block, const TriangleShears& s,
                                  float t_max) {
  const auto sheared = [](__m128 value, __m128 origin, __m128 slope, __m128 z) {
    return _mm_sub_ps(_mm_sub_ps(value, origin), _mm_mul_ps(slope, z));
  };
  const __m128 az = _mm_sub_ps(_mm_load_ps(block.v[0][s.kz]), s.origin_z);
  const __m128 bz = _mm_sub_ps(_mm_load_ps(block.v[1][s.kz]), s.origin_z);
  const __m128 cz = _mm_sub_ps(_mm_load_ps(block.v[2][s.kz]), s.origin_z);
  const __m128 ax = sheared(_mm_load_ps(block.v[0][s.kx]), s.origin_x, s.sx, az);
  const __m128 ay = sheared(_mm_load_ps(block.v[0][s.ky]), s.origin_y, s.sy, az);
  const __m128 bx = sheared(_mm_load_ps(block.v[1][s.kx]), s.origin_x, s.sx, bz);
  const __m128 by = sheared(_mm_load_ps(block.v[1][s.ky]), s.origin_y, s.sy, bz);
  const __m128 cx = sheared(_mm_load_ps(block.v[2][s.kx]), s.origin_x, s.sx, cz);
  const __m128 cy = sheared(_mm_load_ps(block.v[2][s.ky]), s.origin_y, s.sy, cz);
  const __m128 u = _mm_sub_ps(_mm_mul_ps(cx, by), _mm_mul_ps(cy, bx));
  const __m128 v = _mm_sub_ps(_mm_mul_ps(ax, cy), _mm_mul_ps(ay, cx));
  const __m128 w = _mm_sub_ps(_mm_mul_ps(bx, ay), _mm_mul_ps(by, ax));
  const __m128 zero = _mm_setzero_ps();
  const __m128 none_below =
      _mm_and_ps(_mm_and_ps(_mm_cmpge_ps(u, zero), _mm_cmpge_ps(v, zero)), _mm_cmpge_ps(w, zero));
  const __m128 none_above =
      _mm_and_ps(_mm_and_ps(_mm_cmple_ps(u, zero), _mm_cmple_ps(v, zero)), _mm_cmple_ps(w, zero));
  const __m128 is_inside = _mm_or_ps(none_below, none_above);
  if (_mm_movemask_ps(is_inside) == 0) return 0;
  const __m128 has_zero =
      _mm_or_ps(_mm_or_ps(_mm_cmpeq_ps(u, zero), _mm_cmpeq_ps(v, zero)), _mm_cmpeq_ps(w, zero));
  const __m128 det = _mm_add_ps(_mm_add_ps(u, v), w);
  const __m128 depth =
      _mm_add_ps(_mm_add_ps(_mm_mul_ps(u, az), _mm_mul_ps(v, bz)), _mm_mul_ps(w, cz));
  const __m128 t = _mm_div_ps(_mm_mul_ps(s.sz, depth), det);
  const __m128 in_range = _mm_and_ps(_mm_cmpgt_ps(t, zero), _mm_cmple_ps(t, _mm_set1_ps(t_max)));
  return static_cast<unsigned>(
      _mm_movemask_ps(_mm_and_ps(is_inside, _mm_or_ps(has_zero, in_range))));
}

FB_CORE_END
