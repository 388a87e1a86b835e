// Environment maps: the .hdr codings, .exr, distributions, hostile bytes.
#include <doctest/doctest.h>

#include <cmath>

#include "small_gltf.h"
#include "worker/executors/render/film/image_file.h"
#include "worker/executors/render/scene/environment_map.h"
#include "worker/executors/render/scene/exact_math.h"

namespace framebus::render {
namespace {

std::string header(const std::string& size) {
  return "#?RADIANCE\n# made here\nFORMAT=32-bit_rle_rgbe\n\n" + size + "\n";
}

Result<EnvironmentMap> read_text(const std::string& bytes) {
  return read_environment("sky.hdr", bytes_of(bytes));
}

std::string flat_map(std::uint32_t width, std::uint32_t height) {
  std::string bytes = header("-Y " + std::to_string(height) + " +X " + std::to_string(width));
  for (std::uint32_t i = 0; i < width * height; ++i) bytes += std::string("\x80\x40\x20\x81", 4);
  return bytes;
}

TEST_CASE("hdr: flat pixels") {
  const auto map = read_text(flat_map(4, 2));
  REQUIRE_MESSAGE(map.has_value(), map.error().message);
  CHECK(map->width == 4);
  CHECK(map->pixels[7].x == 1.0f);
  CHECK(map->pixels[7].y == 0.5f);
  CHECK(map->pixels[7].z == 0.25f);
  CHECK(map->mean.x == doctest::Approx(1.0));
}

TEST_CASE("hdr: new and old run lengths") {
  std::string coded = header("-Y 1 +X 8") + std::string("\x02\x02\x00\x08", 4);
  coded += std::string("\x88\x80", 2);                              // red: a run of 8
  coded += std::string("\x08\x01\x02\x03\x04\x05\x06\x07\x08", 9);  // green: 8 literals
  coded += std::string("\x84\x10\x84\x20", 4);                      // blue: two runs of 4
  coded += std::string("\x88\x88", 2);                              // exponent
  const auto map = read_text(coded);
  REQUIRE_MESSAGE(map.has_value(), map.error().message);
  CHECK(map->pixels[0].x == 128.0f);
  CHECK(map->pixels[2].y == 3.0f);
  CHECK(map->pixels[3].z == 16.0f);
  CHECK(map->pixels[4].z == 32.0f);
  const auto old =
      read_text(header("-Y 1 +X 8") + std::string("\x80\x80\x80\x88\x01\x01\x01\x07", 8));
  REQUIRE_MESSAGE(old.has_value(), old.error().message);
  CHECK(old->pixels[7].x == 128.0f);
}

TEST_CASE("hdr: what is broken is refused with its byte") {
  const std::string good = flat_map(4, 2);
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(read_text(good.substr(0, size)).has_value());
  CHECK_FALSE(read_text(header("-Y 100000 +X 100000")).has_value());
  CHECK_FALSE(read_text(header("+Y 2 +X 4") + good).has_value());
  CHECK_FALSE(read_text(header("-Y 1 +X 8") + std::string("\x02\x02\x00\x08\xFF\x80", 6) + good)
                  .has_value());
  CHECK_FALSE(read_text(header("-Y 1 +X 8") + std::string("\x01\x01\x01\x07\x80\x80\x80\x80", 8))
                  .has_value());
  CHECK(contains(read_text("GIF89a").error().message, "sky.hdr: neither"));
  CHECK_FALSE(read_text("#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 1 +X 1\n    ").has_value());
}

TEST_CASE(
    "environment: CDFs run from 0 to exactly 1 and follow the bilinear luminance times sine") {
  std::string bytes = header("-Y 4 +X 4");
  for (int i = 0; i < 16; ++i)
    bytes += i == 5 ? std::string("\x80\x80\x80\x84", 4) : std::string("\x80\x80\x80\x80", 4);
  const auto map = read_text(bytes);
  REQUIRE(map.has_value());
  CHECK(map->marginal.front() == 0.0f);
  CHECK(map->marginal.back() == 1.0f);
  for (std::size_t y = 0; y < 4; ++y) {
    CHECK(map->conditional[y * 5] == 0.0f);
    CHECK(map->conditional[y * 5 + 4] == 1.0f);
    CHECK(map->marginal[y + 1] > map->marginal[y]);
  }
  // One texel stands out by 15; each texel's weight is the mean of the bilinear map over it.
  const double row = 4 + 15 * 0.75, neighbour = 4 + 15 * 0.125;
  CHECK(map->conditional[5 + 2] - map->conditional[5 + 1] ==
        doctest::Approx((1 + 15 * 0.75 * 0.75) / row));
  CHECK(map->conditional[5 + 1] == doctest::Approx((1 + 15 * 0.75 * 0.125) / row));
  const double outer = std::sin(pi / 8), inner = std::sin(3 * pi / 8);
  const double total = neighbour * outer + row * inner + neighbour * inner + 4 * outer;
  CHECK(map->marginal[1] == doctest::Approx(neighbour * outer / total));
}

TEST_CASE("environment: black maps get a uniform distribution") {
  std::string bytes = header("-Y 2 +X 2") + std::string(16, '\0');
  const auto map = read_text(bytes);
  REQUIRE(map.has_value());
  CHECK(map->marginal[1] == 0.5f);
  CHECK(map->conditional[1] == 0.5f);
}

TEST_CASE("environment: exr, and its truncations") {
  const SceneFolder folder;
  Sums sums = Sums::zero(6, 3, layer_rgb);
  for (std::size_t i = 0; i < 18; ++i) {
    sums.samples[i] = 1;
    sums.rgb[i] = static_cast<std::int64_t>(i) * color_scale / 4;
  }
  ImageOptions options;
  options.half = false;
  REQUIRE(write_image(folder.path() / "a.exr", sums, options));
  std::string bytes;
  {
    std::FILE* file = std::fopen((folder.path() / "a.exr").c_str(), "rb");
    REQUIRE(file != nullptr);
    char buffer[65536];
    bytes.assign(buffer, std::fread(buffer, 1, sizeof buffer, file));
    std::fclose(file);
  }
  const auto map = read_environment("a.exr", bytes_of(bytes));
  REQUIRE_MESSAGE(map.has_value(), map.error().message);
  CHECK(map->pixels[17].x == 4.25f);
  for (std::size_t size = 4; size < bytes.size(); size += 7)
    CHECK_FALSE(
        read_environment("a.exr", bytes_of(std::string_view(bytes).substr(0, size))).has_value());
}

TEST_CASE("environment: rotation, scale and the missing file") {
  const SceneFolder folder;
  folder.write("scene.gltf", quad_gltf());
  folder.write("sky.hdr", flat_map(4, 2));
  RenderJob job = job_for("scene.gltf");
  job.environment.file = "sky.hdr";
  job.environment.rotate_y = 90;
  job.environment.scale = 2.5;
  const auto scene = load_scene(job, folder.resolver());
  REQUIRE(scene.has_value());
  const auto frame = make_frame(**scene, job, 1);
  const Environment& e = (*frame)->view().environment;
  CHECK(e.width == 4);
  CHECK(e.scale == 2.5f);
  CHECK(e.sin_rotate == 1.0f);
  CHECK(std::abs(e.cos_rotate) < 1e-7f);
  REQUIRE((*frame)->view().light_count == 1);
  CHECK((*frame)->view().lights[0].kind == LightKind::environment);
  CHECK((*frame)->view().light_cdf[0] == 1.0f);
  job.environment.file = "gone.hdr";
  CHECK(contains(load_scene(job, folder.resolver()).error().message, "gone.hdr: No such file"));
}

}  // namespace
}  // namespace framebus::render
