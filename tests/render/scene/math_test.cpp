// The compiler's own mathematics against libm, and transforms against their inverses.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "worker/executors/render/scene/exact_math.h"
#include "worker/executors/render/scene/transform.h"

namespace framebus::render {
namespace {

TEST_CASE("exact math: sine and cosine within 1e-13 of libm") {
  double worst = 0;
  for (int i = -20000; i <= 20000; ++i) {
    const double x = i * 0.0137;
    const SinCos both = sin_cos(x);
    worst = std::max({worst, std::fabs(both.sin - std::sin(x)), std::fabs(both.cos - std::cos(x))});
  }
  CHECK(worst < 1e-13);
  CHECK(sin_cos(0).sin == 0);
  CHECK(sin_cos(0).cos == 1);
  CHECK(exact_tan(0.35) == doctest::Approx(std::tan(0.35)).epsilon(1e-13));
}

TEST_CASE("exact math: arc cosine within 1e-13 of libm") {
  double worst = 0;
  for (int i = -10000; i <= 10000; ++i)
    worst = std::max(worst, std::fabs(exact_acos(i / 10000.0) - std::acos(i / 10000.0)));
  CHECK(worst < 1e-13);
  CHECK(exact_acos(2) == 0);
  CHECK(exact_acos(-2) == pi);
}

TEST_CASE("transform: composed, inverted, and Euler angles in the order x, y, z") {
  const Transform t = compose({1, 2, 3}, quaternion_of_euler({20, -40, 75}), {2, 3, -0.5});
  const Transform identity = t * inverse(t);
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 4; ++c)
      CHECK(std::fabs(identity.m[r][c] - (r == c ? 1.0 : 0.0)) < 1e-12);
  const Transform turn = compose({}, quaternion_of_euler({90, 90, 0}), {1, 1, 1});
  const Vec3 p = turn.point({0, 1, 0});  // about x to +z, then about y to +x
  CHECK(p.x == doctest::Approx(1.0));
  CHECK(std::fabs(p.z) < 1e-12);
}

TEST_CASE("slerp: ends, halves, and nearly equal rotations") {
  const Quaternion a{0, 0, 0, 1}, b = quaternion_of_euler({0, 60, 0});
  const Quaternion half = slerp(a, b, 0.5), expected = quaternion_of_euler({0, 30, 0});
  CHECK(half.y == doctest::Approx(expected.y).epsilon(1e-12));
  CHECK(slerp(a, b, 1).w == doctest::Approx(b.w).epsilon(1e-12));
  CHECK(slerp(a, {0, 1e-9, 0, 1}, 0.5).w == doctest::Approx(1.0));
}

}  // namespace
}  // namespace framebus::render
