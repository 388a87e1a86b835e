// Shapes of the gallery: triangles with normals and texture coordinates, made from formulas.
//
// Sines come from the renderer's exact_math.h, so the generator writes the same bytes on every
// machine. Lengths in metres, y up.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "worker/executors/render/scene/transform.h"

namespace framebus::gallery {

using render::Vec3;

struct Shape {
  std::vector<render::Float3> positions, normals;
  std::vector<render::Float2> uv;
  std::vector<std::uint32_t> indices;

  std::size_t triangle_count() const { return indices.size() / 3; }
  void add(const Shape& other);
  // Four corners counter-clockwise as seen from the front; uv from (0, 0) at a to (u, v) at c.
  void add_quad(Vec3 a, Vec3 b, Vec3 c, Vec3 d, double u = 1, double v = 1);
  void move(Vec3 by);
  void turn_y(double degrees);
};

// Axis-aligned, six sides; `uv_scale`: texture repeats per metre.
Shape make_box(Vec3 low, Vec3 high, double uv_scale = 1);
// A grid over (s, t) in [0, 1]^2 with normals from differences. point(s, t) turns counter-clockwise
// outside.
Shape make_surface(std::uint32_t columns, std::uint32_t rows,
                   const std::function<Vec3(double, double)>& point, double u_repeat,
                   double v_repeat);
// A tube around the (2, 3) torus knot with soft flutes; `radius` of the whole.
Shape make_knot(std::uint32_t along, std::uint32_t around, double radius);
// A sphere folded by waves like a sea shell.
Shape make_folded_sphere(std::uint32_t columns, std::uint32_t rows, double radius);
// A profile (radius, height) turned around y, smoothly interpolated.
Shape make_lathe(const std::vector<std::pair<double, double>>& profile, std::uint32_t around,
                 std::uint32_t along);
// A plant of `leaves` bent leaf blades around the origin; uv covers the leaf picture.
Shape make_foliage(std::uint32_t leaves, double height, std::uint32_t seed);

double sine(double turns);
double cosine(double turns);

}  // namespace framebus::gallery
