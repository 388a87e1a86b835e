// Sums to PNG with libpng. RGB and albedo are sRGB-encoded; normals map -1..1 to 0..255; depth runs
// from white (nearest) to black (farthest, or nothing hit). No time stamp, fixed compression: same
// sums, same bytes.
#include <png.h>

#include <bit>
#include <cmath>
#include <csetjmp>
#include <string>

#include "worker/executors/render/film/image_encode.h"
#include "worker/executors/render/film/srgb.h"

namespace framebus::render {

namespace {

// A short rational curve close to the ACES reference transform (Narkowicz 2015): gentle shoulder,
// slight toe.
double aces_like(double x) {
  if (!(x > 0)) return 0;
  if (x > 1e6) return 1;
  return (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14);
}

std::uint8_t byte_of_unit(double value) {
  if (!(value > 0)) return 0;
  if (value >= 1) return 255;
  return static_cast<std::uint8_t>(value * 255.0 + 0.5);
}

void convert_colors(const std::vector<float>& mean, double gain, ToneMap tonemap,
                    std::vector<std::uint8_t>& out) {
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const double value = gain * static_cast<double>(mean[i]);
    out[i] = srgb8_of_linear(tonemap == ToneMap::aces ? aces_like(value) : value);
  }
}

void convert_depths(const std::vector<float>& mean, std::vector<std::uint8_t>& out) {
  double nearest = 0, farthest = 0;
  bool has_any = false;
  for (float depth : mean) {
    if (!std::isfinite(depth)) continue;
    const double d = static_cast<double>(depth);
    nearest = has_any ? std::min(nearest, d) : d;
    farthest = has_any ? std::max(farthest, d) : d;
    has_any = true;
  }
  const double extent = farthest > nearest ? farthest - nearest : 1;
  for (std::size_t i = 0; i < mean.size(); ++i)
    out[i] = std::isfinite(mean[i])
                 ? byte_of_unit((farthest - static_cast<double>(mean[i])) / extent)
                 : 0;
}

std::vector<std::uint8_t> convert(const Sums& sums, const ImageOptions& options) {
  const Layer layer = static_cast<Layer>(options.layers);
  const std::vector<float> mean = mean_of(sums, layer);
  std::vector<std::uint8_t> pixels(mean.size());
  if (layer == layer_rgb)
    convert_colors(mean, exact_exp2(static_cast<double>(options.exposure)), options.tonemap,
                   pixels);
  else if (layer == layer_albedo)
    convert_colors(mean, 1.0, ToneMap::none, pixels);
  else if (layer == layer_depth)
    convert_depths(mean, pixels);
  else
    for (std::size_t i = 0; i < mean.size(); ++i)
      pixels[i] = byte_of_unit(0.5 * static_cast<double>(mean[i]) + 0.5);
  return pixels;
}

struct PngSink {
  Bytes bytes;
  std::string error;
};

void on_png_error(png_structp png, png_const_charp message) {
  static_cast<PngSink*>(png_get_error_ptr(png))->error = message;
  std::longjmp(png_jmpbuf(png), 1);
}

void on_png_warning(png_structp, png_const_charp) {}

void on_png_write(png_structp png, png_bytep data, png_size_t size) {
  auto* sink = static_cast<PngSink*>(png_get_io_ptr(png));
  sink->bytes.insert(sink->bytes.end(), data, data + size);
}

void on_png_flush(png_structp) {}

// Holds no object with a destructor between setjmp and the calls that may jump back.
bool write_png(PngSink& sink, std::uint32_t width, std::uint32_t height,
               const std::uint8_t* pixels) {
  png_structp png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, &sink, on_png_error, on_png_warning);
  if (png == nullptr) return false;
  png_infop info = png_create_info_struct(png);
  if (info == nullptr || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_write_struct(&png, &info);
    return false;
  }
  png_set_write_fn(png, &sink, on_png_write, on_png_flush);
  png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB(png, info, PNG_sRGB_INTENT_PERCEPTUAL);
  png_set_compression_level(png, 6);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_PAETH);
  png_write_info(png, info);
  for (std::uint32_t y = 0; y < height; ++y)
    png_write_row(png, pixels + std::size_t{y} * width * 3);
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return true;
}

}  // namespace

Result<Bytes> encode_png(const Sums& sums, const ImageOptions& options) {
  if (!std::has_single_bit(options.layers))
    return fail(Code::invalid_argument, "a PNG holds exactly one layer; " +
                                            std::to_string(std::popcount(options.layers)) +
                                            " were asked for (use .exr for several)");
  const std::vector<std::uint8_t> pixels = convert(sums, options);
  PngSink sink;
  if (!write_png(sink, sums.width, sums.height, pixels.data()))
    return fail(Code::internal, "libpng: " + sink.error);
  return std::move(sink.bytes);
}

}  // namespace framebus::render
