// PNG through libpng. Its errors longjmp, so everything between setjmp and the last call lives in
// plain structs that outlive the jump.
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <string>

#include "worker/executors/render/scene/image_decode.h"
#include "worker/executors/render/scene/scene_limits.h"

namespace framebus::render {

namespace {

struct PngSource {
  BytesView bytes;
  std::size_t at = 0;
  char message[160] = {};
};

void on_error(png_structp png, png_const_charp message) {
  auto* source = static_cast<PngSource*>(png_get_error_ptr(png));
  std::strncpy(source->message, message, sizeof source->message - 1);
  std::longjmp(png_jmpbuf(png), 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep to, png_size_t size) {
  auto* source = static_cast<PngSource*>(png_get_io_ptr(png));
  if (size > source->bytes.size() - source->at) png_error(png, "the file ends too early");
  std::memcpy(to, source->bytes.data() + source->at, size);
  source->at += size;
}

struct PngReader {
  PngSource source;
  png_structp png = nullptr;
  png_infop info = nullptr;
  png_uint_32 width = 0, height = 0;
  std::vector<png_bytep> rows;

  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

bool read_header(PngReader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_set_read_fn(reader.png, &reader.source, on_read);
  png_set_user_limits(reader.png, scene_limits::image_side_max, scene_limits::image_side_max);
  png_set_chunk_malloc_max(reader.png, 8u << 20);
  png_set_chunk_cache_max(reader.png, 64);
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
  png_read_info(reader.png, reader.info);
  reader.width = png_get_image_width(reader.png, reader.info);
  reader.height = png_get_image_height(reader.png, reader.info);
  return true;
}

bool read_pixels(PngReader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_set_expand(reader.png);
  png_set_strip_16(reader.png);
  png_set_gray_to_rgb(reader.png);
  png_set_add_alpha(reader.png, 0xFF, PNG_FILLER_AFTER);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  if (png_get_rowbytes(reader.png, reader.info) != std::size_t{reader.width} * 4)
    png_error(reader.png, "an unexpected pixel format");
  png_read_image(reader.png, reader.rows.data());
  png_read_end(reader.png, nullptr);
  return true;
}

}  // namespace

Result<Image> decode_png(BytesView bytes) {
  PngReader reader;
  reader.source.bytes = bytes;
  const auto broken = [&] {
    return fail(Code::invalid_argument, std::string("a broken PNG: ") + reader.source.message);
  };
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader.source, on_error, on_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) return fail(Code::resource_exhausted, "no memory for libpng");
  if (!read_header(reader)) return broken();
  FRAMEBUS_TRY(check_image_size(reader.width, reader.height));
  Image image;
  image.width = reader.width;
  image.height = reader.height;
  image.rgba.resize(std::size_t{image.width} * image.height * 4);
  reader.rows.resize(image.height);
  for (std::size_t y = 0; y < reader.rows.size(); ++y)
    reader.rows[y] = image.rgba.data() + y * image.width * 4;
  if (!read_pixels(reader)) return broken();
  return image;
}

}  // namespace framebus::render
