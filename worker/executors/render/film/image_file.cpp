// From sums to means, and from means to a file that is complete or absent.
#include "worker/executors/render/film/image_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include "worker/executors/render/film/image_encode.h"

namespace framebus::render {

namespace {

tl::unexpected<Error> system_failure(const std::filesystem::path& path, int error) {
  return fail(Code::unavailable,
              "cannot write " + path.string() + ": " + std::system_category().message(error));
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  int close_now() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd);
  }

 private:
  int fd_;
};

// 0 or errno. Written and synced before the rename, so that a power cut leaves the old or the new
// picture.
int write_whole(const std::filesystem::path& path, BytesView bytes) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.get() < 0) return errno;
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  // Some file systems can not sync; the picture is still worth having.
  if (::fsync(file.get()) != 0 && errno != EINVAL && errno != ENOTSUP) return errno;
  return file.close_now() == 0 ? 0 : errno;
}

Status replace_file(const std::filesystem::path& path, BytesView bytes) {
  std::filesystem::path part = path;
  part += ".part" + std::to_string(::getpid());
  int error = write_whole(part, bytes);
  if (error == 0 && ::rename(part.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return {};
  ::unlink(part.c_str());
  return system_failure(path, error);
}

const std::vector<std::int64_t>* plane_of(const Sums& sums, Layer layer) {
  switch (layer) {
    case layer_rgb:
      return &sums.rgb;
    case layer_albedo:
      return &sums.albedo;
    case layer_normal:
      return &sums.normal;
    case layer_depth:
      return &sums.depth;
  }
  return nullptr;
}

}  // namespace

std::vector<float> mean_of(const Sums& sums, Layer layer) {
  const std::size_t pixels = sums.samples.size();
  std::vector<float> mean(3 * pixels, 0.0f);
  const std::vector<std::int64_t>* plane = plane_of(sums, layer);
  if (plane == nullptr || plane->empty()) return mean;
  for (std::size_t i = 0; i < pixels; ++i) {
    if (layer == layer_depth) {
      const std::uint32_t hits = sums.depth_hits[i];
      const double depth = static_cast<double>((*plane)[i]) / static_cast<double>(depth_scale);
      const float value = hits > 0              ? static_cast<float>(depth / hits)
                          : sums.samples[i] > 0 ? std::numeric_limits<float>::infinity()
                                                : 0.0f;
      for (std::size_t c = 0; c < 3; ++c) mean[3 * i + c] = value;
    } else if (sums.samples[i] > 0) {
      for (std::size_t c = 0; c < 3; ++c)
        mean[3 * i + c] = static_cast<float>(static_cast<double>((*plane)[c * pixels + i]) /
                                             static_cast<double>(color_scale) / sums.samples[i]);
    }
  }
  return mean;
}

Status write_image(const std::filesystem::path& path, const Sums& sums,
                   const ImageOptions& options) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  if (extension != ".png" && extension != ".exr")
    return fail(Code::invalid_argument, "cannot write " + path.string() + ": the extension is \"" +
                                            extension + "\"; allowed are .png and .exr");
  if (sums.width == 0 || sums.height == 0)
    return fail(Code::invalid_argument,
                "cannot write " + path.string() + ": the picture has no pixels");
  if ((options.layers & ~sums.layers) != 0 || options.layers == 0)
    return fail(Code::invalid_argument,
                "cannot write " + path.string() + ": layers " + std::to_string(options.layers) +
                    " were asked for, rendered were " + std::to_string(sums.layers));
  auto bytes = extension == ".png" ? encode_png(sums, options) : encode_exr(sums, options);
  if (!bytes) return fail(bytes.error().context("cannot write " + path.string()));
  return replace_file(path, *bytes);
}

}  // namespace framebus::render
