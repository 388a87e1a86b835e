// make_gallery FOLDER: writes the example scene (gallery.gltf, gallery.bin, textures) into
// FOLDER.
//
// The scene is the project's own: everything in it comes from the formulas beside this file. The
// same bytes on every machine, in about a second.
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "examples/gallery/gallery_scene.h"

int main(int argc, char** argv) {
  using namespace framebus;
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_gallery FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  gallery::GltfWriter gltf;
  gallery::build_gallery(gltf);
  Status status = gallery::write_textures(folder);
  if (status) status = gltf.write(folder, "gallery");
  if (!status) {
    std::fprintf(stderr, "make_gallery: %s\n", status.error().message.c_str());
    return error_info(status.error().code).exit_code;
  }
  std::printf("%s: %zu triangles\n", (folder / "gallery.gltf").c_str(), gltf.triangle_count());
  return 0;
}
