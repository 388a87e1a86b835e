// PNG files for the gallery.
#include <png.h>

#include <string>

#include "examples/gallery/picture.h"

namespace framebus::gallery {

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

}  // namespace framebus::gallery
