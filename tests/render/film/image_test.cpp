// Picture files read back with the libraries that wrote them; unwritable paths give the system's
// error.
#include <OpenEXR/ImfChannelList.h>
#include <OpenEXR/ImfFrameBuffer.h>
#include <OpenEXR/ImfHeader.h>
#include <OpenEXR/ImfInputFile.h>
#include <doctest/doctest.h>
#include <png.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "random_sums.h"
#include "worker/executors/render/film/image_file.h"

namespace framebus::render {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() : path(fs::temp_directory_path() / ("framebus_film_" + std::to_string(::getpid()))) {
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Sums flat_sums(double r, double g, double b) {
  Sums sums = Sums::zero(4, 2, all_layers);
  const double rgb[3] = {r, g, b};
  for (std::size_t i = 0; i < 8; ++i) {
    sums.samples[i] = 4;
    for (std::size_t c = 0; c < 3; ++c) {
      sums.rgb[c * 8 + i] = std::llround(rgb[c] * 4 * static_cast<double>(color_scale));
      sums.albedo[c * 8 + i] = sums.rgb[c * 8 + i];
    }
    sums.normal[8 + i] = 4 * color_scale;
    sums.depth[i] = static_cast<std::int64_t>(i) * 3 * depth_scale;
    sums.depth_hits[i] = i == 7 ? 0 : 3;
  }
  return sums;
}

std::vector<std::uint8_t> read_png(const fs::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_file(&image, path.c_str()) != 0);
  CHECK(image.width == 4);
  CHECK(image.height == 2);
  image.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr) != 0);
  return pixels;
}

TEST_CASE("mean_of: sums divided by samples, depth by hits, no hit is infinitely far") {
  const Sums sums = flat_sums(0.25, 0.5, 3);
  const auto rgb = mean_of(sums, layer_rgb);
  CHECK(rgb[0] == 0.25f);
  CHECK(rgb[3 * 5 + 1] == 0.5f);
  CHECK(rgb[3 * 7 + 2] == 3.0f);
  const auto depth = mean_of(sums, layer_depth);
  CHECK(depth[3 * 2] == 2.0f);
  CHECK(std::isinf(depth[3 * 7]));
  const auto none = mean_of(Sums::zero(2, 2, layer_rgb), layer_rgb);
  CHECK(none == std::vector<float>(12, 0.0f));
}

TEST_CASE("png: sRGB codes of linear means, exposure in stops, twice the same bytes") {
  const Folder folder;
  const Sums sums = flat_sums(0.21586, 1.0, 0.0);
  ImageOptions options;
  REQUIRE(write_image(folder.path / "a.png", sums, options));
  const auto pixels = read_png(folder.path / "a.png");
  CHECK(pixels[0] == 128);  // 128 / 255 decodes to 0.21586
  CHECK(pixels[1] == 255);
  CHECK(pixels[2] == 0);
  REQUIRE(write_image(folder.path / "b.PNG", sums, options));
  CHECK(content_of(folder.path / "a.png") == content_of(folder.path / "b.PNG"));
  options.exposure = -2;
  REQUIRE(write_image(folder.path / "c.png", sums, options));
  CHECK(read_png(folder.path / "c.png")[1] == 137);  // sRGB of 0.25
  options.tonemap = ToneMap::aces;
  REQUIRE(write_image(folder.path / "d.png", flat_sums(100, 1, 0.2), options));
  const auto mapped = read_png(folder.path / "d.png");
  CHECK(mapped[0] > 250);
  CHECK(mapped[1] > mapped[2]);
}

TEST_CASE("png: normals and depth have their own scales, two layers do not fit") {
  const Folder folder;
  ImageOptions options;
  options.layers = layer_normal;
  REQUIRE(write_image(folder.path / "n.png", flat_sums(0, 0, 0), options));
  const auto normal = read_png(folder.path / "n.png");
  CHECK(normal[0] == 128);
  CHECK(normal[1] == 255);
  options.layers = layer_depth;
  REQUIRE(write_image(folder.path / "z.png", flat_sums(0, 0, 0), options));
  const auto depth = read_png(folder.path / "z.png");
  CHECK(depth[0] == 255);
  CHECK(depth[3 * 6] == 0);
  CHECK(depth[3 * 7] == 0);
  options.layers = layer_rgb | layer_depth;
  const auto both = write_image(folder.path / "x.png", flat_sums(0, 0, 0), options);
  CHECK(both.error().message.find("exactly one layer") != std::string::npos);
}

TEST_CASE("exr: every layer by its name, values exact") {
  const Folder folder;
  const Sums sums = flat_sums(0.25, 100000, 0.1);
  ImageOptions options;
  options.layers = all_layers;
  const fs::path path = folder.path / "a.exr";
  REQUIRE(write_image(path, sums, options));
  Imf::InputFile file(path.c_str(), 0);
  const Imf::ChannelList& channels = file.header().channels();
  for (const char* name : {"R", "G", "B", "albedo.R", "normal.Y", "depth.Z"})
    CHECK(channels.findChannel(name) != nullptr);
  CHECK(channels.findChannel("R")->type == Imf::HALF);
  CHECK(channels.findChannel("depth.Z")->type == Imf::FLOAT);
  std::vector<float> r(8), g(8), z(8);
  Imf::FrameBuffer buffer;
  const auto slice = [](std::vector<float>& v) {
    return Imf::Slice(Imf::FLOAT, reinterpret_cast<char*>(v.data()), 4, 16);
  };
  buffer.insert("R", slice(r));
  buffer.insert("G", slice(g));
  buffer.insert("depth.Z", slice(z));
  file.setFrameBuffer(buffer);
  file.readPixels(0, 1);
  CHECK(r[3] == 0.25f);
  CHECK(g[3] == 65504.0f);
  CHECK(z[6] == 6.0f);
  CHECK(std::isinf(z[7]));
}

TEST_CASE("exr: the same sums give the same bytes, 32-bit colours on request") {
  const Folder folder;
  ImageOptions options;
  options.half = false;
  REQUIRE(write_image(folder.path / "a.exr", flat_sums(0.1, 0.2, 0.3), options));
  REQUIRE(write_image(folder.path / "b.exr", flat_sums(0.1, 0.2, 0.3), options));
  CHECK(content_of(folder.path / "a.exr") == content_of(folder.path / "b.exr"));
  CHECK(Imf::InputFile((folder.path / "a.exr").c_str(), 0)
            .header()
            .channels()
            .findChannel("G")
            ->type == Imf::FLOAT);
}

TEST_CASE("write_image: errors name the path, what is wrong, and leave nothing behind") {
  const Folder folder;
  const Sums sums = flat_sums(1, 1, 1);
  const auto missing = write_image(folder.path / "no" / "such" / "x.png", sums, {});
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == Code::unavailable);
  CHECK(missing.error().message.find("no/such/x.png: No such file or directory") !=
        std::string::npos);
  CHECK(write_image(folder.path / "x.jpg", sums, {}).error().message.find("\".jpg\"") !=
        std::string::npos);
  ImageOptions albedo;
  albedo.layers = layer_albedo;
  CHECK_FALSE(write_image(folder.path / "x.png", Sums::zero(4, 4, layer_rgb), albedo).has_value());
  CHECK_FALSE(write_image(folder.path / "x.png", Sums::zero(0, 4, layer_rgb), {}).has_value());
  fs::create_directories(folder.path / "taken.png");
  CHECK(write_image(folder.path / "taken.png", sums, {}).error().code == Code::unavailable);
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path))
    files += entry.is_regular_file() ? 1 : 0;
  CHECK(files == 0);
}

}  // namespace
}  // namespace framebus::render
