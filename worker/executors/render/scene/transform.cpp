// Affine transforms and quaternions: see transform.h.
#include "worker/executors/render/scene/transform.h"

#include "worker/executors/render/scene/exact_math.h"

namespace framebus::render {

namespace {

Quaternion scaled_sum(Quaternion a, double s, Quaternion b, double t) {
  return {a.x * s + b.x * t, a.y * s + b.y * t, a.z * s + b.z * t, a.w * s + b.w * t};
}

Quaternion product(Quaternion a, Quaternion b) {
  return {
      a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y, a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
      a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w, a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z};
}

}  // namespace

Quaternion normalized(Quaternion q) {
  const double l = std::sqrt(q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w);
  if (!(l > 0) || !std::isfinite(l)) return {};
  return {q.x / l, q.y / l, q.z / l, q.w / l};
}

Quaternion slerp(Quaternion a, Quaternion b, double t) {
  a = normalized(a);
  b = normalized(b);
  double cosine = a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
  if (cosine < 0) {
    b = {-b.x, -b.y, -b.z, -b.w};
    cosine = -cosine;
  }
  // Nearly equal rotations: the sine below would be lost in rounding, and the chord is the arc.
  if (cosine > 0.9999) return normalized(scaled_sum(a, 1.0 - t, b, t));
  const double angle = exact_acos(cosine);
  const double sine = sin_cos(angle).sin;
  return normalized(
      scaled_sum(a, sin_cos((1.0 - t) * angle).sin / sine, b, sin_cos(t * angle).sin / sine));
}

Vec3 Transform::point(Vec3 p) const {
  return vector(p) + Vec3{m[0][3], m[1][3], m[2][3]};
}

Vec3 Transform::vector(Vec3 v) const {
  return {m[0][0] * v.x + m[0][1] * v.y + m[0][2] * v.z,
          m[1][0] * v.x + m[1][1] * v.y + m[1][2] * v.z,
          m[2][0] * v.x + m[2][1] * v.y + m[2][2] * v.z};
}

double Transform::determinant() const {
  return dot({m[0][0], m[1][0], m[2][0]},
             cross({m[0][1], m[1][1], m[2][1]}, {m[0][2], m[1][2], m[2][2]}));
}

bool Transform::is_finite() const {
  for (const auto& row : m)
    for (double value : row)
      if (!(std::fabs(value) <= 1e30)) return false;
  return true;
}

Transform operator*(const Transform& a, const Transform& b) {
  Transform c;
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 4; ++column) {
      double sum = column == 3 ? a.m[row][3] : 0.0;
      for (std::size_t k = 0; k < 3; ++k) sum += a.m[row][k] * b.m[k][column];
      c.m[row][column] = sum;
    }
  return c;
}

Transform compose(Vec3 t, Quaternion rotation, Vec3 s) {
  const Quaternion q = normalized(rotation);
  Transform out;
  out.m[0] = {(1 - 2 * (q.y * q.y + q.z * q.z)) * s.x, 2 * (q.x * q.y - q.z * q.w) * s.y,
              2 * (q.x * q.z + q.y * q.w) * s.z, t.x};
  out.m[1] = {2 * (q.x * q.y + q.z * q.w) * s.x, (1 - 2 * (q.x * q.x + q.z * q.z)) * s.y,
              2 * (q.y * q.z - q.x * q.w) * s.z, t.y};
  out.m[2] = {2 * (q.x * q.z - q.y * q.w) * s.x, 2 * (q.y * q.z + q.x * q.w) * s.y,
              (1 - 2 * (q.x * q.x + q.y * q.y)) * s.z, t.z};
  return out;
}

Quaternion quaternion_of_euler(Vec3 degrees) {
  const SinCos x = sin_cos(radians_of_degrees(degrees.x) * 0.5);
  const SinCos y = sin_cos(radians_of_degrees(degrees.y) * 0.5);
  const SinCos z = sin_cos(radians_of_degrees(degrees.z) * 0.5);
  return product({0, 0, z.sin, z.cos}, product({0, y.sin, 0, y.cos}, {x.sin, 0, 0, x.cos}));
}

Transform inverse(const Transform& t) {
  const Vec3 a{t.m[0][0], t.m[1][0], t.m[2][0]};
  const Vec3 b{t.m[0][1], t.m[1][1], t.m[2][1]};
  const Vec3 c{t.m[0][2], t.m[1][2], t.m[2][2]};
  const Vec3 origin{t.m[0][3], t.m[1][3], t.m[2][3]};
  const double scale = 1.0 / t.determinant();
  const Vec3 rows[3] = {cross(b, c) * scale, cross(c, a) * scale, cross(a, b) * scale};
  Transform out;
  for (std::size_t i = 0; i < 3; ++i)
    out.m[i] = {rows[i].x, rows[i].y, rows[i].z, -dot(rows[i], origin)};
  return out;
}

Affine to_affine(const Transform& t) {
  Affine out;
  for (std::size_t i = 0; i < 3; ++i)
    out.row[i] = {static_cast<float>(t.m[i][0]), static_cast<float>(t.m[i][1]),
                  static_cast<float>(t.m[i][2]), static_cast<float>(t.m[i][3])};
  return out;
}

}  // namespace framebus::render
