// Node animation: step, linear, cubic spline; before the first and after the last key.
#include "worker/executors/render/scene/animation.h"

#include <doctest/doctest.h>

#include "small_gltf.h"

namespace framebus::render {
namespace {

AnimationChannel channel(Interpolation interpolation, AnimatedPath path, std::vector<float> times,
                         std::vector<float> values) {
  AnimationChannel out;
  out.interpolation = interpolation;
  out.path = path;
  out.times = std::move(times);
  out.values = std::move(values);
  return out;
}

TEST_CASE("animation: linear translation between keys, constant outside") {
  const auto c =
      channel(Interpolation::linear, AnimatedPath::translation, {1, 3}, {0, 0, 0, 2, 4, -6});
  CHECK(sample_channel(c, 0)[1] == 0);
  CHECK(sample_channel(c, 2)[0] == 1);
  CHECK(sample_channel(c, 2)[2] == -3);
  CHECK(sample_channel(c, 3)[1] == 4);
  CHECK(sample_channel(c, 99)[1] == 4);
}

TEST_CASE("animation: step holds the earlier key") {
  const auto c = channel(Interpolation::step, AnimatedPath::scale, {0, 1}, {1, 1, 1, 5, 5, 5});
  CHECK(sample_channel(c, 0.999)[0] == 1);
  CHECK(sample_channel(c, 1)[0] == 5);
}

TEST_CASE("animation: cubic spline meets its keys and follows its tangents") {
  // In-tangent, value, out-tangent for each key; over two seconds, so tangents count twice.
  const auto c = channel(Interpolation::cubic_spline, AnimatedPath::translation, {0, 2},
                         {0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0});
  CHECK(sample_channel(c, 0)[0] == 0);
  CHECK(sample_channel(c, 2)[0] == 2);
  CHECK(sample_channel(c, 1)[0] == doctest::Approx(1.0));
  CHECK(sample_channel(c, 0.5)[0] == doctest::Approx(0.5));
}

TEST_CASE("animation: rotations take the shorter arc at constant speed") {
  const float h = 0.70710678f;
  const auto c =
      channel(Interpolation::linear, AnimatedPath::rotation, {0, 1}, {0, 0, 0, 1, 0, -h, 0, -h});
  const auto q = sample_channel(c, 1.0 / 3);  // 30 degrees of 90 about y
  CHECK(std::abs(q[1]) == doctest::Approx(0.258819).epsilon(1e-5));
  CHECK(std::abs(q[3]) == doctest::Approx(0.965926).epsilon(1e-5));
}

TEST_CASE("animation: frame 1 is time 0, a frame later is 1 / fps later") {
  const std::string keys = data_uri(bytes_of_floats({0, 1}) + bytes_of_floats({0, 0, 0, 24, 0, 0}));
  std::string text = quad_gltf_with(R"("animations": [{"samplers": [{"input": 4, "output": 5}],
      "channels": [{"sampler": 0, "target": {"node": 0, "path": "translation"}}]}])");
  text = replaced(text, "\"buffers\": [",
                  "\"buffers\": [{\"byteLength\": 32, \"uri\": \"" + keys + "\"}, ");
  text = replaced(text, "{\"buffer\": 0", "{\"buffer\": 1");
  text = replaced(text, "\"byteLength\": 12}]",
                  "\"byteLength\": 12}, {\"buffer\": 0, \"byteLength\": 32}]");
  text = replaced(text, "\"count\": 6, \"type\": \"SCALAR\"}",
                  "\"count\": 6, \"type\": \"SCALAR\"}, {\"bufferView\": 2, \"componentType\": "
                  "5126, \"count\": 2, \"type\": \"SCALAR\"},"
                  "{\"bufferView\": 2, \"byteOffset\": 8, \"componentType\": 5126, \"count\": 2, "
                  "\"type\": \"VEC3\"}");
  const auto scene = load_text(text);
  REQUIRE_MESSAGE(scene.has_value(), load_error(text));
  RenderJob job = job_for("scene.gltf");
  const auto x_at = [&](double frame) {
    return (*make_frame(**scene, job, frame))->view().instances[0].to_world.row[0].w;
  };
  CHECK(x_at(1) == 0.0f);
  CHECK(x_at(2) == doctest::Approx(1.0));
  CHECK(x_at(13) == doctest::Approx(12.0));
  CHECK(x_at(1000) == 24.0f);
  CHECK(contains(load_error(replaced(text, "\"input\": 4", "\"input\": 9")), "accessors"));
  CHECK(contains(load_error(replaced(text, "\"output\": 5", "\"output\": 4")), "components"));
  CHECK(contains(load_error(replaced(text, "\"path\": \"translation\"", "\"path\": \"colour\"")),
                 "translation, rotation, scale"));
}

}  // namespace
}  // namespace framebus::render
