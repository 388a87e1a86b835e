// The scene's texture files, painted on a few threads.
#include <functional>
#include <future>
#include <utility>
#include <vector>

#include "examples/gallery/gallery_scene.h"
#include "examples/gallery/picture.h"

namespace framebus::gallery {

Status write_textures(const std::filesystem::path& folder) {
  // glTF: roughness in green, metal in blue.
  const auto roughness = [](double rough, double metal) { return Color{0, rough, metal, 1}; };
  const std::vector<std::pair<const char*, std::function<Picture()>>> files = {
      {"floor_color.png", [] { return make_picture(1024, 1024, floor_color); }},
      {"floor_normal.png", [] { return make_normal_map(1024, floor_height, 1.1); }},
      {"floor_rough.png",
       [&] {
         return make_picture(
             512, 512, [&](double u, double v) { return roughness(floor_roughness(u, v), 0); });
       }},
      {"plaster_normal.png", [] { return make_normal_map(512, plaster_height, 1.6); }},
      {"bronze_rough.png",
       [&] {
         return make_picture(
             512, 512, [&](double u, double v) { return roughness(brushed_roughness(u, v), 1); });
       }},
      {"celadon.png", [] { return make_picture(512, 512, celadon); }},
      {"painting_0.png",
       [] { return make_picture(640, 448, [](double u, double v) { return painting(0, u, v); }); }},
      {"painting_1.png",
       [] { return make_picture(384, 512, [](double u, double v) { return painting(1, u, v); }); }},
      {"painting_2.png",
       [] { return make_picture(512, 512, [](double u, double v) { return painting(2, u, v); }); }},
      {"leaf.png", [] { return make_picture(128, 512, leaf); }},
      {"window.png", [] { return make_picture(512, 512, window_sky); }},
  };
  std::vector<std::future<Status>> written;
  for (const auto& file : files)
    written.push_back(std::async(std::launch::async, [&folder, &file] {
      return write_png(folder / file.first, file.second());
    }));
  for (auto& each : written) FRAMEBUS_TRY(each.get());
  return {};
}

}  // namespace framebus::gallery
