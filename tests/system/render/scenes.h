// Scenes for the render tests: the project's own gallery, made once for each test program, and the
// trial scenes beside the checkout, which are not part of it and may be absent.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tests/system/farm.h"

namespace framebus::test {

// ../shared/scenes from the project's root, or FRAMEBUS_TEST_SCENES; none, with the reason printed,
// when it is absent.
std::optional<std::filesystem::path> trial_scenes();

// Runs make_gallery into the farm's directory; the path of gallery.gltf.
std::filesystem::path gallery_scene(Farm& farm);

struct RenderText {
  std::filesystem::path scene;
  std::filesystem::path environment;  // empty: none
  int width = 64, height = 64, spp = 4;
  int tile_width = 0, tile_height = 0, spp_per_task = 0;  // 0: auto
  std::string outputs = R"([{"file": "out/picture.png"}, {"file": "out/picture.exr"}])";
};
std::string render_job(const RenderText& text);

// The hash of the one frame's sums, from the JSON of `fetch`, `local` or `submit --wait`.
std::string frame_hash(const Json& fetched);

std::string bytes_of_file(const std::filesystem::path& path);

}  // namespace framebus::test
