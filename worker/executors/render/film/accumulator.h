// Exact sums of samples: what a render task returns and what the collector adds up.
//
// Each sample's RGB becomes int64 fixed point and is summed as integers; integer sums do not depend
// on order, so the picture is the same for any tile shape, sample split, number of workers or
// retry. Scale of RGB, albedo and normal: 2^30, a component is clamped to +-2^17 first; depth:
// 2^20, clamp 2^27, summed over the samples that hit something. At most 65,535 samples a pixel, so
// no sum can overflow. A NaN counts as 0 and is counted; so are clamps. Layout of planes:
// [channel][y][x], row-major.
#pragma once

#include <cstdint>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/ids.h"
#include "libmsg/base/result.h"

namespace framebus::render {

inline constexpr std::int64_t color_scale = std::int64_t{1} << 30;
inline constexpr float color_clamp = 131072.0f;  // 2^17
inline constexpr std::int64_t depth_scale = std::int64_t{1} << 20;
inline constexpr float depth_clamp = 134217728.0f;  // 2^27
inline constexpr std::uint32_t samples_per_pixel_max = 65535;

enum Layer : std::uint32_t { layer_rgb = 1, layer_albedo = 2, layer_normal = 4, layer_depth = 8 };

struct Tile {
  std::uint32_t x = 0, y = 0, width = 0, height = 0;  // pixels
  std::uint32_t first_sample = 0, sample_count = 0;
  bool operator==(const Tile&) const = default;
};

// Sums over a rectangle of pixels. `rgb`, `albedo`, `normal`: 3 * width * height; `depth`,
// `depth_hits`: width * height; empty when the layer is not in `layers`. `samples`: how many
// samples each pixel has had.
struct Sums {
  std::uint32_t width = 0, height = 0;
  std::uint32_t layers = layer_rgb;
  std::vector<std::int64_t> rgb, albedo, normal, depth;
  std::vector<std::uint32_t> depth_hits;
  std::vector<std::uint32_t> samples;
  std::uint64_t nan_count = 0, clamp_count = 0;

  static Sums zero(std::uint32_t width, std::uint32_t height, std::uint32_t layers);
  bool operator==(const Sums&) const = default;
};

// Adds a tile's sums into a frame's at (tile.x, tile.y). invalid_argument when it does not fit,
// when the layers differ, or when a pixel would exceed samples_per_pixel_max.
Status add_tile(Sums& frame, const Tile& tile, const Sums& tile_sums);

// What travels as a task's result blob: tile, layers, counts, scene hash, then planes, compressed
// with zstd. unpack() checks every size before it allocates; errors are malformed_message.
struct PackedTile {
  Tile tile;
  BlobHash scene_hash;      // of the compiled scene; all tiles of a frame must agree
  std::uint32_t frame = 0;  // image frame number
  Sums sums;
};
Bytes pack(const PackedTile& tile);
Result<PackedTile> unpack(BytesView bytes);

// BLAKE2b-256 over size, layers, sample counts and all planes: equal if and only if the pictures
// are.
BlobHash hash_of(const Sums& sums);

}  // namespace framebus::render
