// See shape.h.
#include "examples/gallery/shape.h"

#include <algorithm>
#include <cmath>

#include "examples/gallery/noise.h"
#include "worker/executors/render/scene/exact_math.h"

namespace framebus::gallery {

using render::Float2;
using render::Float3;
using render::to_float;

double sine(double turns) {
  return render::sin_cos(2 * render::pi * turns).sin;
}
double cosine(double turns) {
  return render::sin_cos(2 * render::pi * turns).cos;
}

void Shape::add(const Shape& other) {
  const auto first = static_cast<std::uint32_t>(positions.size());
  positions.insert(positions.end(), other.positions.begin(), other.positions.end());
  normals.insert(normals.end(), other.normals.begin(), other.normals.end());
  uv.insert(uv.end(), other.uv.begin(), other.uv.end());
  for (std::uint32_t i : other.indices) indices.push_back(first + i);
}

void Shape::add_quad(Vec3 a, Vec3 b, Vec3 c, Vec3 d, double u, double v) {
  const auto first = static_cast<std::uint32_t>(positions.size());
  const Float3 normal = to_float(render::normalized_or(cross(b - a, d - a), {0, 1, 0}));
  const auto fu = static_cast<float>(u), fv = static_cast<float>(v);
  for (Vec3 p : {a, b, c, d}) {
    positions.push_back(to_float(p));
    normals.push_back(normal);
  }
  for (Float2 t : {Float2{0, fv}, Float2{fu, fv}, Float2{fu, 0}, Float2{0, 0}}) uv.push_back(t);
  for (std::uint32_t i : {0u, 1u, 2u, 0u, 2u, 3u}) indices.push_back(first + i);
}

void Shape::move(Vec3 by) {
  for (Float3& p : positions) p = to_float(render::to_double(p) + by);
}

void Shape::turn_y(double degrees) {
  const double c = cosine(degrees / 360), s = sine(degrees / 360);
  for (auto* list : {&positions, &normals})
    for (Float3& p : *list) {
      const Vec3 v = render::to_double(p);
      p = to_float({c * v.x + s * v.z, v.y, c * v.z - s * v.x});
    }
}

Shape make_box(Vec3 low, Vec3 high, double uv_scale) {
  const double x = (high.x - low.x) * uv_scale, y = (high.y - low.y) * uv_scale,
               z = (high.z - low.z) * uv_scale;
  const Vec3 a = low, b = high;
  Shape box;
  box.add_quad({a.x, a.y, b.z}, {b.x, a.y, b.z}, {b.x, b.y, b.z}, {a.x, b.y, b.z}, x, y);
  box.add_quad({b.x, a.y, a.z}, {a.x, a.y, a.z}, {a.x, b.y, a.z}, {b.x, b.y, a.z}, x, y);
  box.add_quad({a.x, a.y, a.z}, {a.x, a.y, b.z}, {a.x, b.y, b.z}, {a.x, b.y, a.z}, z, y);
  box.add_quad({b.x, a.y, b.z}, {b.x, a.y, a.z}, {b.x, b.y, a.z}, {b.x, b.y, b.z}, z, y);
  box.add_quad({a.x, b.y, b.z}, {b.x, b.y, b.z}, {b.x, b.y, a.z}, {a.x, b.y, a.z}, x, z);
  box.add_quad({a.x, a.y, a.z}, {b.x, a.y, a.z}, {b.x, a.y, b.z}, {a.x, a.y, b.z}, x, z);
  return box;
}

Shape make_surface(std::uint32_t columns, std::uint32_t rows,
                   const std::function<Vec3(double, double)>& point, double u_repeat,
                   double v_repeat) {
  Shape shape;
  constexpr double step = 1e-4;
  for (std::uint32_t j = 0; j <= rows; ++j)
    for (std::uint32_t i = 0; i <= columns; ++i) {
      const double s = static_cast<double>(i) / columns, t = static_cast<double>(j) / rows;
      const Vec3 along_s = point(s + step, t) - point(s - step, t);
      const Vec3 along_t = point(s, std::min(t + step, 1.0)) - point(s, std::max(t - step, 0.0));
      shape.positions.push_back(to_float(point(s, t)));
      shape.normals.push_back(to_float(render::normalized_or(cross(along_s, along_t), {0, 1, 0})));
      shape.uv.push_back(
          {static_cast<float>(s * u_repeat), static_cast<float>((1 - t) * v_repeat)});
    }
  const std::uint32_t side = columns + 1;
  for (std::uint32_t j = 0; j < rows; ++j)
    for (std::uint32_t i = 0; i < columns; ++i) {
      const std::uint32_t a = j * side + i;
      for (std::uint32_t v : {a, a + 1, a + side + 1, a, a + side + 1, a + side})
        shape.indices.push_back(v);
    }
  return shape;
}

Shape make_knot(std::uint32_t along, std::uint32_t around, double radius) {
  const auto center = [&](double s) {
    const double ring = (2.0 + cosine(3 * s)) * radius / 3.0;
    return Vec3{ring * cosine(2 * s), ring * sine(2 * s), sine(3 * s) * radius / 2.6};
  };
  const auto point = [&](double s, double t) {
    const Vec3 at = center(s);
    const Vec3 forward = render::normalized_or(center(s + 1e-4) - center(s - 1e-4), {1, 0, 0});
    const Vec3 side = render::normalized_or(cross(forward, at), {0, 1, 0});
    const Vec3 up = cross(side, forward);
    // Flutes wind around the tube, and the tube swells a little between the crossings.
    const double flute = 1.0 + 0.07 * cosine(7 * t + 9 * s);
    const double swell = 1.0 + 0.16 * cosine(3 * s);
    const double tube = radius * 0.235 * flute * swell;
    return at + side * (tube * cosine(t)) + up * (tube * sine(t));
  };
  // Around first, along second keeps the front outside.
  return make_surface(
      around, along, [&](double s, double t) { return point(t, -s); }, 2, 24);
}

Shape make_folded_sphere(std::uint32_t columns, std::uint32_t rows, double radius) {
  const auto point = [&](double s, double t) {
    const double latitude = 0.5 * (t - 0.5);
    const double fold = sine(9 * s + 0.6 * sine(2 * t)) * cosine(latitude);
    const double ripple = sine(5.5 * t + 2 * s);
    const double r = radius * (1.0 + 0.085 * fold * (1.0 - 0.4 * ripple) + 0.03 * ripple);
    return Vec3{r * cosine(latitude) * sine(s), r * 1.12 * sine(latitude),
                r * cosine(latitude) * cosine(s)};
  };
  return make_surface(columns, rows, point, 4, 2);
}

Shape make_lathe(const std::vector<std::pair<double, double>>& profile, std::uint32_t around,
                 std::uint32_t along) {
  const auto at = [&](double t) {
    const double scaled = std::clamp(t, 0.0, 1.0) * static_cast<double>(profile.size() - 1);
    const auto i = std::min(static_cast<std::size_t>(scaled), profile.size() - 2);
    const double f = scaled - static_cast<double>(i);
    const auto knot = [&](std::ptrdiff_t k) {
      return profile[static_cast<std::size_t>(
          std::clamp<std::ptrdiff_t>(k, 0, std::ssize(profile) - 1))];
    };
    const auto k = static_cast<std::ptrdiff_t>(i);
    const auto spline = [&](double p0, double p1, double p2, double p3) {
      return p1 +
             0.5 * f *
                 (p2 - p0 + f * (2 * p0 - 5 * p1 + 4 * p2 - p3 + f * (3 * (p1 - p2) + p3 - p0)));
    };
    return std::pair{
        std::max(0.0,
                 spline(knot(k - 1).first, knot(k).first, knot(k + 1).first, knot(k + 2).first)),
        spline(knot(k - 1).second, knot(k).second, knot(k + 1).second, knot(k + 2).second)};
  };
  return make_surface(
      around, along,
      [&](double s, double t) {
        const auto [r, y] = at(t);
        return Vec3{r * sine(s), y, r * cosine(s)};
      },
      3, 1);
}

Shape make_foliage(std::uint32_t leaves, double height, std::uint32_t seed) {
  Shape plant;
  for (std::uint32_t i = 0; i < leaves; ++i) {
    const double turn = i * 0.381966 + 0.05 * random_unit(seed, i, 1);
    const double reach = height * (0.35 + 0.5 * random_unit(seed, i, 2));
    const double rise =
        height * (0.55 + 0.5 * random_unit(seed, i, 3)) * (1.0 - 0.3 * reach / height);
    const double width = height * (0.075 + 0.05 * random_unit(seed, i, 4));
    const auto blade = [&](double s, double t) {
      const double out = reach * t * (0.45 + 0.55 * t);
      const double up = rise * t * (1.75 - 1.0 * t * t);
      const double across = (s - 0.5) * 2 * width;
      const double droop = -0.35 * across * across / width;
      return Vec3{out * cosine(turn) - across * sine(turn), up + droop,
                  out * sine(turn) + across * cosine(turn)};
    };
    plant.add(make_surface(4, 12, blade, 1, 1));
  }
  return plant;
}

}  // namespace framebus::gallery
