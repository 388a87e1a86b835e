// Environment maps as the tracer sees them: orientation, bilinear values, unbiased sampling.
#include "worker/executors/render/core/environment.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/render/tracer/statistics.h"
#include "tests/render/tracer/test_scene.h"

using namespace framebus::render;
using namespace framebus::render::testing;

namespace {

// The direction that looks at a place of an unrotated map, in texels.
Float3 direction_to(const Environment& e, double x, double y) {
  const double phi = 2 * M_PI * (x / e.width - 0.5), theta = M_PI * y / e.height;
  return {static_cast<float>(std::sin(theta) * std::sin(phi)), static_cast<float>(std::cos(theta)),
          static_cast<float>(-std::sin(theta) * std::cos(phi))};
}

float red_at(const Environment& e, double x, double y) {
  return environment_at(e, direction_to(e, x, y)).radiance.x;
}

// Black but for a few texels: one inside, one at the seam, one at a pole.
std::vector<Float3> sparse_map() {
  std::vector<Float3> pixels(16 * 8, {0, 0, 0});
  pixels[3 * 16 + 5] = {8, 0, 0};
  pixels[4 * 16 + 0] = {2, 1, 0};
  pixels[0 * 16 + 9] = {5, 0, 1};
  return pixels;
}

}  // namespace

TEST_CASE("the environment's orientation is the documented one") {
  SceneBuilder b;
  std::vector<Float3> pixels(8 * 4, {0, 0, 0});
  pixels[1 * 8 + 4] = {1, 1, 1};  // u just above 1/2: towards -z, a little to +x; upper half
  b.set_environment_map(8, 4, pixels, 0);
  auto frame = b.frame();
  const auto red = [&](Float3 d) {
    return environment_at(frame->view().environment, normalize_or(d, {})).radiance.x;
  };
  CHECK(red({0.4142f, 0.4483f, -1}) == doctest::Approx(1).epsilon(0.001));
  CHECK(red({-0.4142f, 0.4483f, -1}) < 0.001f);
  CHECK(red({0.4142f, 0.4483f, 1}) < 0.001f);
  CHECK(red({0.4142f, -0.4483f, -1}) < 0.001f);
  b.set_environment_map(8, 4, pixels, M_PI / 2);  // counter-clockwise from above: -z turns to -x
  frame = b.frame();
  CHECK(red({-1, 0.4483f, -0.4142f}) == doctest::Approx(1).epsilon(0.001));
}

TEST_CASE("environment lookups are bilinear, around the seam and clamped at the poles") {
  SceneBuilder b;
  std::vector<Float3> pixels;
  for (int i = 0; i < 8 * 4; ++i)
    pixels.push_back({static_cast<float>(i % 8 + 10 * (i / 8)), 0, 0});
  b.set_environment_map(8, 4, pixels, 0);
  const auto frame = b.frame();
  const Environment& e = frame->view().environment;
  const auto near = [](double value) { return doctest::Approx(value).epsilon(1e-4); };
  CHECK(red_at(e, 2.5, 1.5) == near(12));
  CHECK(red_at(e, 3.0, 1.5) == near(12.5));
  CHECK(red_at(e, 2.75, 2.25) == near(12.25 + 7.5));
  CHECK(red_at(e, 0.25, 1.5) == near(0.25 * 17 + 0.75 * 10));
  CHECK(red_at(e, 7.75, 1.5) == near(0.75 * 17 + 0.25 * 10));
  CHECK(red_at(e, 4.5, 0.1) == near(4));
  CHECK(red_at(e, 4.5, 3.9) == near(34));
}

TEST_CASE("environment sampling reaches all that radiates, without bias") {
  SceneBuilder b;
  b.set_environment_map(16, 8, sparse_map(), 0);
  const auto frame = b.frame();
  const Environment& e = frame->view().environment;
  double integral = 0;
  std::uint64_t unreachable = 0;
  constexpr int fine = 32;
  for (int y = 0; y < 8 * fine; ++y)
    for (int x = 0; x < 16 * fine; ++x) {
      const double theta = M_PI * (y + 0.5) / (8 * fine);
      const EnvironmentSample s =
          environment_at(e, direction_to(e, (x + 0.5) / fine, (y + 0.5) / fine));
      if (s.radiance.x > 0 && !(s.density > 0)) ++unreachable;
      integral += static_cast<double>(s.radiance.x) * std::sin(theta) * (2 * M_PI / (16 * fine)) *
                  (M_PI / (8 * fine));
    }
  CHECK(unreachable == 0);
  Random random(4);
  std::vector<double> estimates;
  for (int i = 0; i < 100000; ++i) {
    const float u0 = random.unit(), u1 = random.unit();
    const EnvironmentSample s = sample_environment(e, u0, u1);
    estimates.push_back(static_cast<double>(s.radiance.x / s.density));
  }
  const Mean mean = mean_of_values(estimates);
  CHECK(std::abs(mean.value - integral) < 4 * mean.standard_error + 1e-3 * integral);
  CHECK(mean.standard_error < 0.01 * integral);
}

TEST_CASE("strategies agree on a plane under an environment map") {
  SceneBuilder b;
  const std::uint32_t floor = b.add_material(plastic({0.6f, 0.6f, 0.6f}, 0.4f));
  b.add_instance(b.add_quad({-50, 0, 50}, {100, 0, 0}, {0, 0, -100}, floor));
  std::vector<Float3> sky = sparse_map();
  for (Float3& pixel : sky) pixel = pixel + Float3{0.05f, 0.05f, 0.05f};
  b.set_environment_map(16, 8, sky, 0.4);
  b.look_at({0, 2, 4}, {0, 0, 0}, 0.3, 1);
  const RenderJob job = job_of(16, 16, 1024);
  Mean means[2];
  for (std::uint32_t strategies : {+strategy_bsdf, strategy_bsdf | strategy_light}) {
    const auto tracer = b.tracer(job);
    tracer->set_strategies(strategies);
    const Sums sums = render(*tracer, whole(job), 2);
    std::vector<double> values;
    for (std::uint32_t y = 0; y < 16; ++y)
      for (std::uint32_t x = 0; x < 16; ++x) values.push_back(pixel(sums, x, y)[0]);
    means[strategies == strategy_bsdf ? 0 : 1] = mean_of_values(values);
  }
  CHECK(means[0].value > 0.05);
  CHECK(means[0].value == doctest::Approx(means[1].value).epsilon(0.01));
}
