// Containers, asset version, extensions, URIs and lists of files.
#include <doctest/doctest.h>

#include <algorithm>

#include "small_gltf.h"
#include "worker/executors/render/scene/uri.h"

namespace framebus::render {
namespace {

std::string u32_bytes(std::uint32_t v) {
  return {reinterpret_cast<const char*>(&v), 4};
}

std::string glb_of(std::string json, const std::string& binary) {
  while (json.size() % 4 != 0) json.push_back(' ');
  std::string chunks = u32_bytes(static_cast<std::uint32_t>(json.size())) + "JSON" + json;
  if (!binary.empty())
    chunks +=
        u32_bytes(static_cast<std::uint32_t>(binary.size())) + std::string("BIN\0", 4) + binary;
  return "glTF" + u32_bytes(2) + u32_bytes(static_cast<std::uint32_t>(12 + chunks.size())) + chunks;
}

TEST_CASE("gltf: a quad in one file loads") {
  const auto scene = load_text(quad_gltf());
  REQUIRE(scene.has_value());
  CHECK((*scene)->statistics().triangles == 2);
  CHECK((*scene)->statistics().instances == 1);
  CHECK((*scene)->statistics().instanced_triangles == 2);
  const SceneView& view = (*scene)->view();
  CHECK(view.vertex_count == 4);
  CHECK(view.meshes[0].flags == (mesh_has_normals | mesh_has_uv0));
  CHECK(view.positions[2].x == 1.0f);
  CHECK(view.materials[0].base_color.y == 0.4f);
}

TEST_CASE("glb: the same scene from a binary container has the same hash") {
  std::string json = quad_gltf();
  const std::size_t begin = json.find(", \"uri\": \"data:");
  const std::size_t end = json.find("\"}]", begin);
  json.erase(begin, end - begin + 1);
  const std::string binary = bytes_of_floats({-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0}) +
                             bytes_of_floats({0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1}) +
                             bytes_of_floats({0, 1, 1, 1, 1, 0, 0, 0}) +
                             bytes_of_u16({0, 1, 2, 0, 2, 3});
  const auto scene = load_text(glb_of(json, binary));
  REQUIRE_MESSAGE(scene.has_value(), load_error(glb_of(json, binary)));
  CHECK((*scene)->hash() == (*load_text(quad_gltf()))->hash());
  CHECK(contains(load_error(glb_of(json, "")), "no uri"));
  CHECK(contains(load_error(glb_of(json, binary.substr(0, 100))), "cut off"));
}

TEST_CASE("glb: a broken container is refused with the byte where it breaks") {
  const std::string good = glb_of(quad_gltf(), "");
  CHECK(load_error(good) == "");
  CHECK(contains(load_error(good.substr(0, 10)), "byte 10"));
  CHECK(contains(load_error(good.substr(0, good.size() - 4)), "byte 8"));
  std::string version = good;
  version[4] = 1;
  CHECK(contains(load_error(version), "container version 1"));
  std::string chunk = good;
  chunk[13] = '\x7F';
  chunk[14] = '\x7F';
  CHECK(contains(load_error(chunk), "a chunk declares"));
  std::string type = good;
  type[16] = 'X';
  CHECK(contains(load_error(type), "not JSON"));
}

TEST_CASE("gltf: version, required extensions and warnings") {
  CHECK(contains(load_error(replaced(quad_gltf(), "\"version\": \"2.0\"", "\"version\": \"1.0\"")),
                 "/asset: found version \"1.0\"; allowed: 2.x"));
  CHECK(contains(load_error("{}"), "asset"));
  CHECK(contains(load_error("[]"), "glTF 2.0 object"));
  const std::string draco =
      load_error(quad_gltf_with(R"("extensionsRequired": ["KHR_draco_mesh_compression"])"));
  CHECK(contains(draco, "/extensionsRequired/0"));
  CHECK(contains(draco, "KHR_draco_mesh_compression"));
  CHECK(contains(draco, "KHR_texture_transform"));
  const auto used = load_text(quad_gltf_with(R"("extensionsUsed": ["KHR_materials_clearcoat"])"));
  REQUIRE(used.has_value());
  const auto& warnings = (*used)->statistics().warnings;
  CHECK(std::count(warnings.begin(), warnings.end(),
                   "extension KHR_materials_clearcoat is ignored") == 1);
}

TEST_CASE("gltf: JSON mistakes name file, line and column") {
  CHECK(
      contains(load_error("{\"asset\": {\"version\": \"2.0\"},\n \"nodes\": [}"), "scene.gltf:2:"));
  CHECK(contains(load_error(std::string(100000, '[')), "scene.gltf:1:"));
  CHECK(contains(load_error(""), "scene.gltf"));
  CHECK(contains(load_error(replaced(quad_gltf(), "\"meshes\": [", "\"meshes\": [7, ")),
                 "/meshes/0"));
}

TEST_CASE("files: a missing buffer names the reference and the system's error") {
  const std::string text =
      replaced(quad_gltf(), "\"uri\": \"data:", "\"uri\": \"gone.bin\", \"extras\": \"data:");
  const std::string error = load_error(text);
  CHECK(contains(error, "/buffers/0/uri"));
  CHECK(contains(error, "gone.bin: No such file or directory"));
}

TEST_CASE("files: list_files names each file once, main file first") {
  const SceneFolder folder;
  write_rich_scene(folder);
  RenderJob job = job_for("rich.gltf");
  job.environment.file = "sky.hdr";
  const auto names = list_files(job, folder.resolver());
  REQUIRE(names.has_value());
  CHECK(*names == std::vector<std::string>{"rich.gltf", "grid.bin", "tex/checks 1.png", "sky.hdr"});
}

TEST_CASE("uri: relative names only") {
  CHECK(*file_name_of_uri("tex/a%20b.png") == "tex/a b.png");
  CHECK(*file_name_of_uri("./a.bin") == "a.bin");
  for (const char* bad : {"", "../a", "a/../../b", "/etc/passwd", "http://x/y", "file:///x", "a%2",
                          "a%zz", "a%00b", "..%2fa", "%2e%2e/a", "a\\b", "a\nb", "./"})
    CHECK_FALSE_MESSAGE(file_name_of_uri(bad).has_value(), bad);
  CHECK_FALSE(file_name_of_uri(std::string(5000, 'a')).has_value());
}

TEST_CASE("uri: base64 data") {
  CHECK(text_of(*decode_data_uri("data:;base64,aGVsbG8=")) == "hello");
  CHECK(decode_data_uri("data:application/octet-stream;base64,")->empty());
  CHECK_FALSE(decode_data_uri("data:text/plain,hello").has_value());
  CHECK_FALSE(decode_data_uri("data:;base64,a*bc").has_value());
  CHECK_FALSE(decode_data_uri("data:;base64,a").has_value());
}

}  // namespace
}  // namespace framebus::render
