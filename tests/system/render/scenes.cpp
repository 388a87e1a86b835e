#include "tests/system/render/scenes.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace framebus::test {

namespace fs = std::filesystem;

std::optional<fs::path> trial_scenes() {
  const char* chosen = std::getenv("FRAMEBUS_TEST_SCENES");
  const fs::path folder =
      chosen != nullptr ? fs::path(chosen) : fs::path(FRAMEBUS_SOURCE_DIR) / "../shared/scenes";
  if (fs::is_directory(folder)) return fs::canonical(folder);
  MESSAGE("skipped: no trial scenes in " << folder.string() << " (set FRAMEBUS_TEST_SCENES)");
  return std::nullopt;
}

fs::path gallery_scene(Farm& farm) {
  const fs::path folder = farm.path("gallery");
  ChildProcess& maker = farm.start("make_gallery", {folder.string()});
  REQUIRE(maker.wait_exit(seconds(60)) == 0);
  return folder / "gallery.gltf";
}

std::string render_job(const RenderText& text) {
  Json split = Json::object();
  if (text.tile_width > 0) split["tile"] = {text.tile_width, text.tile_height};
  if (text.spp_per_task > 0) split["spp_per_task"] = text.spp_per_task;
  Json job{{"name", "picture"},
           {"type", "render"},
           {"scene", text.scene.string()},
           {"film", {{"width", text.width}, {"height", text.height}}},
           {"sampling", {{"spp", text.spp}}},
           {"split", split},
           {"outputs", Json::parse(text.outputs)}};
  if (!text.environment.empty()) job["environment"] = {{"file", text.environment.string()}};
  return job.dump(2);
}

std::string frame_hash(const Json& fetched) {
  REQUIRE(fetched.contains("frames"));
  REQUIRE(fetched.at("frames").size() == 1);
  const std::string hash = fetched.at("frames").at(0).at("hash");
  REQUIRE(hash.size() == 64);
  return hash;
}

std::string bytes_of_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE_MESSAGE(stream.good(), "no file " << path.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace framebus::test
