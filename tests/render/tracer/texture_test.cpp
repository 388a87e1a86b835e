// Texture lookups and what hangs on them: filtering, wrapping, sRGB, and which way normal maps
// tilt.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/render/tracer/test_scene.h"
#include "worker/executors/render/core/surface.h"
#include "worker/executors/render/core/tables.h"
#include "worker/executors/render/cpu/params.h"

using namespace framebus::render;
using namespace framebus::render::testing;

namespace {

// A texture whose red channel is given, linear.
std::vector<std::uint8_t> reds(const std::vector<int>& values) {
  std::vector<std::uint8_t> bytes;
  for (int value : values) {
    const std::uint8_t texel[4] = {static_cast<std::uint8_t>(value), 0, 0, 255};
    bytes.insert(bytes.end(), texel, texel + 4);
  }
  return bytes;
}

struct Lookups {
  explicit Lookups(const SceneBuilder& b)
      : scene(b.scene()),
        frame(b.frame()),
        tables(make_tables(Filter::box)),
        params(make_params(scene->view(), frame->view(), job_of(4, 4, 1), tables)) {}
  Float4 texel(std::uint32_t texture, float u, float v) const {
    return sample_texture(params, params.scene.textures[texture], {u, v});
  }
  double red(std::uint32_t texture, float u, float v) const {
    return static_cast<double>(texel(texture, u, v).x) * 255.0;
  }
  Float3 normal_at(std::uint32_t instance, float u, float v) const {
    return surface_at(params, {1, u, v, instance, 0}, {0, 0, 1}).normal_shading;
  }

  std::shared_ptr<const Scene> scene;
  std::unique_ptr<const Frame> frame;
  Tables tables;
  RenderParams params;
};

doctest::Approx near(double value) {
  return doctest::Approx(value).epsilon(1e-5);
}

// A normal map that tilts everywhere by 30 degrees: (red, green) of a unit vector.
std::uint32_t add_tilted(SceneBuilder& b, double x, double y) {
  const auto code = [](double value) {
    return static_cast<std::uint8_t>(std::lround((value * 0.5 + 0.5) * 255.0));
  };
  Material m = lambert({0.8f, 0.8f, 0.8f});
  m.normal_scale = 1;
  m.normal_texture.texture =
      b.add_texture(1, 1, TexelFormat::rgba8_linear, Wrap::repeat, false,
                    {code(x), code(y), code(std::sqrt(1 - x * x - y * y)), 255});
  return b.add_material(m);
}

double brightness_under(SceneBuilder b, Float3 light_from) {
  Light sun{};
  sun.kind = LightKind::directional;
  sun.direction = normalize_or(-light_from, {});
  sun.intensity = {1, 1, 1};
  b.add_light(sun);
  b.look_at({0, 0, 5}, {0, 0, 0}, 0.2, 1);
  const RenderJob job = job_of(4, 4, 16);
  return mean_of_channel(render(*b.tracer(job), whole(job)), 0);
}

}  // namespace

TEST_CASE("textures are bilinear between texel centres, rows from the top") {
  SceneBuilder b;
  const auto texture =
      b.add_texture(2, 2, TexelFormat::rgba8_linear, Wrap::clamp, false, reds({10, 50, 90, 210}));
  const Lookups at(b);
  CHECK(at.red(texture, 0.25f, 0.25f) == near(10));
  CHECK(at.red(texture, 0.75f, 0.25f) == near(50));
  CHECK(at.red(texture, 0.25f, 0.75f) == near(90));
  CHECK(at.red(texture, 0.5f, 0.25f) == near(30));
  CHECK(at.red(texture, 0.5f, 0.5f) == near(90));
  CHECK(at.red(texture, 0.375f, 0.25f) == near(20));
}

TEST_CASE("wrapping repeats, clamps or mirrors") {
  SceneBuilder b;
  const std::vector<int> values = {0, 40, 80, 200};
  const auto make = [&](Wrap wrap) {
    return b.add_texture(4, 1, TexelFormat::rgba8_linear, wrap, false, reds(values));
  };
  const auto repeat = make(Wrap::repeat), clamp = make(Wrap::clamp), mirror = make(Wrap::mirror);
  const Lookups at(b);
  for (int period = -3; period <= 3; ++period) {
    const float u = static_cast<float>(period);
    CHECK(at.red(repeat, u + 0.375f, 0.5f) == near(40));
    CHECK(at.red(repeat, u, 0.5f) == near(100));  // the seam: half of the last, half of the first
    const bool is_turned = period % 2 != 0;
    CHECK(at.red(mirror, u + 0.375f, 0.5f) == near(is_turned ? 80 : 40));
    CHECK(at.red(mirror, u, 0.5f) == near(is_turned ? 200 : 0));
  }
  CHECK(at.red(clamp, -7.0f, 0.5f) == near(0));
  CHECK(at.red(clamp, 0.0f, 0.5f) == near(0));
  CHECK(at.red(clamp, 0.25f, 0.5f) == near(20));
  CHECK(at.red(clamp, 1.0f, 0.5f) == near(200));
  CHECK(at.red(clamp, 1e30f, 0.5f) == near(200));
  for (std::uint32_t texture : {repeat, clamp, mirror})
    CHECK(is_finite(at.texel(texture, std::nanf(""), INFINITY).x));
}

TEST_CASE("nearest takes the texel that the coordinate lies in") {
  SceneBuilder b;
  const auto texture =
      b.add_texture(4, 1, TexelFormat::rgba8_linear, Wrap::repeat, true, reds({0, 40, 80, 200}));
  const Lookups at(b);
  CHECK(at.red(texture, 0.2499f, 0.5f) == near(0));
  CHECK(at.red(texture, 0.2501f, 0.5f) == near(40));
  CHECK(at.red(texture, -0.01f, 0.5f) == near(200));
  CHECK(at.red(texture, 1.99f, 0.5f) == near(200));
}

TEST_CASE("sRGB decodes to the standard's values before filtering, alpha stays linear") {
  SceneBuilder b;
  const auto texture =
      b.add_texture(4, 1, TexelFormat::rgba8_srgb, Wrap::clamp, false,
                    {0, 10, 255, 128, 128, 188, 64, 0, 255, 255, 255, 255, 0, 0, 0, 255});
  const Lookups at(b);
  const Float4 first = at.texel(texture, 0.125f, 0.5f), second = at.texel(texture, 0.375f, 0.5f);
  CHECK(first.x == 0.0f);
  CHECK(first.y == near(0.003035270));
  CHECK(first.z == 1.0f);
  CHECK(first.w == near(128.0 / 255.0));
  CHECK(second.x == near(0.215860501));
  CHECK(second.y == near(0.502886458));
  CHECK(second.z == near(0.051269458));
  CHECK(at.texel(texture, 0.75f, 0.5f).x == near(0.5));  // not the 0.2140 of filtering codes
}

TEST_CASE("normal maps tilt to growing u by red and to the top of the picture by green") {
  for (const auto& [x, y] : {std::pair{0.5, 0.0}, std::pair{0.0, 0.5}, std::pair{-0.3, 0.4}}) {
    SceneBuilder b;
    const std::uint32_t m = add_tilted(b, x, y);
    const std::uint32_t quad = b.add_quad({-1, -1, 0}, {2, 0, 0}, {0, 2, 0}, m);
    b.add_instance(quad);
    b.add_instance(quad, scaling({-1, 1, 1}));  // everything mirrored, so the tilt is too
    // The picture mirrored on the surface: u grows to -x.
    const std::uint32_t turned = b.add_mesh({{-1, -1, 0}, {1, -1, 0}, {1, 1, 0}}, {{0, 1, 2}}, m,
                                            {}, {{1, 1}, {0, 1}, {0, 0}});
    b.add_instance(turned);
    const Lookups at(b);
    const Float3 plain = at.normal_at(0, 0.3f, 0.3f), mirrored = at.normal_at(1, 0.3f, 0.3f),
                 reversed = at.normal_at(2, 0.3f, 0.3f);
    CHECK(plain.x == doctest::Approx(x).epsilon(0.02));
    CHECK(plain.y == doctest::Approx(y).epsilon(0.02));
    CHECK(mirrored.x == doctest::Approx(-x).epsilon(0.02));
    CHECK(mirrored.y == doctest::Approx(y).epsilon(0.02));
    CHECK(reversed.x == doctest::Approx(-x).epsilon(0.02));
    CHECK(reversed.y == doctest::Approx(y).epsilon(0.02));
    for (const Float3& n : {plain, mirrored, reversed}) CHECK(n.z > 0.8f);
  }
}

TEST_CASE("a surface whose normal map tilts up is brighter under light from above") {
  SceneBuilder up, right;
  up.add_instance(up.add_quad({-1, -1, 0}, {2, 0, 0}, {0, 2, 0}, add_tilted(up, 0, 0.5)));
  right.add_instance(right.add_quad({-1, -1, 0}, {2, 0, 0}, {0, 2, 0}, add_tilted(right, 0.5, 0)));
  // Lambert under a light 30 degrees off: the tilted normal meets it head on, or at 60 degrees.
  const float side = 0.5f, front = 0.8660254f;
  CHECK(brightness_under(up, {0, side, front}) == doctest::Approx(0.8 / M_PI).epsilon(0.01));
  CHECK(brightness_under(up, {0, -side, front}) == doctest::Approx(0.4 / M_PI).epsilon(0.02));
  CHECK(brightness_under(right, {side, 0, front}) == doctest::Approx(0.8 / M_PI).epsilon(0.01));
  CHECK(brightness_under(right, {-side, 0, front}) == doctest::Approx(0.4 / M_PI).epsilon(0.02));
}
