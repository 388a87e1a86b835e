// Vectors, quaternions and affine transforms of the scene compiler, in double precision.
//
// Nodes are composed in double and rounded once to the tracer's floats, so that deep hierarchies
// stay exact. Plain arithmetic only; see exact_math.h for why no libm function is used.
#pragma once

#include <array>
#include <cmath>

#include "worker/executors/render/core/scene_view.h"

namespace framebus::render {

struct Vec3 {
  double x = 0, y = 0, z = 0;
};

inline Vec3 operator+(Vec3 a, Vec3 b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
inline Vec3 operator-(Vec3 a, Vec3 b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
inline Vec3 operator*(Vec3 a, double s) {
  return {a.x * s, a.y * s, a.z * s};
}
inline double dot(Vec3 a, Vec3 b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
inline Vec3 cross(Vec3 a, Vec3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline double length(Vec3 a) {
  return std::sqrt(dot(a, a));
}
inline Vec3 to_double(Float3 a) {
  return {a.x, a.y, a.z};
}
inline Vec3 vec3_of(const std::array<double, 3>& a) {
  return {a[0], a[1], a[2]};
}
inline Float3 to_float(Vec3 a) {
  return {static_cast<float>(a.x), static_cast<float>(a.y), static_cast<float>(a.z)};
}
// The fallback when `a` has no direction.
inline Vec3 normalized_or(Vec3 a, Vec3 fallback) {
  const double l = length(a);
  return l > 0 && std::isfinite(l) ? a * (1.0 / l) : fallback;
}

struct Quaternion {
  double x = 0, y = 0, z = 0, w = 1;
};

// The rotation by `q` scaled to unit length; the identity when it has no length.
Quaternion normalized(Quaternion q);
// Spherical interpolation along the shorter arc, as glTF prescribes for linear rotation samplers.
Quaternion slerp(Quaternion a, Quaternion b, double t);

// m[row][column]; the fourth row is 0 0 0 1.
struct Transform {
  std::array<std::array<double, 4>, 3> m{{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};

  Vec3 point(Vec3 p) const;
  Vec3 vector(Vec3 v) const;
  double determinant() const;
  bool is_finite() const;
};

Transform operator*(const Transform& a, const Transform& b);  // first b, then a
Transform compose(Vec3 translation, Quaternion rotation, Vec3 scale);
// Rotations about x, then y, then z, in degrees.
Quaternion quaternion_of_euler(Vec3 degrees);
// The determinant is not zero.
Transform inverse(const Transform& t);
Affine to_affine(const Transform& t);

}  // namespace framebus::render
