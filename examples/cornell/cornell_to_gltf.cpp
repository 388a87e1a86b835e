// cornell_to_gltf SCENE.json FOLDER [SPP]: writes FOLDER/cornell.gltf and FOLDER/job.json.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "examples/cornell/cornell_scene.h"

namespace {

framebus::Status write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (out) return {};
  return framebus::fail(framebus::Code::unavailable, "cannot write " + path.string());
}

framebus::Status convert(const char* scene_file, const std::filesystem::path& folder,
                         std::uint32_t spp) {
  FRAMEBUS_ASSIGN(const auto scene, framebus::cornell::read_tungsten(scene_file));
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  FRAMEBUS_TRY(write_text(folder / "cornell.gltf", framebus::cornell::gltf_of(scene)));
  return write_text(folder / "job.json", framebus::cornell::job_of(scene, spp));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: cornell_to_gltf SCENE.json FOLDER [SPP]\n");
    return 2;
  }
  const int spp = argc > 3 ? std::atoi(argv[3]) : 256;
  const framebus::Status status =
      convert(argv[1], argv[2], static_cast<std::uint32_t>(spp < 1 ? 1 : spp));
  if (status) return 0;
  std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return framebus::error_info(status.error().code).exit_code;
}
