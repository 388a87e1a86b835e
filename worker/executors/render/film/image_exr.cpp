// Sums to OpenEXR: linear values, one part, channels named by layer. The only file that sees
// OpenEXR when writing; its exceptions end here. Compression is ZIP on the calling thread: same
// sums, same bytes.
#include <OpenEXR/ImfChannelList.h>
#include <OpenEXR/ImfFrameBuffer.h>
#include <OpenEXR/ImfHeader.h>
#include <OpenEXR/ImfIO.h>
#include <OpenEXR/ImfOutputFile.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <list>
#include <string>
#include <vector>

#include "worker/executors/render/film/image_encode.h"

namespace framebus::render {

namespace {

class MemoryStream final : public Imf::OStream {
 public:
  MemoryStream() : Imf::OStream("picture.exr") {}
  void write(const char data[], int size) override {
    const std::size_t end = at_ + static_cast<std::size_t>(size);
    if (bytes_.size() < end) bytes_.resize(end);
    std::memcpy(bytes_.data() + at_, data, static_cast<std::size_t>(size));
    at_ = end;
  }
  std::uint64_t tellp() override { return at_; }
  void seekp(std::uint64_t position) override { at_ = static_cast<std::size_t>(position); }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

struct LayerNames {
  Layer layer;
  std::vector<std::string> channels;
};

const std::vector<LayerNames>& layer_names() {
  static const std::vector<LayerNames> names = {
      {layer_rgb, {"R", "G", "B"}},
      {layer_albedo, {"albedo.R", "albedo.G", "albedo.B"}},
      {layer_normal, {"normal.X", "normal.Y", "normal.Z"}},
      {layer_depth, {"depth.Z"}},
  };
  return names;
}

// Half floats end at 65504; an infinity in a picture ruins every filter that touches it.
half half_of(float value) {
  return half(std::clamp(value, -65504.0f, 65504.0f));
}

Bytes encode(const Sums& sums, const ImageOptions& options) {
  Imf::Header header(static_cast<int>(sums.width), static_cast<int>(sums.height));
  header.compression() = Imf::ZIP_COMPRESSION;
  Imf::FrameBuffer buffer;
  std::list<std::vector<float>> floats;
  std::list<std::vector<half>> halves;
  for (const LayerNames& names : layer_names()) {
    if ((options.layers & names.layer) == 0) continue;
    const auto& mean = floats.emplace_back(mean_of(sums, names.layer));
    const bool is_half = options.half && names.layer != layer_depth;
    const Imf::PixelType type = is_half ? Imf::HALF : Imf::FLOAT;
    const std::size_t value_bytes = is_half ? sizeof(half) : sizeof(float);
    char* base = reinterpret_cast<char*>(const_cast<float*>(mean.data()));
    if (is_half) {
      auto& narrow = halves.emplace_back(mean.size());
      std::transform(mean.begin(), mean.end(), narrow.begin(), half_of);
      base = reinterpret_cast<char*>(narrow.data());
    }
    for (std::size_t c = 0; c < names.channels.size(); ++c) {
      header.channels().insert(names.channels[c], Imf::Channel(type));
      buffer.insert(names.channels[c], Imf::Slice(type, base + c * value_bytes, 3 * value_bytes,
                                                  3 * value_bytes * sums.width));
    }
  }
  MemoryStream stream;
  {
    Imf::OutputFile file(stream, header, 0);
    file.setFrameBuffer(buffer);
    file.writePixels(static_cast<int>(sums.height));
  }
  return stream.take();
}

}  // namespace

Result<Bytes> encode_exr(const Sums& sums, const ImageOptions& options) {
  try {
    return encode(sums, options);
  } catch (const std::exception& error) {
    return fail(Code::internal, std::string("OpenEXR: ") + error.what());
  }
}

}  // namespace framebus::render
