// PNG and Radiance files for the gallery.
#include <png.h>

#include <cmath>
#include <fstream>
#include <string>

#include "examples/gallery/picture.h"
#include "examples/gallery/shape.h"

namespace framebus::gallery {

namespace {

struct Rgb {
  double r, g, b;
};

// Dusk: a warm horizon under a blue zenith, dark ground.
Rgb sky_radiance(double elevation, double azimuth) {
  if (elevation < 0) return {0.10, 0.085, 0.07};
  const double horizon = 1.0 / (1.0 + 60.0 * elevation * elevation);
  const double west = 0.6 + 0.4 * cosine(azimuth);
  return {0.35 + 1.5 * horizon * west, 0.46 + 0.85 * horizon * west, 0.78 + 0.42 * horizon * west};
}

}  // namespace

Status write_png(const std::filesystem::path& path, const Picture& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = picture.width;
  image.height = picture.height;
  image.format = PNG_FORMAT_RGBA;
  image.flags = PNG_IMAGE_FLAG_FAST;
  if (png_image_write_to_file(&image, path.c_str(), 0, picture.rgba.data(), 0, nullptr) != 0)
    return {};
  return fail(Code::unavailable, "cannot write " + path.string() + ": " + image.message);
}

Status write_sky(const std::filesystem::path& path, std::uint32_t width, std::uint32_t height) {
  std::string bytes = "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y " + std::to_string(height) +
                      " +X " + std::to_string(width) + "\n";
  for (std::uint32_t y = 0; y < height; ++y)
    for (std::uint32_t x = 0; x < width; ++x) {
      const double elevation = 0.5 - (y + 0.5) / height;
      const Rgb c = sky_radiance(2 * elevation, (x + 0.5) / width);
      int exponent = 0;
      std::frexp(std::fmax(c.r, std::fmax(c.g, c.b)), &exponent);
      const double scale = std::ldexp(256.0, -exponent);
      for (double v : {c.r, c.g, c.b})
        bytes.push_back(static_cast<char>(static_cast<std::uint8_t>(v * scale)));
      bytes.push_back(static_cast<char>(static_cast<std::uint8_t>(exponent + 128)));
    }
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  out.close();
  if (out) return {};
  return fail(Code::unavailable, "cannot write " + path.string());
}

}  // namespace framebus::gallery
