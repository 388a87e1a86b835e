// Images to texels: bytes from a file, a data: URI or a buffer view; decoded on several threads
// into slots of their own, so that neither texels nor the first error depend on the number of
// threads.
#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "worker/executors/render/film/srgb.h"
#include "worker/executors/render/scene/file_bytes.h"
#include "worker/executors/render/scene/gltf_loader.h"
#include "worker/executors/render/scene/image_decode.h"
#include "worker/executors/render/scene/scene_limits.h"
#include "worker/executors/render/scene/uri.h"

namespace framebus::render {

namespace {

constexpr std::uint64_t image_file_bytes_max = std::uint64_t{512} << 20;

struct ImageJob {
  std::uint32_t image = 0;  // index into document.images
  Bytes owned;
  BytesView bytes;  // of owned, or of a buffer view
  std::optional<Result<Image>> decoded;
};

Status fetch_bytes(GltfLoader& loader, ImageJob& job) {
  const GltfValue& value = loader.document.images[job.image];
  FRAMEBUS_ASSIGN(const auto uri, value.member("uri", JsonKind::string));
  FRAMEBUS_ASSIGN(const auto view,
                  value.index("bufferView", loader.document.buffer_views.size(), "bufferViews"));
  if (uri.has_value() == view.has_value())
    return value.error(uri ? "both uri and bufferView" : "neither uri nor bufferView",
                       "exactly one of them");
  if (view) {
    FRAMEBUS_ASSIGN(job.bytes, loader.buffers.view_bytes(*view));
    return {};
  }
  const std::string text = uri->value.string();
  if (is_data_uri(text)) {
    auto bytes = decode_data_uri(text);
    if (!bytes) return fail(bytes.error().context(uri->where()));
    job.owned = std::move(*bytes);
  } else {
    auto name = file_name_of_uri(text);
    if (!name) return fail(name.error().context(uri->where()));
    auto path = loader.files(*name);
    if (!path) return fail(path.error().context(uri->where()));
    auto bytes = read_file_bytes(*path, *name, image_file_bytes_max);
    if (!bytes) return fail(bytes.error().context(uri->where()));
    job.owned = std::move(*bytes);
  }
  job.bytes = job.owned;
  return {};
}

// False when the texels of all images together are more than allowed; the rest is not decoded then.
bool decode_all(std::vector<ImageJob>& jobs) {
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> total{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < jobs.size() && total <= scene_limits::texel_bytes_max;
         i = next++) {
      jobs[i].decoded = decode_image(jobs[i].bytes);
      jobs[i].owned = Bytes();
      if (*jobs[i].decoded) total += (*jobs[i].decoded)->rgba.size();
    }
  };
  const std::size_t helpers =
      std::min<std::size_t>(std::max(1u, std::thread::hardware_concurrency()), jobs.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < helpers; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return total <= scene_limits::texel_bytes_max;
}

Float3 mean_color(const std::uint8_t* rgba, std::uint64_t pixels, TexelFormat format) {
  const auto& linear = linear_of_srgb8();
  std::uint64_t counts[3][256] = {};
  for (std::uint64_t i = 0; i < pixels; ++i)
    for (std::size_t c = 0; c < 3; ++c) ++counts[c][rgba[4 * i + c]];
  double mean[3] = {0, 0, 0};
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t code = 0; code < 256; ++code)
      mean[c] += static_cast<double>(counts[c][code]) * (format == TexelFormat::rgba8_srgb
                                                             ? static_cast<double>(linear[code])
                                                             : static_cast<double>(code) / 255.0);
  const double scale = 1.0 / static_cast<double>(pixels);
  return to_float({mean[0] * scale, mean[1] * scale, mean[2] * scale});
}

}  // namespace

Status load_images(GltfLoader& loader, const std::vector<std::uint32_t>& image_of) {
  std::vector<std::uint32_t> needed = image_of;
  std::sort(needed.begin(), needed.end());
  needed.erase(std::unique(needed.begin(), needed.end()), needed.end());
  std::vector<ImageJob> jobs(needed.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].image = needed[i];
    FRAMEBUS_TRY(fetch_bytes(loader, jobs[i]));
  }
  if (!decode_all(jobs))
    return loader.document.root().error(
        "images of more than " + std::to_string(scene_limits::texel_bytes_max) + " bytes of texels",
        "at most that many over all images");

  SceneArrays& arrays = loader.scene.arrays;
  std::uint64_t total = 0;
  for (const ImageJob& job : jobs) {
    if (!*job.decoded)
      return fail(job.decoded->error().context(loader.document.images[job.image].where()));
    total += (*job.decoded)->rgba.size();
  }
  arrays.texels.reserve(total);
  std::vector<std::uint64_t> first(loader.document.images.size(), 0);
  for (ImageJob& job : jobs) {
    first[job.image] = arrays.texels.size();
    arrays.texels.insert(arrays.texels.end(), (*job.decoded)->rgba.begin(),
                         (*job.decoded)->rgba.end());
    (*job.decoded)->rgba = {};
  }
  for (std::size_t i = 0; i < image_of.size(); ++i) {
    const auto job = std::lower_bound(
        jobs.begin(), jobs.end(), image_of[i],
        [](const ImageJob& each, std::uint32_t image) { return each.image < image; });
    Texture& texture = arrays.textures[i];
    texture.first_byte = first[image_of[i]];
    texture.width = (*job->decoded)->width;
    texture.height = (*job->decoded)->height;
    loader.scene.texture_means.push_back(mean_color(arrays.texels.data() + texture.first_byte,
                                                    std::uint64_t{texture.width} * texture.height,
                                                    texture.format));
  }
  return {};
}

}  // namespace framebus::render
