// The kernel of plain loops, for any architecture; compilers turn them into vectors where they can.
#define FB_ISA isa_scalar
#include <cfenv>

#include "worker/executors/render/cpu/kernel_loops.h"

FB_CORE_BEGIN

struct ScalarIsa {
  static constexpr const char* name = "scalar";
  static constexpr int width = 4;

  // The default floating-point environment, without flush-to-zero, while it lives.
  class FloatMode {
   public:
    FloatMode() {
      std::fegetenv(&saved_);
      std::fesetenv(FE_DFL_ENV);
    }
    ~FloatMode() { std::fesetenv(&saved_); }
    FloatMode(const FloatMode&) = delete;
    FloatMode& operator=(const FloatMode&) = delete;

   private:
    std::fenv_t saved_;
  };

  struct Slabs {
    float inverse_near[3], inverse_far[3], origin_near[3], origin_far[3];
    int near_row[3], far_row[3];
  };
  static Slabs make_slabs(const RaySetup& s, float pad) {
    Slabs r;
    for (int axis = 0; axis < 3; ++axis) {
      const bool is_negative = s.inverse[axis] < 0.0f;
      r.near_row[axis] = is_negative ? axis + 3 : axis;
      r.far_row[axis] = is_negative ? axis : axis + 3;
      r.origin_near[axis] = is_negative ? s.origin[axis] - pad : s.origin[axis] + pad;
      r.origin_far[axis] = is_negative ? s.origin[axis] + pad : s.origin[axis] - pad;
      r.inverse_near[axis] = s.inverse[axis] * (1.0f - 16.0f * unit_roundoff);
      r.inverse_far[axis] = s.inverse[axis] * (1.0f + 16.0f * unit_roundoff);
    }
    return r;
  }
  static unsigned enter(const WideNode<width>& node, const Slabs& s, float t_max, float* t_enter) {
    float leave[width];
    for (int i = 0; i < width; ++i) t_enter[i] = 0.0f, leave[i] = t_max;
    for (int axis = 0; axis < 3; ++axis) {
      const float* near_row = node.bounds[s.near_row[axis]];
      const float* far_row = node.bounds[s.far_row[axis]];
      for (int i = 0; i < width; ++i) {
        t_enter[i] = fb_max((near_row[i] - s.origin_near[axis]) * s.inverse_near[axis], t_enter[i]);
        leave[i] = fb_min((far_row[i] - s.origin_far[axis]) * s.inverse_far[axis], leave[i]);
      }
    }
    unsigned mask = 0;
    for (int i = 0; i < width; ++i) mask |= (t_enter[i] <= leave[i] ? 1u : 0u) << i;
    return mask;
  }

  using Shears = const RaySetup*;
  static Shears make_shears(const RaySetup& s) { return &s; }
  // Edge functions only: all that is wanted is to be rid of most triangles.
  static unsigned may_hit(const TriangleBlock& block, Shears ray, float) {
    const RaySetup& s = *ray;
    unsigned mask = 0;
    for (int i = 0; i < 4; ++i) {
      const float v0[3] = {block.v[0][0][i], block.v[0][1][i], block.v[0][2][i]};
      const float v1[3] = {block.v[1][0][i], block.v[1][1][i], block.v[1][2][i]};
      const float v2[3] = {block.v[2][0][i], block.v[2][1][i], block.v[2][2][i]};
      const Sheared r = shear(s, v0, v1, v2);
      const float u = r.cx * r.by - r.cy * r.bx, v = r.ax * r.cy - r.ay * r.cx;
      const float w = r.bx * r.ay - r.by * r.ax;
      const bool is_inside =
          (u >= 0.0f && v >= 0.0f && w >= 0.0f) || (u <= 0.0f && v <= 0.0f && w <= 0.0f);
      mask |= (is_inside ? 1u : 0u) << i;
    }
    return mask;
  }
};

FB_CORE_END

namespace framebus::render {
const Kernel* scalar_kernel() {
  return kernel_of<ScalarIsa>();
}
}  // namespace framebus::render
