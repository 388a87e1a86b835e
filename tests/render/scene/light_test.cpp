// Lights of a frame and their distribution.
#include <doctest/doctest.h>

#include <cmath>

#include "small_gltf.h"

namespace framebus::render {
namespace {

struct Lit {
  std::shared_ptr<const Scene> scene;
  std::unique_ptr<const Frame> frame;
  const FrameView& view() const { return frame->view(); }
};

Lit lit(const std::string& text, const RenderJob& job = job_for("scene.gltf")) {
  auto scene = load_text(text);
  REQUIRE_MESSAGE(scene.has_value(), load_error(text));
  auto frame = make_frame(**scene, job, 1);
  REQUIRE_MESSAGE(frame.has_value(), frame.error().message);
  return {*scene, std::move(*frame)};
}

std::string glowing_quad() {
  return replaced(quad_gltf(), "\"name\": \"paint\"",
                  "\"emissiveFactor\": [1, 1, 1], \"extensions\": "
                  "{\"KHR_materials_emissive_strength\": {\"emissiveStrength\": 5}}");
}

TEST_CASE("lights: every triangle of an emissive mesh is one, by area") {
  const Lit l = lit(replaced(glowing_quad(), "\"mesh\": 0}", "\"mesh\": 0, \"scale\": [3, 1, 1]}"));
  REQUIRE(l.view().light_count == 2);
  CHECK(l.view().instances[0].first_light == 0);
  CHECK(l.view().lights[1].kind == LightKind::triangle);
  CHECK(l.view().lights[1].triangle == 1);
  CHECK(l.view().light_cdf[0] == doctest::Approx(0.5));
  CHECK(l.view().light_cdf[1] == 1.0f);
  CHECK(l.scene->view().materials[0].emission.y == 5.0f);
}

TEST_CASE("lights: unlit and black materials are none") {
  CHECK(lit(quad_gltf()).view().light_count == 0);
  CHECK(lit(quad_gltf()).view().instances[0].first_light == no_index);
  CHECK(lit(replaced(quad_gltf(), "\"name\": \"paint\"",
                     "\"extensions\": {\"KHR_materials_unlit\": {}}"))
            .view()
            .light_count == 0);
}

TEST_CASE("lights: punctual lights of the file stand and point where their nodes do") {
  const std::string text = replaced(
      quad_gltf_with(
          R"("extensions": {"KHR_lights_punctual": {"lights": [{"type": "spot", "color": [1, 0.5, 0], "intensity": 10,
         "range": 7, "spot": {"innerConeAngle": 0.3, "outerConeAngle": 0.6}}]}})"),
      "\"mesh\": 0}",
      "\"mesh\": 0, \"translation\": [0, 4, 0], \"rotation\": [-0.70710678, 0, 0, 0.70710678], "
      "\"extensions\": {\"KHR_lights_punctual\": {\"light\": 0}}}");
  const Lit l = lit(text);
  REQUIRE(l.view().light_count == 1);
  const Light& light = l.view().lights[0];
  CHECK(light.kind == LightKind::spot);
  CHECK(light.position.y == 4.0f);
  CHECK(light.direction.y == doctest::Approx(-1.0));
  CHECK(light.intensity.y == 5.0f);
  CHECK(light.range == 7.0f);
  CHECK(light.cos_inner == doctest::Approx(std::cos(0.3)));
  CHECK(light.cos_outer == doctest::Approx(std::cos(0.6)));
}

TEST_CASE("lights: those of the job are added, an unknown kind is refused") {
  RenderJob job = job_for("scene.gltf");
  LightSettings sun;
  sun.kind = "directional";
  sun.direction = {0, -3, 0};
  sun.intensity = 2;
  LightSettings bulb;
  bulb.kind = "point";
  bulb.position = {1, 2, 3};
  job.lights = {sun, bulb};
  const Lit l = lit(quad_gltf(), job);
  REQUIRE(l.view().light_count == 2);
  CHECK(l.view().lights[0].direction.y == -1.0f);
  CHECK(l.view().lights[0].intensity.x == 2.0f);
  CHECK(l.view().lights[1].position.z == 3.0f);
  CHECK(l.view().light_cdf[1] == 1.0f);
  CHECK(l.view().light_cdf[0] >= 0.1f);
  CHECK(l.view().light_cdf[0] <= 0.5f);
  const SceneFolder folder;
  folder.write("scene.gltf", quad_gltf());
  job.lights[0].kind = "laser";
  CHECK(contains(load_scene(job, folder.resolver()).error().message,
                 "/lights/0/kind: found \"laser\""));
}

TEST_CASE("lights: a constant environment is one") {
  RenderJob job = job_for("scene.gltf");
  job.environment.color = {0.5, 0.5, 0.5};
  const Lit l = lit(glowing_quad(), job);
  REQUIRE(l.view().light_count == 3);
  CHECK(l.view().lights[2].kind == LightKind::environment);
  CHECK(l.view().environment.width == 0);
  CHECK(l.view().environment.constant.x == 0.5f);
}

}  // namespace
}  // namespace framebus::render
