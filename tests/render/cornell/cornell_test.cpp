// The Cornell box: the converter against the published geometry, and the picture against what the
// data says.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <thread>

#include "examples/cornell/cornell_scene.h"
#include "worker/executors/render/cpu/tracer.h"
#include "worker/executors/render/film/image_file.h"

namespace framebus::render {
namespace {

namespace fs = std::filesystem;

fs::path published(const char* file) {
  const char* given = std::getenv("FRAMEBUS_TEST_SCENES");
  const fs::path scenes = given != nullptr
                              ? fs::path(given)
                              : fs::path(FRAMEBUS_SOURCE_DIR) / ".." / "shared" / "scenes";
  return scenes / "cornell-box" / file;
}

bool is_absent(const fs::path& file) {
  if (fs::exists(file)) return false;
  MESSAGE("skipped: " << file.string() << " is not on this machine (set FRAMEBUS_TEST_SCENES)");
  return true;
}

using Corner = std::array<long, 3>;  // in thousandths

Corner rounded(Vec3 p) {
  return {std::lround(p.x * 1000), std::lround(p.y * 1000), std::lround(p.z * 1000)};
}

// Corners of each shape of the Mitsuba file, which gives matrices for a square or cube from -1
// to 1.
std::vector<std::set<Corner>> mitsuba_corners(const std::string& xml) {
  std::vector<std::set<Corner>> out;
  for (std::size_t at = xml.find("<shape "); at != std::string::npos;
       at = xml.find("<shape ", at + 1)) {
    const bool is_cube = xml.compare(at, 18, "<shape type=\"cube\"") == 0;
    const std::size_t begin = xml.find("matrix value=\"", at) + 14;
    std::istringstream numbers(xml.substr(begin, xml.find('"', begin) - begin));
    Transform t;
    for (auto& row : t.m)
      for (double& value : row) numbers >> value;
    auto& corners = out.emplace_back();
    for (double x : {-1.0, 1.0})
      for (double y : {-1.0, 1.0})
        for (double z : {-1.0, 1.0}) corners.insert(rounded(t.point({x, y, is_cube ? z : 0.0})));
  }
  return out;
}

TEST_CASE("cornell: every corner lies where the published matrices put it") {
  if (is_absent(published("tungsten_scene.json"))) return;
  const auto scene = cornell::read_tungsten(published("tungsten_scene.json"));
  REQUIRE_MESSAGE(scene.has_value(), scene.error().message);
  std::ifstream in(published("bitterli_mitsuba_scene.xml"));
  const auto expected = mitsuba_corners({std::istreambuf_iterator<char>(in), {}});
  REQUIRE(expected.size() == scene->primitives.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto& primitive = scene->primitives[i];
    std::set<Corner> corners;
    for (double x : {-0.5, 0.5})
      for (double y : {-0.5, 0.5})
        for (double z : {-0.5, 0.5})
          corners.insert(rounded(primitive.to_world.point({x, primitive.is_cube ? y : 0.0, z})));
    CHECK_MESSAGE(corners == expected[i], primitive.name);
  }
}

// Mean colour over a rectangle given in fractions of the picture.
std::array<double, 3> mean_over(const std::vector<float>& rgb, std::uint32_t width,
                                std::uint32_t height, double x0, double y0, double x1, double y1) {
  std::array<double, 3> sum{};
  for (auto y = static_cast<std::uint32_t>(y0 * height);
       y < static_cast<std::uint32_t>(y1 * height); ++y)
    for (auto x = static_cast<std::uint32_t>(x0 * width);
         x < static_cast<std::uint32_t>(x1 * width); ++x)
      for (std::size_t c = 0; c < 3; ++c)
        sum[c] += static_cast<double>(rgb[3 * (std::size_t{y} * width + x) + c]);
  return sum;
}

std::vector<float> render(const cornell::CornellScene& source, std::uint32_t width,
                          std::uint32_t height, std::uint32_t depth) {
  const fs::path file =
      fs::temp_directory_path() / ("framebus_cornell_" + std::to_string(::getpid()) + ".gltf");
  std::ofstream(file) << cornell::gltf_of(source);
  RenderJob job;
  job.scene = "cornell.gltf";
  job.width = width;
  job.height = height;
  job.camera.yfov =
      2 * std::atan(std::tan(source.horizontal_fov / 2) * source.height / source.width);
  job.camera.keys = {{1, source.camera_position, source.camera_look_at}};
  job.sampling.max_depth = depth;
  const auto scene = load_scene(job, [&](const std::string&) -> Result<fs::path> { return file; });
  fs::remove(file);
  REQUIRE_MESSAGE(scene.has_value(), scene.error().message);
  auto frame = make_frame(**scene, job, 1);
  REQUIRE(frame.has_value());
  const unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  const auto tracer =
      make_frame_tracer(*scene, build_mesh_bvhs(**scene, threads), std::move(*frame), job);
  const auto sums = tracer->render(
      {0, 0, width, height, 0, 64}, threads, [] { return false; }, [](double) {});
  REQUIRE(sums.has_value());
  return mean_of(*sums, layer_rgb);
}

TEST_CASE(
    "cornell: walls show their albedo times the light's colour when only direct light counts") {
  if (is_absent(published("tungsten_scene.json"))) return;
  const auto scene = cornell::read_tungsten(published("tungsten_scene.json"));
  REQUIRE(scene.has_value());
  constexpr std::uint32_t width = 160, height = 90;
  const auto direct = render(*scene, width, height, 2);
  const auto check_ratio = [&](const char* wall, double x0, double y0, double x1, double y1,
                               std::array<double, 3> albedo) {
    const auto color = mean_over(direct, width, height, x0, y0, x1, y1);
    CHECK_MESSAGE(color[0] > 0, wall);
    CHECK_MESSAGE(
        color[0] / color[1] == doctest::Approx(albedo[0] * 17 / (albedo[1] * 12)).epsilon(1e-3),
        wall);
    CHECK_MESSAGE(
        color[2] / color[1] == doctest::Approx(albedo[2] * 4 / (albedo[1] * 12)).epsilon(1e-3),
        wall);
  };
  // The red wall is on the left, the green one on the right, the white one at the back.
  check_ratio("left", 0.245, 0.3, 0.275, 0.7, {0.63, 0.065, 0.05});
  check_ratio("right", 0.725, 0.3, 0.755, 0.7, {0.14, 0.45, 0.091});
  check_ratio("back", 0.45, 0.2, 0.65, 0.35, {0.725, 0.71, 0.68});
}

TEST_CASE("cornell: bounced light carries the walls' colours onto the boxes' sides") {
  if (is_absent(published("tungsten_scene.json"))) return;
  const auto scene = cornell::read_tungsten(published("tungsten_scene.json"));
  REQUIRE(scene.has_value());
  constexpr std::uint32_t width = 160, height = 90;
  const auto all = render(*scene, width, height, 16);
  const auto tall_left = mean_over(all, width, height, 0.348, 0.5, 0.37, 0.8);
  const auto short_right = mean_over(all, width, height, 0.645, 0.75, 0.66, 0.9);
  CHECK(tall_left[0] / tall_left[1] > 3 * short_right[0] / short_right[1]);
  const auto light = mean_over(all, width, height, 0.46, 0.085, 0.54, 0.1);
  CHECK(light[0] / light[2] == doctest::Approx(17.0 / 4.0).epsilon(0.02));
}

TEST_CASE("cornell: what the converter can not read is named") {
  const fs::path file =
      fs::temp_directory_path() / ("framebus_tungsten_" + std::to_string(::getpid()) + ".json");
  const auto error_of = [&](const std::string& text) {
    std::ofstream(file) << text;
    const auto scene = cornell::read_tungsten(file);
    return scene ? std::string() : scene.error().message;
  };
  CHECK(error_of("{\"bsdfs\": [{\"name\": \"a\", \"type\": \"glass\"}]}").find("lambert") !=
        std::string::npos);
  CHECK(error_of("{\"bsdfs\": []}").find("primitives") != std::string::npos);
  const std::string sphere =
      R"({"bsdfs": [], "primitives": [{"name": "s", "type": "sphere", "bsdf": "x", "transform": {}}]})";
  CHECK(error_of(sphere).find("quad, cube") != std::string::npos);
  fs::remove(file);
}

}  // namespace
}  // namespace framebus::render
