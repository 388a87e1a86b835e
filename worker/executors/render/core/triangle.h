// Ray against triangle: watertight, the same on every machine, and consistent with padded boxes.
//
// Edge functions as in Woop, Benthin and Wald, "Watertight Ray/Triangle Intersection" (2013). Two
// triangles that share an edge evaluate it to exactly opposite values, so no ray passes between
// them. A back end may discard triangles early in its own vector registers (the same operations
// give the same bits there); whether a triangle is hit, and at which t, is decided by hit_triangle
// alone.
//
// Boxes: hit_triangle also intersects the triangle's own box, padded a little, and moves t up to
// where the ray enters it. Trees pad more. So no tree can drop a box whose triangle would have won
// (docs/decisions/0070-hits-independent-of-the-tree.md).
#pragma once

#include "worker/executors/render/core/path_state.h"
#include "worker/executors/render/core/vector.h"

FB_CORE_BEGIN

// Coordinates beyond this are not traced: products of three of them would overflow.
inline constexpr float coordinate_max = 1e12f;

// A ray prepared for one mesh (in its object space) or for the world.
struct RaySetup {
  float origin[3], direction[3];
  float inverse[3];  // 1 / direction, clamped to +-1e24 so that no product is NaN
  int kx, ky, kz;    // kz: the direction's largest component; winding kept
  float sx, sy, sz;  // shear
  float pad;         // padding of boxes: absolute, in the space of the setup
  bool is_valid;     // false: nothing can be hit (not finite, or no direction)
};

FB_FN float clamped_inverse(float d) {
  const float limit = 1e24f;
  if (!(fb_abs(d) > 1e-24f)) return (bits_of(d) >> 31) != 0 ? -limit : limit;
  return 1.0f / d;
}

// `extent`: largest absolute coordinate of what will be intersected.
FB_FN RaySetup setup_ray(Float3 origin, Float3 direction, float extent) {
  RaySetup s;
  s.origin[0] = origin.x, s.origin[1] = origin.y, s.origin[2] = origin.z;
  s.direction[0] = direction.x, s.direction[1] = direction.y, s.direction[2] = direction.z;
  const float ax = fb_abs(direction.x), ay = fb_abs(direction.y), az = fb_abs(direction.z);
  // No branches: directions are random, so they would be guessed wrong.
  const float larger = ax > ay ? ax : ay;
  s.kz = larger > az ? (ax > ay ? 0 : 1) : 2;
  const float largest = larger > az ? larger : az;
  const float reach = max_component(abs_of(origin));
  s.is_valid = reach <= coordinate_max && largest > 1e-15f && largest < 1e15f && ax <= largest &&
               ay <= largest && az <= largest && ax + ay + az < 1e16f;
  if (!s.is_valid) return s;
  const int after = s.kz == 2 ? 0 : s.kz + 1, last = after == 2 ? 0 : after + 1;
  const bool is_backward = s.direction[s.kz] < 0.0f;
  s.kx = is_backward ? last : after;
  s.ky = is_backward ? after : last;
  s.sz = 1.0f / s.direction[s.kz];
  s.sx = s.direction[s.kx] * s.sz;
  s.sy = s.direction[s.ky] * s.sz;
  for (int axis = 0; axis < 3; ++axis) s.inverse[axis] = clamped_inverse(s.direction[axis]);
  s.pad = 16.0f * unit_roundoff * (reach + extent);
  return s;
}

// Vertices relative to the ray: sheared so that the ray is the z axis.
struct Sheared {
  float ax, ay, az, bx, by, bz, cx, cy, cz;  // z is not yet scaled by sz
};
FB_FN Sheared shear(const RaySetup& s, const float* v0, const float* v1, const float* v2) {
  Sheared r;
  r.az = v0[s.kz] - s.origin[s.kz];
  r.bz = v1[s.kz] - s.origin[s.kz];
  r.cz = v2[s.kz] - s.origin[s.kz];
  r.ax = (v0[s.kx] - s.origin[s.kx]) - s.sx * r.az;
  r.ay = (v0[s.ky] - s.origin[s.ky]) - s.sy * r.az;
  r.bx = (v1[s.kx] - s.origin[s.kx]) - s.sx * r.bz;
  r.by = (v1[s.ky] - s.origin[s.ky]) - s.sy * r.bz;
  r.cx = (v2[s.kx] - s.origin[s.kx]) - s.sx * r.cz;
  r.cy = (v2[s.ky] - s.origin[s.ky]) - s.sy * r.cz;
  return r;
}

// Where the ray enters the box of three points, padded by s.pad; false when it misses. `t_enter` >=
// 0.
FB_FN bool enter_own_box(const RaySetup& s, const float* v0, const float* v1, const float* v2,
                         float& t_enter) {
  float enter = 0.0f, leave = float_max;
  for (int axis = 0; axis < 3; ++axis) {
    const float low = fb_min(v0[axis], fb_min(v1[axis], v2[axis]));
    const float high = fb_max(v0[axis], fb_max(v1[axis], v2[axis]));
    const bool is_negative = s.inverse[axis] < 0.0f;
    const float near_gap =
        is_negative ? (high - s.origin[axis]) + s.pad : (low - s.origin[axis]) - s.pad;
    const float far_gap =
        is_negative ? (low - s.origin[axis]) - s.pad : (high - s.origin[axis]) + s.pad;
    enter = fb_max(near_gap * s.inverse[axis], enter);
    leave = fb_min(far_gap * s.inverse[axis], leave);
  }
  t_enter = enter * (1.0f - 8.0f * unit_roundoff);
  return t_enter <= leave * (1.0f + 8.0f * unit_roundoff);
}

struct TriangleHit {
  float t, u, v;  // barycentrics of v1 and v2
};

// True when the ray hits at 0 < t. Zero-area and not finite triangles are never hit. Both sides
// count.
FB_FN bool hit_triangle(const RaySetup& s, const float* v0, const float* v1, const float* v2,
                        TriangleHit& hit) {
  const Sheared r = shear(s, v0, v1, v2);
  float u = r.cx * r.by - r.cy * r.bx;
  float v = r.ax * r.cy - r.ay * r.cx;
  float w = r.bx * r.ay - r.by * r.ax;
  if (u == 0.0f || v == 0.0f || w == 0.0f) {
    // Products of floats are exact in double, so the sign is now exact.
    u = static_cast<float>(double(r.cx) * double(r.by) - double(r.cy) * double(r.bx));
    v = static_cast<float>(double(r.ax) * double(r.cy) - double(r.ay) * double(r.cx));
    w = static_cast<float>(double(r.bx) * double(r.ay) - double(r.by) * double(r.ax));
  }
  const bool is_inside =
      (u >= 0.0f && v >= 0.0f && w >= 0.0f) || (u <= 0.0f && v <= 0.0f && w <= 0.0f);
  const float det = u + v + w;
  if (!is_inside || det == 0.0f) return false;
  const float t = s.sz * (u * r.az + v * r.bz + w * r.cz) / det;
  if (!(t > 0.0f) || !(t < float_max)) return false;
  float t_enter;
  if (!enter_own_box(s, v0, v1, v2, t_enter)) return false;
  hit.t = fb_max(t, t_enter);
  hit.u = v / det;
  hit.v = w / det;
  return true;
}

// The order that decides between hits.
FB_FN bool comes_before(float t, std::uint32_t instance, std::uint32_t primitive, const Hit& best) {
  if (t != best.t) return t < best.t;
  if (instance != best.instance) return instance < best.instance;
  return primitive < best.primitive;
}

FB_CORE_END
