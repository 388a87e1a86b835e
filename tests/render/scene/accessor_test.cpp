// Accessors: every way in which a file can point outside itself is an error that says so.
#include <doctest/doctest.h>

#include "small_gltf.h"

namespace framebus::render {
namespace {

TEST_CASE("accessor: offsets, counts and strides beyond the buffer are refused") {
  const std::string quad = quad_gltf();
  const auto changed = [&](std::string_view from, std::string_view to) {
    const std::string error = load_error(replaced(quad, from, to));
    CHECK_MESSAGE(contains(error, "scene.gltf:"), from << " -> " << to << ": " << error);
    CHECK_MESSAGE(contains(error, "allowed"), error);
    return error;
  };
  const std::string count = "\"componentType\": 5126, \"count\": 4, \"type\": \"VEC2\"";
  CHECK(contains(changed(count, "\"componentType\": 5126, \"count\": 5, \"type\": \"VEC2\""),
                 "/accessors/2"));
  CHECK(contains(changed(count, "\"componentType\": 5126, \"count\": 3, \"type\": \"VEC2\""),
                 "POSITION"));
  changed(count, "\"componentType\": 5126, \"count\": 0, \"type\": \"VEC2\"");
  changed(count, "\"componentType\": 5126, \"count\": 9223372036854775807, \"type\": \"VEC2\"");
  changed(count, "\"componentType\": 5126, \"count\": 18446744073709551615, \"type\": \"VEC2\"");
  changed(count, "\"componentType\": 5126, \"count\": -4, \"type\": \"VEC2\"");
  changed(count, "\"componentType\": 5126, \"count\": 4.5, \"type\": \"VEC2\"");
  changed(count, "\"componentType\": 5127, \"count\": 4, \"type\": \"VEC2\"");
  changed(count, "\"componentType\": 5126, \"count\": 4, \"type\": \"VEC5\"");
  changed(count, "\"componentType\": 5126, \"count\": 4, \"type\": \"VEC3\"");
  changed("\"byteOffset\": 96", "\"byteOffset\": 97");
  changed("\"byteOffset\": 96", "\"byteOffset\": 9223372036854775807");
  changed("\"byteLength\": 128", "\"byteLength\": 141");
  changed("\"byteOffset\": 128", "\"byteOffset\": 129");
  changed("\"byteLength\": 128", "\"byteStride\": 4, \"byteLength\": 128");
  changed("\"byteLength\": 128", "\"byteStride\": 60000, \"byteLength\": 128");
  changed("{\"buffer\": 0, \"byteOffset\": 128", "{\"buffer\": 1, \"byteOffset\": 128");
  CHECK(contains(changed("\"byteLength\": 140", "\"byteLength\": 141"), "cut off"));
  CHECK(contains(changed("\"indices\": 3", "\"indices\": 4"), "from 0 to 3"));
  changed("\"POSITION\": 0", "\"POSITION\": -1");
  changed("\"componentType\": 5123, \"count\": 6", "\"componentType\": 5122, \"count\": 6");
  CHECK(contains(
      changed("\"componentType\": 5123, \"count\": 6", "\"componentType\": 5123, \"count\": 5"),
      "multiple of 3"));
}

TEST_CASE("accessor: a vertex index out of range names the element and the bound") {
  const std::string bad = data_uri(bytes_of_u16({0, 1, 2, 0, 2, 4}));
  const std::string error = load_error(
      replaced(replaced(quad_gltf(), "\"buffers\": [",
                        "\"buffers\": [{\"byteLength\": 12, \"uri\": \"" + bad + "\"}, "),
               "{\"buffer\": 0, \"byteOffset\": 0, \"byteLength\": 128},\n                  "
               "{\"buffer\": 0, \"byteOffset\": 128",
               "{\"buffer\": 1, \"byteOffset\": 0, \"byteLength\": 128},\n                  "
               "{\"buffer\": 0, \"byteOffset\": 0"));
  CHECK(contains(error, "element 5 is vertex 4"));
  CHECK(contains(error, "0 to 3"));
}

TEST_CASE("accessor: coordinates that are not finite are refused") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 2e30f}) {
    const std::string data = data_uri(bytes_of_floats({0, 0, 0, 1, bad, 0, 0, 1, 0}));
    const std::string error = load_error(R"({"asset": {"version": "2.0"}, "nodes": [{"mesh": 0}],
      "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
      "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
      "bufferViews": [{"buffer": 0, "byteLength": 36}],
      "buffers": [{"byteLength": 36, "uri": ")" +
                                         data + "\"}]}");
    CHECK(contains(error, "/accessors/0: found element 1 is"));
    CHECK(contains(error, "finite"));
  }
}

TEST_CASE("accessor: sparse values replace, and are checked") {
  const std::string uri = data_uri(bytes_of_u16({2, 0}) + bytes_of_floats({5, 6, 7}));
  const std::string extra =
      replaced(replaced(quad_gltf(), "\"buffers\": [",
                        "\"buffers\": [{\"byteLength\": 16, \"uri\": \"" + uri + "\"}, "),
               "{\"buffer\": 0", "{\"buffer\": 1");
  const std::string with_views = replaced(extra, "\"byteLength\": 12}",
                                          "\"byteLength\": 12}, {\"buffer\": 0, \"byteLength\": 2},"
                                          "{\"buffer\": 0, \"byteOffset\": 4, \"byteLength\": 12}");
  const std::string sparse = replaced(
      with_views, "{\"bufferView\": 0, \"componentType\": 5126, \"count\": 4, \"type\": \"VEC3\"}",
      "{\"bufferView\": 0, \"componentType\": 5126, \"count\": 4, \"type\": \"VEC3\", \"sparse\": "
      "{\"count\": 1,"
      "\"indices\": {\"bufferView\": 2, \"componentType\": 5123}, \"values\": {\"bufferView\": "
      "3}}}");
  const auto scene = load_text(sparse);
  REQUIRE_MESSAGE(scene.has_value(), load_error(sparse));
  CHECK((*scene)->view().positions[2].y == 6.0f);
  CHECK((*scene)->view().positions[1].y == -1.0f);
  CHECK(contains(
      load_error(replaced(sparse, "\"sparse\": {\"count\": 1", "\"sparse\": {\"count\": 2")),
      "sparse"));
  CHECK(contains(load_error(replaced(sparse, "\"componentType\": 5123}, \"values\"",
                                     "\"componentType\": 5126}, \"values\"")),
                 "5121"));
  CHECK(contains(load_error(replaced(sparse, "\"values\": {\"bufferView\": 3}",
                                     "\"values\": {\"bufferView\": 2}")),
                 "sparse elements"));
}

TEST_CASE("accessor: without a buffer view it is zeros, but only so many") {
  const std::string zeros = replaced(quad_gltf(), "{\"bufferView\": 0, \"byteOffset\": 96, ", "{");
  const auto scene = load_text(zeros);
  REQUIRE(scene.has_value());
  CHECK((*scene)->view().uv0[2].x == 0.0f);
  const std::string bomb = load_error(R"({"asset": {"version": "2.0"}, "nodes": [{"mesh": 0}],
      "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
      "accessors": [{"componentType": 5126, "count": 30000000, "type": "VEC3"}]})");
  CHECK(contains(bomb, "without a bufferView"));
}

TEST_CASE("accessor: normalized integers map to 0..1 and -1..1") {
  const std::string data =
      data_uri(std::string("\x00\x00\xFF\x00\x00\xFF\xFF\xFF\xFF\x00", 8) + std::string(4, '\0'));
  std::string text = replaced(quad_gltf(), "\"buffers\": [",
                              "\"buffers\": [{\"byteLength\": 12, \"uri\": \"" + data + "\"}, ");
  text = replaced(text, "{\"buffer\": 0", "{\"buffer\": 1");
  text = replaced(text, "\"byteLength\": 12}]",
                  "\"byteLength\": 12}, {\"buffer\": 0, \"byteLength\": 8}]");
  text = replaced(text,
                  "{\"bufferView\": 0, \"byteOffset\": 96, \"componentType\": 5126, \"count\": 4, "
                  "\"type\": \"VEC2\"}",
                  "{\"bufferView\": 2, \"componentType\": 5121, \"normalized\": true, \"count\": "
                  "4, \"type\": \"VEC2\"}");
  const auto scene = load_text(text);
  REQUIRE_MESSAGE(scene.has_value(), load_error(text));
  CHECK((*scene)->view().uv0[1].x == 1.0f);
  CHECK((*scene)->view().uv0[1].y == 0.0f);
}

}  // namespace
}  // namespace framebus::render
