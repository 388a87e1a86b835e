// Which decoder, and how large an image may be.
#include "worker/executors/render/scene/image_decode.h"

#include <cstring>
#include <string>

#include "worker/executors/render/scene/scene_limits.h"

namespace framebus::render {

Status check_image_size(std::uint64_t width, std::uint64_t height) {
  if (width >= 1 && height >= 1 && width <= scene_limits::image_side_max &&
      height <= scene_limits::image_side_max && width * height <= scene_limits::image_pixels_max)
    return {};
  return fail(Code::invalid_argument,
              "an image of " + std::to_string(width) + "x" + std::to_string(height) +
                  " pixels; allowed are sides of 1 to " +
                  std::to_string(scene_limits::image_side_max) + " and at most " +
                  std::to_string(scene_limits::image_pixels_max) + " pixels");
}

Result<Image> decode_image(BytesView bytes) {
  constexpr std::uint8_t png_magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  if (bytes.size() >= 8 && std::memcmp(bytes.data(), png_magic, 8) == 0) return decode_png(bytes);
  if (bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF)
    return decode_jpeg(bytes);
  return fail(Code::invalid_argument, "neither PNG nor JPEG (" + std::to_string(bytes.size()) +
                                          " bytes); only these are read");
}

}  // namespace framebus::render
