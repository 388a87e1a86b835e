// Radiance .hdr (RGBE): header, then scanlines that are flat, old run-length or new run-length
// coded. Own reader (Ward, "Real Pixels", and the file format's description): every run is checked
// against the row.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>

#include "worker/executors/render/scene/environment_map.h"

namespace framebus::render {

namespace {

constexpr std::size_t header_bytes_max = 64 * 1024;

struct Rgbe {
  std::uint8_t r, g, b, e;
};

class HdrReader {
 public:
  explicit HdrReader(BytesView bytes) : bytes_(bytes) {}

  Result<EnvironmentMap> read() {
    FRAMEBUS_TRY(read_header());
    EnvironmentMap map;
    FRAMEBUS_TRY(read_size(map));
    // Each scanline costs at least 4 bytes in any coding; a short file must not buy a large
    // allocation.
    if (bytes_.size() - at_ < std::size_t{map.height} * 4)
      return broken("the file ends; " + std::to_string(map.height) + " rows were announced");
    map.pixels.resize(std::size_t{map.width} * map.height);
    std::vector<Rgbe> row(map.width);
    for (std::size_t y = 0; y < map.height; ++y) {
      auto status = read_row(row);
      if (!status) return fail(status.error().context("row " + std::to_string(y)));
      for (std::size_t x = 0; x < row.size(); ++x) map.pixels[y * map.width + x] = color_of(row[x]);
    }
    return map;
  }

 private:
  tl::unexpected<Error> broken(const std::string& what) const {
    return fail(Code::invalid_argument, "byte " + std::to_string(at_) + ": " + what);
  }

  Result<std::string_view> line() {
    const std::string_view rest = text_of(bytes_).substr(at_);
    const std::size_t end = rest.substr(0, header_bytes_max).find('\n');
    if (end == std::string_view::npos) return broken("the header does not end");
    at_ += end + 1;
    return rest.substr(0, end);
  }

  Status read_header() {
    for (;;) {
      if (at_ > header_bytes_max) return broken("the header does not end");
      FRAMEBUS_ASSIGN(std::string_view text, line());
      if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
      if (text.empty()) return {};
      if (text.starts_with("FORMAT=") && text != "FORMAT=32-bit_rle_rgbe")
        return broken("found " + std::string(text.substr(0, 40)) +
                      "; allowed: FORMAT=32-bit_rle_rgbe");
      if (text.starts_with("EXPOSURE=")) {
        const double exposure = std::strtod(std::string(text.substr(9)).c_str(), nullptr);
        if (!(exposure > 1e-6 && exposure < 1e6))
          return broken("an EXPOSURE that is no positive number");
        exposure_ *= exposure;
      }
    }
  }

  Status read_size(EnvironmentMap& map) {
    FRAMEBUS_ASSIGN(const std::string_view text, line());
    unsigned long height = 0, width = 0;
    const std::string owned(text.substr(0, 80));
    if (!owned.starts_with("-Y "))
      return broken("found \"" + owned + "\"; allowed: -Y height +X width");
    char* end = nullptr;
    height = std::strtoul(owned.c_str() + 3, &end, 10);
    const std::string_view rest(end);
    if (!rest.starts_with(" +X "))
      return broken("found \"" + owned + "\"; allowed: -Y height +X width");
    width = std::strtoul(end + 4, &end, 10);
    FRAMEBUS_TRY(check_environment_size(width, height));
    map.width = static_cast<std::uint32_t>(width);
    map.height = static_cast<std::uint32_t>(height);
    return {};
  }

  Status read_row(std::vector<Rgbe>& row) {
    if (bytes_.size() - at_ < 4) return broken("the file ends");
    const std::uint8_t* head = bytes_.data() + at_;
    const bool is_new_coding = row.size() >= 8 && row.size() < 32768 && head[0] == 2 &&
                               head[1] == 2 && (head[2] & 0x80) == 0;
    if (!is_new_coding) return read_old_row(row);
    if (std::size_t{head[2]} * 256 + head[3] != row.size())
      return broken("a row of another length");
    at_ += 4;
    for (std::uint8_t Rgbe::*channel : {&Rgbe::r, &Rgbe::g, &Rgbe::b, &Rgbe::e})
      FRAMEBUS_TRY(read_channel(row, channel));
    return {};
  }

  Status read_channel(std::vector<Rgbe>& row, std::uint8_t Rgbe::*channel) {
    std::size_t x = 0;
    while (x < row.size()) {
      if (bytes_.size() - at_ < 2) return broken("the file ends");
      const std::size_t code = bytes_[at_++];
      const bool is_run = code > 128;
      const std::size_t count = is_run ? code - 128 : code;
      if (count == 0 || count > row.size() - x) return broken("a run that leaves its row");
      if (is_run) {
        const std::uint8_t value = bytes_[at_++];
        for (std::size_t i = 0; i < count; ++i) row[x++].*channel = value;
      } else {
        if (bytes_.size() - at_ < count) return broken("the file ends");
        for (std::size_t i = 0; i < count; ++i) row[x++].*channel = bytes_[at_++];
      }
    }
    return {};
  }

  // Pixels of four bytes; 1 1 1 n repeats the last one n times, with 8 more bits for each repeat in
  // a row.
  Status read_old_row(std::vector<Rgbe>& row) {
    std::size_t x = 0;
    unsigned shift = 0;
    while (x < row.size()) {
      if (bytes_.size() - at_ < 4) return broken("the file ends");
      const Rgbe pixel{bytes_[at_], bytes_[at_ + 1], bytes_[at_ + 2], bytes_[at_ + 3]};
      at_ += 4;
      if (pixel.r != 1 || pixel.g != 1 || pixel.b != 1) {
        row[x++] = pixel;
        shift = 0;
        continue;
      }
      if (x == 0 || shift > 16) return broken("a repeat of nothing");
      const std::size_t count = std::size_t{pixel.e} << shift;
      if (count > row.size() - x) return broken("a run that leaves its row");
      std::fill_n(row.begin() + static_cast<std::ptrdiff_t>(x), count, row[x - 1]);
      x += count;
      shift += 8;
    }
    return {};
  }

  Float3 color_of(Rgbe p) const {
    if (p.e == 0) return {0, 0, 0};
    const double scale = std::ldexp(1.0, int{p.e} - 136) / exposure_;
    return {static_cast<float>(p.r * scale), static_cast<float>(p.g * scale),
            static_cast<float>(p.b * scale)};
  }

  BytesView bytes_;
  std::size_t at_ = 0;
  double exposure_ = 1;
};

}  // namespace

Result<EnvironmentMap> read_hdr(BytesView bytes) {
  return HdrReader(bytes).read();
}

}  // namespace framebus::render
