// Pictures whose right answer is known: lights over a plane, furnaces, and the outputs beside
// radiance.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/render/tracer/statistics.h"
#include "tests/render/tracer/test_scene.h"
#include "worker/executors/render/core/vector.h"

using namespace framebus::render;
using namespace framebus::render::testing;
namespace fb = framebus::render::testing;

namespace {

// A plane y = 0 seen from straight above by parallel rays through one small patch around (x, z).
SceneBuilder plane_seen_at(float x, float z, Float3 albedo) {
  SceneBuilder b;
  b.add_instance(
      b.add_quad({-50, 0, 50}, {100, 0, 0}, {0, 0, -100}, b.add_material(lambert(albedo))));
  b.orthographic({x, 0.5f, z}, {x, 0, z - 1e-4f}, 1e-3);
  return b;
}

// Irradiance at the origin facing +y from a rectangle given by its corners, by Lambert's formula.
double lambert_irradiance(const std::vector<std::array<double, 3>>& corners, double radiance) {
  const auto unit = [](std::array<double, 3> v) {
    const double l = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    return std::array<double, 3>{v[0] / l, v[1] / l, v[2] / l};
  };
  double sum = 0;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const auto a = unit(corners[i]), b = unit(corners[(i + 1) % corners.size()]);
    const double angle = std::acos(a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
    const std::array<double, 3> c = {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                                     a[0] * b[1] - a[1] * b[0]};
    const double l = std::sqrt(c[0] * c[0] + c[1] * c[1] + c[2] * c[2]);
    sum += angle * c[1] / l;
  }
  return std::abs(sum) * radiance / 2;
}

// Mean and standard error of the film's red channel, pixel by pixel.
Mean film_mean(const Sums& sums) {
  std::vector<double> values;
  for (std::uint32_t y = 0; y < sums.height; ++y)
    for (std::uint32_t x = 0; x < sums.width; ++x) values.push_back(pixel(sums, x, y)[0]);
  return mean_of_values(values);
}

}  // namespace

TEST_CASE("a rectangle light over a plane gives Lambert's closed form") {
  for (double x : {0.0, 0.8, 2.0}) {
    SceneBuilder b = plane_seen_at(static_cast<float>(x), 0.3f, {0.5f, 0.5f, 0.5f});
    b.add_instance(
        b.add_quad({-1, 2, -0.5f}, {2, 0, 0}, {0, 0, 1}, b.add_material(emitter({7, 7, 7}))));
    RenderJob job = job_of(64, 64, 16);
    job.sampling.max_depth = 2;
    const Mean mean = film_mean(fb::render(*b.tracer(job), whole(job), 1));
    const double z = 0.3;
    const double irradiance = lambert_irradiance(
        {{-1 - x, 2, -0.5 - z}, {1 - x, 2, -0.5 - z}, {1 - x, 2, 0.5 - z}, {-1 - x, 2, 0.5 - z}},
        7);
    CAPTURE(x);
    CHECK(mean.standard_error < 0.003 * mean.value);
    CHECK(std::abs(mean.value - 0.5 / M_PI * irradiance) <
          4 * mean.standard_error + 1e-4 * mean.value);
  }
}

TEST_CASE("point, spot and directional lights give the inverse square law and the cosine") {
  Light light{};
  light.kind = LightKind::point;
  light.position = {0, 2, 0};
  light.intensity = {10, 10, 10};
  RenderJob job = job_of(4, 4, 4);
  const auto seen = [&](float x) {
    SceneBuilder b = plane_seen_at(x, 0, {0.6f, 0.6f, 0.6f});
    b.add_light(light);
    return film_mean(fb::render(*b.tracer(job), whole(job), 1)).value;
  };
  CHECK(seen(0) == doctest::Approx(0.6 / M_PI * 10 / 4).epsilon(1e-3));
  CHECK(seen(1.5f) == doctest::Approx(0.6 / M_PI * 10 / 6.25 * (2 / 2.5)).epsilon(2e-3));
  light.range = 4;
  CHECK(seen(0) == doctest::Approx(0.6 / M_PI * 10 / 4 * (1 - 1 / 16.0)).epsilon(1e-3));
  light.kind = LightKind::spot;
  light.range = 0;
  light.direction = {0, -1, 0};
  light.cos_inner = 0.9f;
  light.cos_outer = 0.7f;
  CHECK(seen(0) == doctest::Approx(0.6 / M_PI * 10 / 4).epsilon(1e-3));
  CHECK(seen(1.5f) == doctest::Approx(0.6 / M_PI * 10 / 6.25 * 0.8 * 0.25).epsilon(4e-3));
  CHECK(seen(3) == 0);
  light.kind = LightKind::directional;
  light.direction = {0.6f, -0.8f, 0};
  CHECK(seen(5) == doctest::Approx(0.6 / M_PI * 10 * 0.8).epsilon(1e-3));
}

TEST_CASE("white furnace: a Lambert body in a uniform environment can not be told from it") {
  for (bool is_sampled : {false, true}) {
    SceneBuilder b;
    b.add_instance(b.add_sphere(24, 16, b.add_material(lambert({1, 1, 1})), false));
    b.add_instance(
        b.add_box({-2, -1.4f, -2}, {2, -1.1f, 2}, b.add_material(lambert({1, 1, 1})), false));
    b.set_environment({1, 1, 1}, is_sampled);
    b.look_at({0, 1, 3}, {0, -0.3f, 0}, 0.7, 1);
    RenderJob job = job_of(96, 96, 64);
    job.sampling.max_depth = 1000;
    const Mean mean = film_mean(fb::render(*b.tracer(job), whole(job), 2));
    MESSAGE("mean " << mean.value << " +- " << mean.standard_error);
    CHECK(mean.standard_error < 5e-4);
    CHECK(std::abs(mean.value - 1) < 4 * mean.standard_error + 2e-6);
  }
}

TEST_CASE("closed room that emits 0.5 with albedo 0.5 is filled with radiance 1") {
  SceneBuilder b;
  Material wall = lambert({0.5f, 0.5f, 0.5f});
  wall.emission = {0.5f, 0.5f, 0.5f};
  b.add_instance(b.add_box({-1, -2, -3}, {2, 1, 1.5f}, b.add_material(wall), true));
  b.look_at({0.2f, -0.3f, 0.5f}, {0, 0, -1}, 1.4, 1);
  RenderJob job = job_of(64, 64, 64);
  job.sampling.max_depth = 200;
  const Mean mean = film_mean(fb::render(*b.tracer(job), whole(job), 2));
  MESSAGE("mean " << mean.value << " +- " << mean.standard_error);
  CHECK(std::abs(mean.value - 1) < 1e-3);
}

TEST_CASE("a rough white metal in the furnace loses some energy and never makes any") {
  for (float roughness : {0.05f, 0.3f, 0.7f, 1.0f}) {
    SceneBuilder b;
    b.add_instance(b.add_sphere(64, 32, b.add_material(metal({1, 1, 1}, roughness)), false));
    b.set_environment({1, 1, 1}, true);
    b.look_at({0, 0, 3}, {0, 0, 0}, 0.3, 1);
    RenderJob job = job_of(24, 24, 64);
    const Mean mean = film_mean(fb::render(*b.tracer(job), whole(job), 1));
    CAPTURE(roughness);
    CHECK(mean.value < 1 + 4 * mean.standard_error + 1e-4);
    CHECK(mean.value > (roughness < 0.2f ? 0.98 : 0.3));
  }
}

TEST_CASE(
    "albedo, normal and depth are those of the first surface that alpha does not let through") {
  SceneBuilder b;
  Material hole = lambert({1, 0, 0});
  hole.alpha_mode = AlphaMode::mask;
  hole.base_color.w = 0.3f;
  b.add_instance(b.add_quad({-5, -5, 1}, {10, 0, 0}, {0, 10, 0}, b.add_material(hole)));
  b.add_instance(b.add_quad({-5, -5, -1}, {10, 0, 0}, {0, 10, 0},
                            b.add_material(lambert({0.25f, 0.5f, 0.75f}))));
  b.orthographic({0, 0, 4}, {0, 0, 0}, 1);
  RenderJob job = job_of(4, 4, 8);
  job.layers = layer_rgb | layer_albedo | layer_normal | layer_depth;
  const Sums sums = fb::render(*b.tracer(job), whole(job), 1);
  CHECK(sums.albedo[0] == color_scale / 4 * 8);
  CHECK(sums.normal[2 * 16 + 5] == color_scale * 8);
  CHECK(sums.depth_hits[7] == 8);
  CHECK(static_cast<double>(sums.depth[7]) / (8.0 * depth_scale) ==
        doctest::Approx(5).epsilon(1e-5));
}

TEST_CASE("alpha blend lets through what it should, for camera rays and shadow rays") {
  SceneBuilder b = plane_seen_at(0, 0, {0.5f, 0.5f, 0.5f});
  Material veil = lambert({0, 0, 0});
  veil.alpha_mode = AlphaMode::blend;
  veil.base_color.w = 0.25f;
  b.add_instance(b.add_quad({-5, 0.2f, 5}, {10, 0, 0}, {0, 0, -10}, b.add_material(veil)));
  Light light{};
  light.kind = LightKind::directional;
  light.direction = {0, -1, 0};
  light.intensity = {2, 2, 2};
  b.add_light(light);
  RenderJob job = job_of(64, 64, 16);
  const Mean mean = film_mean(fb::render(*b.tracer(job), whole(job), 1));
  const double expected = 0.5 / M_PI * 2 * 0.75 * 0.75;
  CHECK(std::abs(mean.value - expected) < 4 * mean.standard_error);
}

TEST_CASE("single-sided backs are black and let nothing through, unlit shows its colour") {
  SceneBuilder b;
  b.add_instance(
      b.add_quad({-5, -5, -1}, {0, 10, 0}, {10, 0, 0}, b.add_material(emitter({3, 3, 3}))));
  b.set_environment({1, 1, 1}, true);
  b.orthographic({0, 0, 4}, {0, 0, 0}, 1);
  RenderJob job = job_of(4, 4, 4);
  CHECK(film_mean(fb::render(*b.tracer(job), whole(job), 1)).value == 0);
  b.materials()[0].double_sided = 1;
  CHECK(film_mean(fb::render(*b.tracer(job), whole(job), 1)).value == doctest::Approx(3));
  b.materials()[0].unlit = 1;
  b.materials()[0].base_color = {0.25f, 0.5f, 1, 1};
  b.materials()[0].emission = {0, 0, 0};
  CHECK(film_mean(fb::render(*b.tracer(job), whole(job), 1)).value == doctest::Approx(0.25));
}
