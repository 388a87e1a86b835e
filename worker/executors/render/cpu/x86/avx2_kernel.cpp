// The kernel for x86-64-v3 (AVX2, FMA): trees of width 8 on 256-bit registers. Box tests are fused;
// that changes which boxes are entered within their padding, and no hit.
#define FB_ISA isa_avx2
#include "worker/executors/render/cpu/kernel_loops.h"
#include "worker/executors/render/cpu/x86/float_mode.h"
#include "worker/executors/render/cpu/x86/triangle_lanes.h"

FB_CORE_BEGIN

struct Avx2Isa {
  static constexpr const char* name = "avx2";
  static constexpr int width = 8;
  using FloatMode = X86FloatMode;

  struct Slabs {
    __m256 inverse_near[3], inverse_far[3], shift_near[3], shift_far[3];  // shift: origin x inverse
    std::size_t near_offset[3], far_offset[3];  // of the rows of bounds, bytes
  };
  static Slabs make_slabs(const RaySetup& s, float pad) {
    Slabs r;
    for (int axis = 0; axis < 3; ++axis) {
      const bool is_negative = s.inverse[axis] < 0.0f;
      const std::size_t low = static_cast<std::size_t>(axis) * sizeof(__m256);
      const std::size_t high = low + 3 * sizeof(__m256);
      r.near_offset[axis] = is_negative ? high : low;
      r.far_offset[axis] = is_negative ? low : high;
      const float shift = is_negative ? -pad : pad;
      const float inverse_near = s.inverse[axis] * (1.0f - 16.0f * unit_roundoff);
      const float inverse_far = s.inverse[axis] * (1.0f + 16.0f * unit_roundoff);
      r.inverse_near[axis] = _mm256_set1_ps(inverse_near);
      r.inverse_far[axis] = _mm256_set1_ps(inverse_far);
      r.shift_near[axis] = _mm256_set1_ps((s.origin[axis] + shift) * inverse_near);
      r.shift_far[axis] = _mm256_set1_ps((s.origin[axis] - shift) * inverse_far);
    }
    return r;
  }
  static unsigned enter(const WideNode<width>& n, const Slabs& s, float t_max, float* t_enter) {
    const char* bounds = reinterpret_cast<const char*>(&n.bounds[0][0]);
    const auto row = [bounds](std::size_t offset) {
      return _mm256_load_ps(reinterpret_cast<const float*>(bounds + offset));
    };
    const __m256 near_x =
        _mm256_fmsub_ps(row(s.near_offset[0]), s.inverse_near[0], s.shift_near[0]);
    const __m256 near_y =
        _mm256_fmsub_ps(row(s.near_offset[1]), s.inverse_near[1], s.shift_near[1]);
    const __m256 near_z =
        _mm256_fmsub_ps(row(s.near_offset[2]), s.inverse_near[2], s.shift_near[2]);
    const __m256 far_x = _mm256_fmsub_ps(row(s.far_offset[0]), s.inverse_far[0], s.shift_far[0]);
    const __m256 far_y = _mm256_fmsub_ps(row(s.far_offset[1]), s.inverse_far[1], s.shift_far[1]);
    const __m256 far_z = _mm256_fmsub_ps(row(s.far_offset[2]), s.inverse_far[2], s.shift_far[2]);
    const __m256 enters =
        _mm256_max_ps(_mm256_max_ps(near_x, near_y), _mm256_max_ps(near_z, _mm256_setzero_ps()));
    const __m256 leaves =
        _mm256_min_ps(_mm256_min_ps(far_x, far_y), _mm256_min_ps(far_z, _mm256_set1_ps(t_max)));
    _mm256_store_ps(t_enter, enters);
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(enters, leaves, _CMP_LE_OQ)));
  }

  using Shears = TriangleShears;
  static Shears make_shears(const RaySetup& s) { return make_triangle_shears(s); }
  static unsigned may_hit(const TriangleBlock& block, const Shears& s, float t_max) {
    return triangles_may_hit(block, s, t_max);
  }
};

FB_CORE_END

namespace framebus::render {
const Kernel* avx2_kernel() {
  return kernel_of<Avx2Isa>();
}
}  // namespace framebus::render
