// Images: formats, sizes, and damage.
#include <doctest/doctest.h>

#include "small_gltf.h"
#include "worker/executors/render/scene/image_decode.h"

namespace framebus::render {
namespace {

std::vector<std::uint8_t> ramp(std::uint32_t pixels, std::uint32_t channels) {
  std::vector<std::uint8_t> out;
  for (std::uint32_t i = 0; i < pixels * channels; ++i)
    out.push_back(static_cast<std::uint8_t>(i * 3));
  return out;
}

TEST_CASE("png: pixels come out as they went in") {
  const auto pixels = ramp(12 * 5, 4);
  const auto image = decode_image(bytes_of(png_of(12, 5, pixels)));
  REQUIRE(image.has_value());
  CHECK(image->width == 12);
  CHECK(image->height == 5);
  CHECK(image->rgba == pixels);
}

TEST_CASE("png: truncated or damaged files are errors") {
  const std::string good = png_of(16, 16, ramp(256, 4));
  for (std::size_t size = 0; size + 12 < good.size(); ++size)
    CHECK_FALSE(decode_image(bytes_of(std::string_view(good).substr(0, size))).has_value());
  for (std::size_t at = 8; at + 12 < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x55);
    const auto image = decode_image(bytes_of(bad));
    if (image) CHECK(image->rgba.size() == std::size_t{image->width} * image->height * 4);
  }
}

TEST_CASE("png: a header that promises a huge image is refused") {
  std::string huge = png_of(4, 4, ramp(16, 4));
  huge[16] = huge[20] = 0x7F;
  const auto image = decode_image(bytes_of(huge));
  REQUIRE_FALSE(image.has_value());
  CHECK(image.error().code == Code::invalid_argument);
}

TEST_CASE("jpeg: decodes close to the source, and the same twice") {
  std::vector<std::uint8_t> rgb;
  for (int i = 0; i < 16 * 16; ++i) rgb.insert(rgb.end(), {200, 100, 50});
  const std::string bytes = jpeg_of(16, 16, rgb);
  const auto image = decode_image(bytes_of(bytes));
  REQUIRE_MESSAGE(image.has_value(), image.error().message);
  CHECK(std::abs(image->rgba[0] - 200) <= 3);
  CHECK(std::abs(image->rgba[1] - 100) <= 3);
  CHECK(image->rgba[3] == 255);
  CHECK(decode_image(bytes_of(bytes))->rgba == image->rgba);
}

TEST_CASE("jpeg: truncated files are errors, not grey pictures") {
  const std::string good = jpeg_of(32, 32, ramp(1024, 3));
  for (std::size_t size = 3; size + 2 < good.size(); ++size)
    CHECK_FALSE(decode_image(bytes_of(std::string_view(good).substr(0, size))).has_value());
}

TEST_CASE("image: anything else is refused by its first bytes") {
  CHECK(contains(decode_image(bytes_of("GIF89a")).error().message, "neither PNG nor JPEG"));
  CHECK_FALSE(decode_image({}).has_value());
}

TEST_CASE("image: a missing or broken texture names its reference") {
  const std::string base = replaced(
      quad_gltf_with(R"("textures": [{"source": 0}], "images": [{"uri": "wood.png"}])"),
      "\"metallicFactor\": 0", "\"metallicFactor\": 0, \"baseColorTexture\": {\"index\": 0}");
  CHECK(contains(load_error(base), "/images/0/uri: cannot read wood.png: No such file"));
  const std::string broken =
      load_error(replaced(base, "wood.png", data_uri("\x89PNG\r\n\x1a\n nothing")));
  CHECK(contains(broken, "/images/0: a broken PNG"));
  CHECK(contains(load_error(replaced(base, "{\"uri\": \"wood.png\"}", "{}")),
                 "neither uri nor bufferView"));
  CHECK(contains(load_error(replaced(base, "\"source\": 0", "\"source\": 1")), "images"));
  CHECK(contains(load_error(replaced(base, "{\"index\": 0}", "{\"index\": 3}")), "textures"));
}

}  // namespace
}  // namespace framebus::render
