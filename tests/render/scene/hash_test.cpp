// The compiled scene's hash: the same everywhere, and different when anything differs.
#include <doctest/doctest.h>

#include <thread>

#include "small_gltf.h"

namespace framebus::render {
namespace {

// Of write_rich_scene(). A change here means that older workers and newer ones can not share a
// frame: change it only with the scene compiler's output.
const std::string golden_hash = "1f33a6b676f259dd3b5d6e8dfef5a640ebdc68f5a9b2ff3b32e20e1269cfc2db";

Result<std::shared_ptr<const Scene>> load_rich() {
  const SceneFolder folder;
  write_rich_scene(folder);
  return load_scene(job_for("rich.gltf"), folder.resolver());
}

TEST_CASE("hash: the rich scene has its golden hash") {
  const auto scene = load_rich();
  REQUIRE_MESSAGE(scene.has_value(), scene.error().message);
  CHECK((*scene)->statistics().instances == 2);
  CHECK((*scene)->view().texture_count == 2);
  CHECK(to_string((*scene)->hash()) == golden_hash);
}

TEST_CASE("hash: loading on several threads at once gives the same") {
  std::vector<std::thread> threads;
  std::vector<std::string> hashes(4);
  for (std::string& hash : hashes)
    threads.emplace_back([&hash] {
      if (const auto scene = load_rich()) hash = to_string((*scene)->hash());
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& hash : hashes) CHECK(hash == golden_hash);
}

TEST_CASE("hash: geometry, materials and nodes take part, names of materials do not") {
  const auto hash_of_text = [](const std::string& text) {
    const auto scene = load_text(text);
    REQUIRE(scene.has_value());
    return to_string((*scene)->hash());
  };
  const std::string base = hash_of_text(quad_gltf());
  CHECK(hash_of_text(replaced(quad_gltf(), "0.8, 0.4", "0.8, 0.41")) != base);
  CHECK(hash_of_text(replaced(quad_gltf(), "\"mesh\": 0}",
                              "\"mesh\": 0, \"translation\": [0, 0, 1]}")) != base);
  CHECK(hash_of_text(replaced(quad_gltf(), "\"TEXCOORD_0\": 2", "\"TEXCOORD_1\": 2")) != base);
  CHECK(hash_of_text(replaced(quad_gltf(), "\"name\": \"paint\"", "\"name\": \"other\"")) == base);
}

}  // namespace
}  // namespace framebus::render
