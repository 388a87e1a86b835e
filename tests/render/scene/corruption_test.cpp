// A hostile or damaged file: always an error or a scene, never a crash, a hang or a large
// allocation.
#include <doctest/doctest.h>

#include <algorithm>

#include "small_gltf.h"

namespace framebus::render {
namespace {

// What loads must be usable: indices in range, a frame can be made of it.
void check_result(const Result<std::shared_ptr<const Scene>>& scene) {
  if (!scene) {
    CHECK_FALSE(scene.error().message.empty());
    CHECK(scene.error().code == Code::invalid_argument);
    return;
  }
  const SceneView& view = (*scene)->view();
  for (std::uint32_t m = 0; m < view.mesh_count; ++m) {
    const Mesh& mesh = view.meshes[m];
    REQUIRE(std::uint64_t{mesh.first_vertex} + mesh.vertex_count <= view.vertex_count);
    REQUIRE(std::uint64_t{mesh.first_triangle} + mesh.triangle_count <= view.triangle_count);
    REQUIRE(mesh.material < view.material_count);
    for (std::uint32_t i = 0; i < mesh.triangle_count; ++i) {
      const Triangle& t = view.triangles[mesh.first_triangle + i];
      REQUIRE(std::max({t.v0, t.v1, t.v2}) < mesh.vertex_count);
    }
  }
  const auto frame = make_frame(**scene, job_for("scene.gltf"), 1);
  if (frame) CHECK((*frame)->view().instance_count <= 1000);
}

std::string small_scene() {
  return quad_gltf_with(R"("cameras": [{"type": "perspective", "perspective": {"yfov": 0.6}}],
    "animations": [{"samplers": [{"input": 4, "output": 0}], "channels": [{"sampler": 0, "target": {"node": 0, "path": "scale"}}]}])");
}

TEST_CASE("corruption: the file cut at every length") {
  const SceneFolder folder;
  const std::string text = quad_gltf();
  for (std::size_t size = 0; size < text.size(); ++size) {
    folder.write("scene.gltf", std::string_view(text).substr(0, size));
    const auto scene = load_scene(job_for("scene.gltf"), folder.resolver());
    // Only white space follows the last brace.
    if (size + 1 < text.size()) CHECK_FALSE(scene.has_value());
    check_result(scene);
  }
}

TEST_CASE("corruption: single bytes changed") {
  const SceneFolder folder;
  const std::string text = quad_gltf();
  std::uint32_t state = 12345;
  for (std::size_t at = 0; at < text.size(); ++at) {
    state = state * 1664525u + 1013904223u;
    std::string bad = text;
    bad[at] = static_cast<char>(state >> 24);
    folder.write("scene.gltf", bad);
    check_result(load_scene(job_for("scene.gltf"), folder.resolver()));
  }
}

TEST_CASE("corruption: every number replaced by absurd ones") {
  const SceneFolder folder;
  const std::string text = small_scene();
  const std::size_t end = text.find("\"buffers\"");
  for (std::size_t at = 0; at < end; ++at) {
    if (text[at] < '0' || text[at] > '9' || (text[at - 1] >= '0' && text[at - 1] <= '9')) continue;
    const std::size_t digits = text.find_first_not_of("0123456789", at) - at;
    for (const char* absurd :
         {"4294967295", "9223372036854775807", "-1", "1e308", "0.5", "null", "[]", "{}"}) {
      std::string bad = text;
      bad.replace(at, digits, absurd);
      folder.write("scene.gltf", bad);
      check_result(load_scene(job_for("scene.gltf"), folder.resolver()));
    }
  }
}

TEST_CASE("corruption: brackets without end are refused at once") {
  CHECK(load_error(std::string(8 << 20, '[')) != "");
  CHECK(load_error("{\"asset\":" + std::string(1 << 20, '{')) != "");
}

}  // namespace
}  // namespace framebus::render
