// JPEG through libjpeg. Its errors longjmp, so everything between setjmp and the last call lives in
// plain structs that outlive the jump. A truncated or damaged file is an error, not a grey image.

#include <csetjmp>
#include <string>

// jpeglib.h needs size_t and FILE to be declared before it.
// clang-format off
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include "worker/executors/render/scene/image_decode.h"

namespace framebus::render {

namespace {

struct JpegErrors {
  jpeg_error_mgr base;  // first: libjpeg hands back a pointer to it
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

void on_error(j_common_ptr decoder) {
  auto* errors = reinterpret_cast<JpegErrors*>(decoder->err);
  errors->base.format_message(decoder, errors->message);
  std::longjmp(errors->jump, 1);
}

// Level -1 is a warning about damaged data (libjpeg would invent pixels); higher levels are
// chatter.
void on_message(j_common_ptr decoder, int level) {
  if (level < 0) on_error(decoder);
}

struct JpegReader {
  jpeg_decompress_struct decoder{};
  JpegErrors errors{};
  bool is_created = false;

  ~JpegReader() {
    if (is_created) jpeg_destroy_decompress(&decoder);
  }
};

bool read_header(JpegReader& reader, BytesView bytes) {
  if (setjmp(reader.errors.jump) != 0) return false;
  jpeg_create_decompress(&reader.decoder);
  reader.is_created = true;
  jpeg_mem_src(&reader.decoder, bytes.data(), bytes.size());
  jpeg_read_header(&reader.decoder, TRUE);
  reader.decoder.mem->max_memory_to_use = 1L << 30;
  reader.decoder.out_color_space = JCS_RGB;
  reader.decoder.dct_method = JDCT_ISLOW;
  reader.decoder.do_fancy_upsampling = FALSE;
  reader.decoder.do_block_smoothing = FALSE;
  return true;
}

bool read_pixels(JpegReader& reader, std::uint8_t* rgba, std::uint8_t* row) {
  if (setjmp(reader.errors.jump) != 0) return false;
  jpeg_start_decompress(&reader.decoder);
  while (reader.decoder.output_scanline < reader.decoder.output_height) {
    std::uint8_t* to =
        rgba + std::size_t{reader.decoder.output_scanline} * reader.decoder.output_width * 4;
    JSAMPROW rows[1] = {row};
    if (jpeg_read_scanlines(&reader.decoder, rows, 1) != 1) continue;
    for (JDIMENSION x = 0; x < reader.decoder.output_width; ++x) {
      for (std::size_t c = 0; c < 3; ++c) to[4 * x + c] = row[3 * x + c];
      to[4 * x + 3] = 0xFF;
    }
  }
  jpeg_finish_decompress(&reader.decoder);
  return true;
}

}  // namespace

Result<Image> decode_jpeg(BytesView bytes) {
  JpegReader reader;
  const auto broken = [&] {
    return fail(Code::invalid_argument, std::string("a broken JPEG: ") + reader.errors.message);
  };
  reader.decoder.err = jpeg_std_error(&reader.errors.base);
  reader.errors.base.error_exit = on_error;
  reader.errors.base.emit_message = on_message;
  if (!read_header(reader, bytes)) return broken();
  if (reader.decoder.num_components != 1 && reader.decoder.num_components != 3)
    return fail(Code::invalid_argument, "a JPEG of " +
                                            std::to_string(reader.decoder.num_components) +
                                            " components; grey and RGB are read, not CMYK");
  FRAMEBUS_TRY(check_image_size(reader.decoder.image_width, reader.decoder.image_height));
  Image image;
  image.width = reader.decoder.image_width;
  image.height = reader.decoder.image_height;
  image.rgba.resize(std::size_t{image.width} * image.height * 4);
  std::vector<std::uint8_t> row(std::size_t{image.width} * 3);
  if (!read_pixels(reader, image.rgba.data(), row.data())) return broken();
  return image;
}

}  // namespace framebus::render
