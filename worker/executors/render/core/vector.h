// Three-component vectors, affine transforms and orthonormal frames.
//
// Every expression has one fixed order of operations: that order is part of the picture's bits.
#pragma once

#include "worker/executors/render/core/exact.h"
#include "worker/executors/render/core/scene_view.h"

FB_CORE_BEGIN

FB_FN Float3 operator+(Float3 a, Float3 b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
FB_FN Float3 operator-(Float3 a, Float3 b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
FB_FN Float3 operator-(Float3 a) {
  return {-a.x, -a.y, -a.z};
}
FB_FN Float3 operator*(Float3 a, Float3 b) {
  return {a.x * b.x, a.y * b.y, a.z * b.z};
}
FB_FN Float3 operator*(Float3 a, float s) {
  return {a.x * s, a.y * s, a.z * s};
}
FB_FN Float3 operator*(float s, Float3 a) {
  return {a.x * s, a.y * s, a.z * s};
}

FB_FN float dot(Float3 a, Float3 b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
FB_FN Float3 cross(Float3 a, Float3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
FB_FN float length_of(Float3 a) {
  return fb_sqrt(dot(a, a));
}
FB_FN Float3 abs_of(Float3 a) {
  return {fb_abs(a.x), fb_abs(a.y), fb_abs(a.z)};
}
FB_FN float max_component(Float3 a) {
  return fb_max(a.x, fb_max(a.y, a.z));
}
FB_FN bool is_finite(Float3 a) {
  return is_finite(a.x) && is_finite(a.y) && is_finite(a.z);
}
FB_FN bool is_zero(Float3 a) {
  return a.x == 0.0f && a.y == 0.0f && a.z == 0.0f;
}
FB_FN float luminance(Float3 c) {
  return 0.2126f * c.x + 0.7152f * c.y + 0.0722f * c.z;
}
FB_FN Float3 lerp(Float3 a, Float3 b, float t) {
  return a * (1.0f - t) + b * t;
}

// Unit length, or `fallback` when a has no direction.
FB_FN Float3 normalize_or(Float3 a, Float3 fallback) {
  const float squared = dot(a, a);
  if (!(squared > 1e-36f) || !is_finite(squared)) return fallback;
  return a * (1.0f / fb_sqrt(squared));
}

FB_FN Float3 transform_point(const Affine& m, Float3 p) {
  return {m.row[0].x * p.x + m.row[0].y * p.y + m.row[0].z * p.z + m.row[0].w,
          m.row[1].x * p.x + m.row[1].y * p.y + m.row[1].z * p.z + m.row[1].w,
          m.row[2].x * p.x + m.row[2].y * p.y + m.row[2].z * p.z + m.row[2].w};
}
FB_FN Float3 transform_vector(const Affine& m, Float3 v) {
  return {m.row[0].x * v.x + m.row[0].y * v.y + m.row[0].z * v.z,
          m.row[1].x * v.x + m.row[1].y * v.y + m.row[1].z * v.z,
          m.row[2].x * v.x + m.row[2].y * v.y + m.row[2].z * v.z};
}
// A normal goes to world space by the transposed inverse, so `to_object` is what is wanted here.
FB_FN Float3 transform_normal(const Affine& to_object, Float3 n) {
  return {to_object.row[0].x * n.x + to_object.row[1].x * n.y + to_object.row[2].x * n.z,
          to_object.row[0].y * n.x + to_object.row[1].y * n.y + to_object.row[2].y * n.z,
          to_object.row[0].z * n.x + to_object.row[1].z * n.y + to_object.row[2].z * n.z};
}

// Orthonormal basis around a unit vector z (Duff et al., 2017).
struct Basis {
  Float3 x, y, z;
};
FB_FN Basis basis_around(Float3 z) {
  const float sign = (bits_of(z.z) >> 31) != 0 ? -1.0f : 1.0f;
  const float a = -1.0f / (sign + z.z);
  const float b = z.x * z.y * a;
  return {{1.0f + sign * z.x * z.x * a, sign * b, -sign * z.x}, {b, sign + z.y * z.y * a, -z.y}, z};
}
FB_FN Float3 to_local(const Basis& f, Float3 v) {
  return {dot(f.x, v), dot(f.y, v), dot(f.z, v)};
}
FB_FN Float3 to_world(const Basis& f, Float3 v) {
  return f.x * v.x + f.y * v.y + f.z * v.z;
}

FB_CORE_END
