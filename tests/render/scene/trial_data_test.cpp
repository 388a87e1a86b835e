// Published scenes, when they are on this machine: FRAMEBUS_TEST_SCENES or ../shared/scenes beside
// the source.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>

#include "small_gltf.h"

namespace framebus::render {
namespace {

namespace fs = std::filesystem;

fs::path scenes() {
  const char* given = std::getenv("FRAMEBUS_TEST_SCENES");
  return given != nullptr ? fs::path(given)
                          : fs::path(FRAMEBUS_SOURCE_DIR) / ".." / "shared" / "scenes";
}

bool is_absent(const fs::path& file) {
  if (fs::exists(file)) return false;
  MESSAGE("skipped: " << file.string() << " is not on this machine (set FRAMEBUS_TEST_SCENES)");
  return true;
}

FileResolver beside(const fs::path& folder) {
  return [folder](const std::string& name) -> Result<fs::path> {
    return name.ends_with(".hdr") ? scenes() / "env" / name : folder / name;
  };
}

TEST_CASE("trial data: FlightHelmet loads completely and fast") {
  const fs::path folder = scenes() / "FlightHelmet";
  if (is_absent(folder / "FlightHelmet.gltf")) return;
  RenderJob job = job_for("FlightHelmet.gltf");
  job.environment.file = "spiaggia_di_mondello_1k.hdr";
  const auto start = std::chrono::steady_clock::now();
  const auto scene = load_scene(job, beside(folder));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  REQUIRE_MESSAGE(scene.has_value(), scene.error().message);
  CHECK((*scene)->statistics().triangles == 94722);
  CHECK((*scene)->statistics().textures == 15);
  CHECK((*scene)->statistics().lights == 1);
  CHECK_MESSAGE(seconds < 10, seconds << " s");
  const auto files = list_files(job, beside(folder));
  REQUIRE(files.has_value());
  CHECK(files->size() == 18);
}

TEST_CASE("trial data: Box, Avocado and Suzanne") {
  const std::pair<const char*, std::uint64_t> models[] = {
      {"Box", 12}, {"Avocado", 682}, {"Suzanne", 3936}};
  for (const auto& [name, triangles] : models) {
    const fs::path folder = scenes() / name;
    const std::string file = std::string(name) + ".gltf";
    if (is_absent(folder / file)) return;
    const auto scene = load_scene(job_for(file), beside(folder));
    REQUIRE_MESSAGE(scene.has_value(), scene.error().message);
    CHECK((*scene)->statistics().triangles == triangles);
    CHECK(make_frame(**scene, job_for(file), 1).has_value());
  }
}

}  // namespace
}  // namespace framebus::render
