// Cameras: of the file, by name, overridden, keyed, and fitted when there is none.
#include <doctest/doctest.h>

#include <cmath>

#include "small_gltf.h"

namespace framebus::render {
namespace {

std::string with_camera() {
  return replaced(
      quad_gltf_with(
          R"("cameras": [{"name": "lens", "type": "perspective", "perspective": {"yfov": 0.8}},
      {"name": "flat", "type": "orthographic", "orthographic": {"xmag": 2, "ymag": 3}}])"),
      "{\"name\": \"quad\", \"mesh\": 0}",
      "{\"name\": \"quad\", \"mesh\": 0, \"children\": [1, 2]}, {\"name\": \"eye\", \"camera\": 0, "
      "\"translation\": [0, 0, 5]},"
      "{\"name\": \"plan\", \"camera\": 1, \"scale\": [3, 3, 3]}");
}

Camera camera_of(const std::string& text, const RenderJob& job, double frame = 1) {
  const auto scene = load_text(text);
  REQUIRE_MESSAGE(scene.has_value(), load_error(text));
  const auto made = make_frame(**scene, job, frame);
  REQUIRE_MESSAGE(made.has_value(), made.error().message);
  return (*made)->view().camera;
}

TEST_CASE("camera: the file's first one, looking along -z") {
  const Camera camera = camera_of(with_camera(), job_for("scene.gltf"));
  CHECK(camera.position.z == 5.0f);
  CHECK(camera.forward.z == -1.0f);
  CHECK(camera.right.x == 1.0f);
  CHECK(camera.up.y == 1.0f);
  CHECK(camera.tan_half_y == doctest::Approx(std::tan(0.4)));
  CHECK(camera.tan_half_x == doctest::Approx(std::tan(0.4) * 160 / 90));
  CHECK(camera.orthographic == 0);
}

TEST_CASE("camera: by name of camera or node, an unknown name lists what there is") {
  RenderJob job = job_for("scene.gltf");
  job.camera.from_gltf = "plan";
  const Camera flat = camera_of(with_camera(), job);
  CHECK(flat.orthographic == 1);
  CHECK(flat.tan_half_y == 3.0f);
  CHECK(flat.up.y == doctest::Approx(1.0));
  job.camera.from_gltf = "lens";
  CHECK(camera_of(with_camera(), job).position.z == 5.0f);
  job.camera.from_gltf = "lense";
  const auto scene = load_text(with_camera());
  const auto frame = make_frame(**scene, job, 1);
  REQUIRE_FALSE(frame.has_value());
  CHECK(contains(frame.error().message, "\"lens\", \"flat\""));
}

TEST_CASE("camera: the job's field of view and keys win") {
  RenderJob job = job_for("scene.gltf");
  job.camera.yfov = 1.2;
  job.camera.keys = {{1, {0, 0, 4}, {0, 0, 0}}, {11, {4, 0, 0}, {0, 0, 0}}};
  const Camera first = camera_of(with_camera(), job);
  CHECK(first.tan_half_y == doctest::Approx(std::tan(0.6)));
  CHECK(first.position.z == 4.0f);
  const Camera middle = camera_of(with_camera(), job, 6);
  CHECK(middle.position.x == doctest::Approx(2.0));
  CHECK(middle.forward.x == doctest::Approx(-std::sqrt(0.5)));
  CHECK(camera_of(with_camera(), job, 99).position.x == 4.0f);
  job.camera.keys = {{1, {0, 5, 0}, {0, 0, 0}}};
  const Camera down = camera_of(with_camera(), job);
  CHECK(down.forward.y == -1.0f);
  CHECK(std::isfinite(down.right.x));
}

TEST_CASE("camera: without one, everything is in view") {
  const Camera camera = camera_of(quad_gltf(), job_for("scene.gltf"));
  for (float x : {-1.0f, 1.0f})
    for (float y : {-1.0f, 1.0f}) {
      const Vec3 p = Vec3{x, y, 0} - to_double(camera.position);
      const double depth = dot(p, to_double(camera.forward));
      CHECK(depth > 0);
      CHECK(std::abs(dot(p, to_double(camera.right))) <=
            depth * static_cast<double>(camera.tan_half_x));
      CHECK(std::abs(dot(p, to_double(camera.up))) <=
            depth * static_cast<double>(camera.tan_half_y));
    }
}

}  // namespace
}  // namespace framebus::render
