// Instances: hierarchy, mirrors, hidden nodes, job instances, EXT_mesh_gpu_instancing, broken
// trees.
#include <doctest/doctest.h>

#include "small_gltf.h"

namespace framebus::render {
namespace {

std::string with_nodes(const std::string& nodes, const std::string& roots) {
  return replaced(replaced(quad_gltf(), "{\"name\": \"quad\", \"mesh\": 0}", nodes),
                  "{\"nodes\": [0]}", "{\"nodes\": [" + roots + "]}");
}

std::unique_ptr<const Frame> frame_of(const std::string& text,
                                      const RenderJob& job = job_for("scene.gltf")) {
  const auto scene = load_text(text);
  REQUIRE_MESSAGE(scene.has_value(), load_error(text));
  auto frame = make_frame(**scene, job, 1);
  REQUIRE_MESSAGE(frame.has_value(), frame.error().message);
  return std::move(*frame);
}

TEST_CASE("instances: parents' transforms apply to children, only the shown scene's nodes count") {
  const auto frame = frame_of(with_nodes(
      R"({"translation": [1, 0, 0], "scale": [2, 2, 2], "children": [1]}, {"translation": [0, 3, 0], "mesh": 0}, {"mesh": 0})",
      "0"));
  REQUIRE(frame->view().instance_count == 1);
  const Instance& i = frame->view().instances[0];
  CHECK(i.to_world.row[0].w == 1.0f);
  CHECK(i.to_world.row[1].w == 6.0f);
  CHECK(i.to_world.row[0].x == 2.0f);
  CHECK(i.to_object.row[1].w == -3.0f);
  CHECK(i.flips == 0);
}

TEST_CASE("instances: a mirror flips, scale 0 hides, a matrix is read by columns") {
  const auto frame = frame_of(with_nodes(
      R"({"scale": [-1, 1, 1], "mesh": 0}, {"scale": [0, 1, 1], "mesh": 0}, {"matrix": [1,0,0,0, 0,1,0,0, 0,0,1,0, 7,8,9,1], "mesh": 0})",
      "0, 1, 2"));
  REQUIRE(frame->view().instance_count == 2);
  CHECK(frame->view().instances[0].flips == 1);
  CHECK(frame->view().instances[1].to_world.row[2].w == 9.0f);
}

TEST_CASE("instances: the job shows a node once more, placed after its own transform") {
  RenderJob job = job_for("scene.gltf");
  InstanceSettings extra;
  extra.node = "quad";
  extra.translate = {5, 0, 0};
  extra.rotate = {0, 90, 0};
  extra.scale = {2, 2, 2};
  job.instances.push_back(extra);
  const auto frame =
      frame_of(with_nodes(R"({"name": "quad", "mesh": 0, "translation": [0, 0, 1]})", "0"), job);
  REQUIRE(frame->view().instance_count == 2);
  const Affine& m = frame->view().instances[1].to_world;
  CHECK(m.row[0].w == doctest::Approx(7.0));  // (0, 0, 1) scaled to 2, turned to +x, moved by 5
  job.instances[0].node = "squad";
  const auto scene = load_text(quad_gltf());
  const auto bad = make_frame(**scene, job, 1);
  CHECK(contains(bad.error().message, "/instances/0/node: found \"squad\""));
  CHECK(contains(bad.error().message, "(quad)"));
}

TEST_CASE("instances: EXT_mesh_gpu_instancing") {
  const std::string data = data_uri(bytes_of_floats({0, 0, 0, 1, 0, 0, 2, 0, 0}));
  std::string text = with_nodes(
      R"({"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 4}}}})",
      "0");
  text = replaced(text, "\"buffers\": [",
                  "\"buffers\": [{\"byteLength\": 36, \"uri\": \"" + data + "\"}, ");
  text = replaced(text, "{\"buffer\": 0", "{\"buffer\": 1");
  text = replaced(text, "\"byteLength\": 12}]",
                  "\"byteLength\": 12}, {\"buffer\": 0, \"byteLength\": 36}]");
  text = replaced(text, "\"type\": \"SCALAR\"}",
                  "\"type\": \"SCALAR\"}, {\"bufferView\": 2, \"componentType\": 5126, \"count\": "
                  "3, \"type\": \"VEC3\"}");
  const auto frame = frame_of(text);
  REQUIRE(frame->view().instance_count == 3);
  CHECK(frame->view().instances[2].to_world.row[0].w == 2.0f);
}

TEST_CASE("nodes: cycles, two parents, bad indices and singular matrices are refused") {
  CHECK(contains(
      load_error(with_nodes(R"({"children": [1]}, {"children": [2]}, {"children": [1]})", "0")),
      "already"));
  CHECK(
      contains(load_error(with_nodes(R"({"mesh": 0}, {"children": [2]}, {"children": [1]})", "0")),
               "cycle"));
  CHECK(contains(load_error(with_nodes(R"({"children": [0]})", "0")), "cycle"));
  CHECK(contains(load_error(with_nodes(R"({"children": [7]})", "0")), "/nodes/0/children/0"));
  CHECK(contains(load_error(with_nodes(R"({"mesh": 3})", "0")), "/nodes/0/mesh"));
  CHECK(contains(load_error(with_nodes(R"({"mesh": 0})", "4")), "/scenes/0/nodes/0"));
  CHECK(contains(
      load_error(with_nodes(R"({"mesh": 0, "matrix": [1,0,0,0, 0,0,0,0, 0,0,1,0, 0,0,0,1]})", "0")),
      "inverted"));
  CHECK(contains(load_error(with_nodes(R"({"mesh": 0, "matrix": [1,0,0]})", "0")), "exactly 16"));
  CHECK(contains(load_error(with_nodes(R"({"mesh": 0, "translation": [1e300, 0, 0]})", "0")),
                 "1e30"));
}

}  // namespace
}  // namespace framebus::render
