// Environment maps: .hdr and .exr files to linear RGB pixels, and the distribution that samples
// them.
//
// Latitude-longitude as scene_view.h says. The CDFs are summed in order and in double precision, so
// they are the same on every machine. Not a number and negative values count as 0, infinities are
// clamped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "worker/executors/render/core/scene_view.h"

namespace framebus::render {

struct EnvironmentMap {
  std::uint32_t width = 0, height = 0;
  std::vector<Float3> pixels;         // rows from the top
  std::vector<float> marginal;        // height + 1
  std::vector<float> conditional;     // height * (width + 1)
  Float3 mean{0, 0, 0};               // radiance over the sphere
  std::uint64_t repaired_pixels = 0;  // values that were no radiance
};

// By extension of `name`, .hdr or .exr. Errors are invalid_argument and name `name`.
Result<EnvironmentMap> read_environment(const std::string& name, BytesView bytes);

// The two readers: size and pixels only. Errors say what is wrong and where, without the name.
Result<EnvironmentMap> read_hdr(BytesView bytes);
Result<EnvironmentMap> read_exr(BytesView bytes);
Status check_environment_size(std::uint64_t width, std::uint64_t height);

// CDFs and mean of the pixels, as scene_view.h says. Pixels: finite and not negative.
void build_distribution(EnvironmentMap& map);

double luminance(Float3 color);  // Rec.709

}  // namespace framebus::render
