// The two larger scenes of test_scene.h.
#include <cmath>

#include "tests/render/tracer/test_scene.h"

namespace framebus::render::testing {

SceneBuilder terrain(std::uint32_t cells) {
  SceneBuilder b;
  const std::uint32_t ground = b.add_material(lambert({0.6f, 0.55f, 0.5f}));
  const std::uint32_t ball = b.add_material(plastic({0.7f, 0.2f, 0.1f}, 0.4f));
  const std::uint32_t lamp = b.add_material(emitter({20, 19, 17}));
  std::vector<Float3> positions;
  std::vector<Triangle> triangles;
  for (std::uint32_t z = 0; z <= cells; ++z)
    for (std::uint32_t x = 0; x <= cells; ++x) {
      const double u = 20.0 * x / cells - 10, v = 20.0 * z / cells - 10;
      const double height = 0.6 * std::sin(1.3 * u) * std::cos(1.1 * v) +
                            0.25 * std::sin(4.1 * u + 2.3 * v) +
                            0.06 * std::sin(17 * u) * std::sin(19 * v);
      positions.push_back(
          {static_cast<float>(u), static_cast<float>(height), static_cast<float>(v)});
    }
  for (std::uint32_t z = 0; z < cells; ++z)
    for (std::uint32_t x = 0; x < cells; ++x) {
      const std::uint32_t a = z * (cells + 1) + x, c = a + cells + 1;
      triangles.push_back({a, c, a + 1});
      triangles.push_back({a + 1, c, c + 1});
    }
  b.add_instance(b.add_mesh(positions, triangles, ground));
  const std::uint32_t sphere = b.add_sphere(48, 24, ball, true);
  for (int i = 0; i < 9; ++i)
    b.add_instance(sphere, multiply(translation({3.0f * static_cast<float>(i % 3) - 3, 1.6f,
                                                 3.0f * static_cast<float>(i / 3) - 3}),
                                    scaling({0.8f, 0.8f, 0.8f})));
  b.add_instance(b.add_quad({-2, 9, -2}, {4, 0, 0}, {0, 0, 4}, lamp));
  b.set_environment({0.5f, 0.6f, 0.8f}, true);
  b.look_at({0, 6, 12}, {0, 0.5f, 0}, 0.8, 1);
  return b;
}

SceneBuilder mixed_scene() {
  SceneBuilder b;
  std::vector<std::uint8_t> checker;
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x) {
      const bool is_on = ((x + y) & 1) != 0;
      checker.insert(checker.end(), {static_cast<std::uint8_t>(is_on ? 230 : 40), 120,
                                     static_cast<std::uint8_t>(is_on ? 60 : 200),
                                     static_cast<std::uint8_t>(is_on ? 255 : 90)});
    }
  std::vector<std::uint8_t> waves;
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x)
      waves.insert(waves.end(),
                   {static_cast<std::uint8_t>(128 + 60 * ((x / 4) % 2) - 30),
                    static_cast<std::uint8_t>(128 + 60 * ((y / 4) % 2) - 30), 230, 255});
  const std::uint32_t bumps =
      b.add_texture(16, 16, TexelFormat::rgba8_linear, Wrap::repeat, false, waves);
  const std::uint32_t texture =
      b.add_texture(8, 8, TexelFormat::rgba8_srgb, Wrap::mirror, false, checker);
  Material textured = plastic({1, 1, 1}, 0.6f);
  textured.base_color_texture.texture = texture;
  textured.base_color_texture.m00 = textured.base_color_texture.m11 = 3;
  Material veil = textured;
  veil.alpha_mode = AlphaMode::blend;
  veil.double_sided = 1;
  Material cut = textured;
  cut.alpha_mode = AlphaMode::mask;
  cut.double_sided = 1;
  Material bumpy = metal({0.9f, 0.7f, 0.4f}, 0.35f);
  bumpy.normal_texture.texture = bumps;
  bumpy.normal_texture.m00 = bumpy.normal_texture.m11 = 5;
  const std::uint32_t floor = b.add_material(textured),
                      room = b.add_material(lambert({0.7f, 0.7f, 0.7f}));
  const std::uint32_t gold = b.add_material(bumpy),
                      mirror = b.add_material(metal({0.9f, 0.9f, 0.9f}, 0.02f));
  const std::uint32_t veil_id = b.add_material(veil), cut_id = b.add_material(cut);
  const std::uint32_t lamp = b.add_material(emitter({12, 11, 9}));
  b.add_instance(b.add_box({-3, -1, -3}, {3, 4, 3}, room, true));
  b.add_instance(b.add_quad({-3, -0.99f, 3}, {6, 0, 0}, {0, 0, -6}, floor));
  const std::uint32_t ball = b.add_sphere(32, 16, gold, true);
  b.add_instance(ball, translation({-1.2f, 0, 0}));
  b.add_instance(ball, multiply(translation({1.3f, -0.3f, 0.8f}), scaling({-0.5f, 0.7f, 0.5f})));
  b.add_instance(b.add_sphere(24, 12, mirror, true),
                 multiply(translation({0.9f, 0.2f, -1.5f}), rotation_y(0.4)));
  b.add_instance(b.add_quad({-2, -0.9f, 1.5f}, {2, 0, 0}, {0, 2, 0}, veil_id));
  b.add_instance(b.add_quad({0.2f, -0.9f, 1.8f}, {1.5f, 0, 0}, {0, 1.5f, 0}, cut_id));
  b.add_instance(b.add_quad({-0.7f, 3.9f, -0.7f}, {1.4f, 0, 0}, {0, 0, 1.4f}, lamp));
  Light point{};
  point.kind = LightKind::point;
  point.position = {2, 3, 2};
  point.intensity = {3, 4, 6};
  b.add_light(point);
  Light spot = point;
  spot.kind = LightKind::spot;
  spot.position = {-2, 3.5f, 1};
  spot.direction = {0.3713907f, -0.9284767f, 0};
  spot.cos_inner = 0.95f;
  spot.cos_outer = 0.8f;
  b.add_light(spot);
  b.look_at({0, 1, 2.9f}, {0, 0.3f, 0}, 1.1, 1);
  return b;
}

}  // namespace framebus::render::testing
