// Sums: making, merging and hashing. Integer arithmetic only, so order never matters.
#include "worker/executors/render/film/accumulator.h"

#include <bit>
#include <string>

#include "worker/executors/render/film/digest.h"

namespace framebus::render {

namespace {

constexpr std::uint32_t layers_known = layer_rgb | layer_albedo | layer_normal | layer_depth;

static_assert(std::endian::native == std::endian::little,
              "planes are hashed and packed as they lie in memory");

// Planes of the declared sizes and nothing else; a program that fills them wrongly gets an error,
// not a crash.
bool has_consistent_planes(const Sums& sums) {
  const std::size_t pixels = std::size_t{sums.width} * sums.height;
  const auto expected = [&](Layer layer, std::size_t channels) {
    return (sums.layers & layer) != 0 ? channels * pixels : 0;
  };
  return sums.rgb.size() == expected(layer_rgb, 3) &&
         sums.albedo.size() == expected(layer_albedo, 3) &&
         sums.normal.size() == expected(layer_normal, 3) &&
         sums.depth.size() == expected(layer_depth, 1) &&
         sums.depth_hits.size() == expected(layer_depth, 1) && sums.samples.size() == pixels;
}

std::string size_text(std::uint32_t width, std::uint32_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

Status check_fit(const Sums& frame, const Tile& tile, const Sums& sums) {
  if (!has_consistent_planes(frame) || !has_consistent_planes(sums))
    return fail(Code::invalid_argument, "add tile: a plane's length does not match its sums' size");
  if (sums.width != tile.width || sums.height != tile.height)
    return fail(Code::invalid_argument,
                "add tile: the tile is " + size_text(tile.width, tile.height) +
                    " but its sums are " + size_text(sums.width, sums.height));
  if (std::uint64_t{tile.x} + tile.width > frame.width ||
      std::uint64_t{tile.y} + tile.height > frame.height)
    return fail(Code::invalid_argument, "add tile: " + size_text(tile.width, tile.height) +
                                            " at (" + std::to_string(tile.x) + ", " +
                                            std::to_string(tile.y) + ") leaves the frame of " +
                                            size_text(frame.width, frame.height));
  if (sums.layers != frame.layers)
    return fail(Code::invalid_argument, "add tile: its layers are " + std::to_string(sums.layers) +
                                            ", the frame's are " + std::to_string(frame.layers));
  for (std::uint32_t y = 0; y < tile.height; ++y)
    for (std::uint32_t x = 0; x < tile.width; ++x) {
      const std::uint64_t total =
          std::uint64_t{frame.samples[std::size_t{tile.y + y} * frame.width + tile.x + x]} +
          sums.samples[std::size_t{y} * tile.width + x];
      if (total > samples_per_pixel_max)
        return fail(Code::invalid_argument,
                    "add tile: pixel (" + std::to_string(tile.x + x) + ", " +
                        std::to_string(tile.y + y) + ") would have " + std::to_string(total) +
                        " samples; at most " + std::to_string(samples_per_pixel_max) +
                        " fit the exact sums");
    }
  return {};
}

// Unsigned addition: a peer's sums were bounded by unpack(), but wrapping must not be undefined in
// any case.
std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

void add_planes(std::vector<std::int64_t>& frame_plane, const Sums& frame, const Tile& tile,
                const std::vector<std::int64_t>& tile_plane) {
  const std::size_t tile_pixels = std::size_t{tile.width} * tile.height;
  const std::size_t frame_pixels = std::size_t{frame.width} * frame.height;
  const std::size_t channels = tile_pixels == 0 ? 0 : tile_plane.size() / tile_pixels;
  for (std::size_t c = 0; c < channels; ++c)
    for (std::uint32_t y = 0; y < tile.height; ++y) {
      const std::int64_t* from = tile_plane.data() + c * tile_pixels + std::size_t{y} * tile.width;
      std::int64_t* to =
          frame_plane.data() + c * frame_pixels + std::size_t{tile.y + y} * frame.width + tile.x;
      for (std::uint32_t x = 0; x < tile.width; ++x) to[x] = wrapping_sum(to[x], from[x]);
    }
}

void add_counts(std::vector<std::uint32_t>& frame_plane, const Sums& frame, const Tile& tile,
                const std::vector<std::uint32_t>& tile_plane) {
  if (tile_plane.empty()) return;
  for (std::uint32_t y = 0; y < tile.height; ++y)
    for (std::uint32_t x = 0; x < tile.width; ++x)
      frame_plane[std::size_t{tile.y + y} * frame.width + tile.x + x] +=
          tile_plane[std::size_t{y} * tile.width + x];
}

template <class T>
void add_plane(Digest& digest, const std::vector<T>& plane) {
  digest.add_u64(plane.size());
  digest.add(
      BytesView(reinterpret_cast<const std::uint8_t*>(plane.data()), plane.size() * sizeof(T)));
}

}  // namespace

Sums Sums::zero(std::uint32_t width, std::uint32_t height, std::uint32_t layers) {
  Sums sums;
  sums.width = width;
  sums.height = height;
  sums.layers = layers & layers_known;
  const std::size_t pixels = std::size_t{width} * height;
  if ((layers & layer_rgb) != 0) sums.rgb.resize(3 * pixels);
  if ((layers & layer_albedo) != 0) sums.albedo.resize(3 * pixels);
  if ((layers & layer_normal) != 0) sums.normal.resize(3 * pixels);
  if ((layers & layer_depth) != 0) {
    sums.depth.resize(pixels);
    sums.depth_hits.resize(pixels);
  }
  sums.samples.resize(pixels);
  return sums;
}

Status add_tile(Sums& frame, const Tile& tile, const Sums& tile_sums) {
  FRAMEBUS_TRY(check_fit(frame, tile, tile_sums));
  add_planes(frame.rgb, frame, tile, tile_sums.rgb);
  add_planes(frame.albedo, frame, tile, tile_sums.albedo);
  add_planes(frame.normal, frame, tile, tile_sums.normal);
  add_planes(frame.depth, frame, tile, tile_sums.depth);
  add_counts(frame.depth_hits, frame, tile, tile_sums.depth_hits);
  add_counts(frame.samples, frame, tile, tile_sums.samples);
  frame.nan_count += tile_sums.nan_count;
  frame.clamp_count += tile_sums.clamp_count;
  return {};
}

BlobHash hash_of(const Sums& sums) {
  Digest digest;
  digest.add(std::string_view("framebus sums 1"));
  digest.add_u32(sums.width);
  digest.add_u32(sums.height);
  digest.add_u32(sums.layers);
  add_plane(digest, sums.samples);
  add_plane(digest, sums.rgb);
  add_plane(digest, sums.albedo);
  add_plane(digest, sums.normal);
  add_plane(digest, sums.depth);
  add_plane(digest, sums.depth_hits);
  return digest.finish();
}

}  // namespace framebus::render
