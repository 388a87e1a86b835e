// PNG and JPEG bytes to 8-bit RGBA, with bounds before memory is taken.
//
// One fixed setting for each format, so that the texels are the same on every machine: PNG gamma
// and profiles are ignored, 16 bits are cut to 8; JPEG uses the slow integer DCT and plain chroma
// replication. Reentrant: images may be decoded on several threads at once.
#pragma once

#include <cstdint>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"

namespace framebus::render {

struct Image {
  std::uint32_t width = 0, height = 0;
  std::vector<std::uint8_t> rgba;  // 4 * width * height, rows from the top
};

// By the first bytes, not by a declared type. Errors are invalid_argument and say what is wrong,
// without a place.
Result<Image> decode_image(BytesView bytes);

Result<Image> decode_png(BytesView bytes);
Result<Image> decode_jpeg(BytesView bytes);
// invalid_argument unless 1 <= width, height and both sides and the area are within scene_limits.
Status check_image_size(std::uint64_t width, std::uint64_t height);

}  // namespace framebus::render
