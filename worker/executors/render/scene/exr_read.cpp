// OpenEXR environment maps. The only file that sees OpenEXR when reading; its exceptions end here.
#include <OpenEXR/ImfChannelList.h>
#include <OpenEXR/ImfFrameBuffer.h>
#include <OpenEXR/ImfHeader.h>
#include <OpenEXR/ImfIO.h>
#include <OpenEXR/ImfInputFile.h>

#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

#include "worker/executors/render/scene/environment_map.h"

namespace framebus::render {

namespace {

class MemoryStream final : public Imf::IStream {
 public:
  explicit MemoryStream(BytesView bytes) : Imf::IStream("environment.exr"), bytes_(bytes) {}
  bool read(char to[], int size) override {
    const auto wanted = static_cast<std::size_t>(size);
    if (size < 0 || at_ > bytes_.size() || wanted > bytes_.size() - at_)
      throw std::runtime_error("the file ends too early");
    std::memcpy(to, bytes_.data() + at_, wanted);
    at_ += wanted;
    return at_ < bytes_.size();
  }
  std::uint64_t tellg() override { return at_; }
  void seekg(std::uint64_t position) override { at_ = static_cast<std::size_t>(position); }

 private:
  BytesView bytes_;
  std::size_t at_ = 0;
};

Result<EnvironmentMap> read(BytesView bytes) {
  MemoryStream stream(bytes);
  Imf::InputFile file(stream, 0);
  const Imath::Box2i window = file.header().dataWindow();
  const std::int64_t width = std::int64_t{window.max.x} - window.min.x + 1;
  const std::int64_t height = std::int64_t{window.max.y} - window.min.y + 1;
  if (width < 1 || height < 1) return fail(Code::invalid_argument, "an empty data window");
  FRAMEBUS_TRY(check_environment_size(static_cast<std::uint64_t>(width),
                                      static_cast<std::uint64_t>(height)));
  const char* names[3] = {"R", "G", "B"};
  for (const char* name : names) {
    const Imf::Channel* channel = file.header().channels().findChannel(name);
    if (channel == nullptr || channel->xSampling != 1 || channel->ySampling != 1)
      return fail(Code::invalid_argument,
                  std::string("no full channel ") + name + "; R, G and B are needed");
  }
  EnvironmentMap map;
  map.width = static_cast<std::uint32_t>(width);
  map.height = static_cast<std::uint32_t>(height);
  map.pixels.resize(std::size_t{map.width} * map.height);
  Imf::FrameBuffer buffer;
  const std::size_t row_bytes = sizeof(Float3) * map.width;
  char* first = reinterpret_cast<char*>(map.pixels.data());
  for (std::size_t c = 0; c < 3; ++c)
    buffer.insert(names[c], Imf::Slice::Make(Imf::FLOAT, first + c * sizeof(float), window,
                                             sizeof(Float3), row_bytes));
  file.setFrameBuffer(buffer);
  file.readPixels(window.min.y, window.max.y);
  return map;
}

}  // namespace

Result<EnvironmentMap> read_exr(BytesView bytes) {
  try {
    return read(bytes);
  } catch (const std::exception& error) {
    return fail(Code::invalid_argument, std::string("OpenEXR: ") + error.what());
  }
}

}  // namespace framebus::render
