// The kernel for every x86-64: trees of width 4 on 128-bit registers.
#define FB_ISA isa_sse2
#include "worker/executors/render/cpu/kernel_loops.h"
#include "worker/executors/render/cpu/x86/float_mode.h"
#include "worker/executors/render/cpu/x86/triangle_lanes.h"

FB_CORE_BEGIN

struct Sse2Isa {
  static constexpr const char* name = "sse2";
  static constexpr int width = 4;
  using FloatMode = X86FloatMode;

  struct Slabs {
    __m128 inverse_near[3], inverse_far[3], origin_near[3], origin_far[3];
    int near_row[3];
  };
  static Slabs make_slabs(const RaySetup& s, float pad) {
    Slabs r;
    for (int axis = 0; axis < 3; ++axis) {
      const bool is_negative = s.inverse[axis] < 0.0f;
      r.near_row[axis] = is_negative ? axis + 3 : axis;
      const float shift = is_negative ? -pad : pad;
      r.origin_near[axis] = _mm_set1_ps(s.origin[axis] + shift);
      r.origin_far[axis] = _mm_set1_ps(s.origin[axis] - shift);
      r.inverse_near[axis] = _mm_set1_ps(s.inverse[axis] * (1.0f - 16.0f * unit_roundoff));
      r.inverse_far[axis] = _mm_set1_ps(s.inverse[axis] * (1.0f + 16.0f * unit_roundoff));
    }
    return r;
  }
  static __m128 distance(const float* row, __m128 origin, __m128 inverse) {
    return _mm_mul_ps(_mm_sub_ps(_mm_load_ps(row), origin), inverse);
  }
  static unsigned enter(const WideNode<width>& n, const Slabs& s, float t_max, float* t_enter) {
    const int x = s.near_row[0], y = s.near_row[1], z = s.near_row[2];
    const __m128 near_x = distance(n.bounds[x], s.origin_near[0], s.inverse_near[0]);
    const __m128 near_y = distance(n.bounds[y], s.origin_near[1], s.inverse_near[1]);
    const __m128 near_z = distance(n.bounds[z], s.origin_near[2], s.inverse_near[2]);
    const __m128 far_x = distance(n.bounds[3 - x], s.origin_far[0], s.inverse_far[0]);
    const __m128 far_y = distance(n.bounds[5 - y], s.origin_far[1], s.inverse_far[1]);
    const __m128 far_z = distance(n.bounds[7 - z], s.origin_far[2], s.inverse_far[2]);
    const __m128 enters =
        _mm_max_ps(_mm_max_ps(near_x, near_y), _mm_max_ps(near_z, _mm_setzero_ps()));
    const __m128 leaves =
        _mm_min_ps(_mm_min_ps(far_x, far_y), _mm_min_ps(far_z, _mm_set1_ps(t_max)));
    _mm_store_ps(t_enter, enters);
    return static_cast<unsigned>(_mm_movemask_ps(_mm_cmple_ps(enters, leaves)));
  }

  using Shears = TriangleShears;
  static Shears make_shears(const RaySetup& s) { return make_triangle_shears(s); }
  static unsigned may_hit(const TriangleBlock& block, const Shears& s, float t_max) {
    return triangles_may_hit(block, s, t_max);
  }
};

FB_CORE_END

namespace framebus::render {
const Kernel* sse2_kernel() {
  return kernel_of<Sse2Isa>();
}
}  // namespace framebus::render
