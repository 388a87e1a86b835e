// Primitives: modes, sharing, normals and tangents.
#include <doctest/doctest.h>

#include <cmath>

#include "small_gltf.h"
#include "worker/executors/render/scene/mesh_build.h"

namespace framebus::render {
namespace {

std::vector<Triangle> triangles_of(const std::string& text) {
  const auto scene = load_text(text);
  REQUIRE_MESSAGE(scene.has_value(), load_error(text));
  const SceneView& view = (*scene)->view();
  return {view.triangles, view.triangles + view.triangle_count};
}

TEST_CASE("mesh: strips alternate their winding, fans keep their first corner") {
  const std::string plain = replaced(quad_gltf(), "\"indices\": 3, ", "");
  const auto strip =
      triangles_of(replaced(plain, "\"material\": 0", "\"material\": 0, \"mode\": 5"));
  REQUIRE(strip.size() == 2);
  CHECK(strip[1].v0 == 1);
  CHECK(strip[1].v1 == 3);
  CHECK(strip[1].v2 == 2);
  const auto fan = triangles_of(replaced(plain, "\"material\": 0", "\"material\": 0, \"mode\": 6"));
  REQUIRE(fan.size() == 2);
  CHECK(fan[1].v0 == 2);
  CHECK(fan[1].v2 == 0);
  CHECK(contains(load_error(plain), "4 corners; allowed: a multiple of 3"));
}

TEST_CASE("mesh: points and lines are skipped with a warning") {
  const auto scene =
      load_text(replaced(quad_gltf(), "\"material\": 0", "\"material\": 0, \"mode\": 1"));
  REQUIRE(scene.has_value());
  CHECK((*scene)->statistics().triangles == 0);
  CHECK((*scene)->statistics().warnings.size() >= 1);
}

TEST_CASE("mesh: primitives over the same accessors share vertices and triangles") {
  const std::string primitive = "\"indices\": 3, \"material\": 0}";
  std::string many = primitive;
  for (int i = 0; i < 50; ++i)
    many +=
        ", {\"attributes\": {\"POSITION\": 0, \"NORMAL\": 1, \"TEXCOORD_0\": 2}, \"indices\": 3}";
  const auto scene = load_text(replaced(quad_gltf(), primitive, many));
  REQUIRE(scene.has_value());
  CHECK((*scene)->view().mesh_count == 51);
  CHECK((*scene)->view().vertex_count == 4);
  CHECK((*scene)->view().triangle_count == 2);
  CHECK((*scene)->view().meshes[50].material == 1);
}

TEST_CASE("mesh: without normals the flag is off and given tangents do not count") {
  const auto scene = load_text(replaced(quad_gltf(), "\"NORMAL\": 1, ", ""));
  REQUIRE(scene.has_value());
  CHECK(((*scene)->view().meshes[0].flags & mesh_has_normals) == 0);
}

MeshBuild flat_quad() {
  MeshBuild mesh;
  mesh.positions = {{-1, -1, 0}, {1, -1, 0}, {1, 1, 0}, {-1, 1, 0}};
  mesh.normals.assign(4, {0, 0, 1});
  mesh.uv0 = {{0, 1}, {1, 1}, {1, 0}, {0, 0}};
  mesh.triangles = {{0, 1, 2}, {0, 2, 3}};
  return mesh;
}

TEST_CASE("tangents: along growing u, bitangent up in the picture") {
  MeshBuild mesh = flat_quad();
  generate_tangents(mesh, std::vector<Float2>(mesh.uv0));
  REQUIRE(mesh.tangents.size() == 4);
  for (const Float4& t : mesh.tangents) {
    CHECK(t.x == 1.0f);
    CHECK(t.y == 0.0f);
    CHECK(t.w == 1.0f);
  }
}

TEST_CASE("tangents: a mirrored half gets vertices of its own") {
  MeshBuild mesh = flat_quad();
  mesh.uv0 = {{0, 1}, {1, 1}, {0, 0}, {1, 1}};  // the second triangle mirrors the first
  const std::vector<Float2> uv = mesh.uv0;
  generate_tangents(mesh, uv);
  CHECK(mesh.positions.size() == 6);
  CHECK(mesh.tangents.size() == 6);
  CHECK(mesh.uv0.size() == 6);
  const float first = mesh.tangents[mesh.triangles[0].v0].w;
  const float second = mesh.tangents[mesh.triangles[1].v0].w;
  CHECK(first == -second);
  for (const Float4& t : mesh.tangents)
    CHECK(std::abs(t.x * t.x + t.y * t.y + t.z * t.z - 1) < 1e-5f);
}

TEST_CASE("tangents: degenerate texture coordinates still give a unit frame") {
  MeshBuild mesh = flat_quad();
  generate_tangents(mesh, std::vector<Float2>(4, {0.5f, 0.5f}));
  for (const Float4& t : mesh.tangents)
    CHECK(std::abs(t.x * t.x + t.y * t.y + t.z * t.z - 1) < 1e-5f);
}

TEST_CASE("normals: scaled to unit length, and replaced where they have none") {
  MeshBuild mesh = flat_quad();
  mesh.normals = {{0, 0, 5}, {0, 0, 0}, {0, 3, 4}, {0, 0, 1}};
  repair_normals(mesh);
  CHECK(mesh.normals[0].z == 1.0f);
  CHECK(mesh.normals[1].z == 1.0f);
  CHECK(mesh.normals[2].y == doctest::Approx(0.6));
}

}  // namespace
}  // namespace framebus::render
