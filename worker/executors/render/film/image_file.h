// Sums to image files: PNG (8 bit sRGB, tone mapped) and EXR (linear, multi-layer).
#pragma once

#include <filesystem>
#include <string>

#include "libmsg/base/result.h"
#include "worker/executors/render/film/accumulator.h"

namespace framebus::render {

enum class ToneMap : std::uint8_t { none = 0, aces = 1 };

struct ImageOptions {
  std::uint32_t layers = layer_rgb;  // EXR: which to write; PNG: exactly one
  bool half = true;                  // EXR: 16-bit floats for colours (depth is always 32)
  ToneMap tonemap = ToneMap::none;   // PNG only
  float exposure = 0;                // stops, PNG only
};

// Mean radiance of a pixel in linear RGB, row-major, 3 floats a pixel. Pixels without samples are
// 0.
std::vector<float> mean_of(const Sums& sums, Layer layer);

// By extension (.png, .exr). Written to a temporary file beside it and renamed, so that a viewer
// never sees half a picture. Deterministic bytes: no time stamps. unavailable: names path and
// system error.
Status write_image(const std::filesystem::path& path, const Sums& sums,
                   const ImageOptions& options);

}  // namespace framebus::render
