// The result blob of a render task: a fixed header, then all planes in one zstd frame.
//
// Header, little endian: "FBT1", tile (6 x u32), layers u32, frame u32, scene hash (32 bytes),
// nan_count u64, clamp_count u64, then the zstd frame. The header alone says how many bytes must
// come out of the frame.
#include <zstd.h>

#include <cstring>
#include <limits>
#include <string>

#include "libmsg/base/check.h"
#include "worker/executors/render/film/accumulator.h"
#include "worker/executors/render/film/plane_coding.h"

namespace framebus::render {

namespace {

constexpr char magic[4] = {'F', 'B', 'T', '1'};
constexpr std::size_t header_bytes = 4 + 6 * 4 + 4 + 4 + 32 + 8 + 8;
constexpr std::uint32_t side_pixels_max = 65536;
constexpr std::uint64_t tile_pixels_max = std::uint64_t{1} << 23;  // one 3840 x 2160 picture fits
constexpr int compression_level = 1;  // sums are half noise: higher levels cost time and gain 2 %

class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}
  void raw(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    out_.insert(out_.end(), bytes, bytes + size);
  }
  void u32(std::uint32_t v) {
    for (int i = 0; i < 4; ++i) out_.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
  }
  void u64(std::uint64_t v) {
    for (int i = 0; i < 8; ++i) out_.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
  }

 private:
  Bytes& out_;
};

// Never reads past the header: its length was checked before.
class Reader {
 public:
  explicit Reader(const std::uint8_t* at) : at_(at) {}
  void raw(void* to, std::size_t size) {
    std::memcpy(to, at_, size);
    at_ += size;
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t u64() { return integer(8); }

 private:
  std::uint64_t integer(int size) {
    std::uint64_t v = 0;
    for (int i = 0; i < size; ++i) v |= std::uint64_t{*at_++} << (8 * i);
    return v;
  }
  const std::uint8_t* at_;
};

template <class Sum, class Visit>
void for_each_plane(Sum& sums, Visit&& visit) {
  visit(sums.samples);
  visit(sums.rgb);
  visit(sums.albedo);
  visit(sums.normal);
  visit(sums.depth);
  visit(sums.depth_hits);
}

tl::unexpected<Error> malformed(std::string what) {
  return fail(Code::malformed_message, "packed tile: " + std::move(what));
}

Status check_header(const PackedTile& packed, std::uint32_t layers) {
  const Tile& tile = packed.tile;
  if (tile.width == 0 || tile.height == 0 || tile.width > side_pixels_max ||
      tile.height > side_pixels_max || std::uint64_t{tile.width} * tile.height > tile_pixels_max)
    return malformed("a size of " + std::to_string(tile.width) + "x" + std::to_string(tile.height) +
                     "; allowed are 1 to " + std::to_string(tile_pixels_max) + " pixels");
  if (std::uint64_t{tile.x} + tile.width > side_pixels_max ||
      std::uint64_t{tile.y} + tile.height > side_pixels_max)
    return malformed("it ends beyond pixel " + std::to_string(side_pixels_max));
  if (tile.sample_count == 0 ||
      std::uint64_t{tile.first_sample} + tile.sample_count > samples_per_pixel_max)
    return malformed("samples " + std::to_string(tile.first_sample) + " + " +
                     std::to_string(tile.sample_count) + "; allowed are 1 to " +
                     std::to_string(samples_per_pixel_max));
  if (layers == 0 || (layers & ~std::uint32_t{15}) != 0)
    return malformed("layers " + std::to_string(layers) + "; allowed are 1 to 15");
  return {};
}

// A peer's sums are believed only within what `samples` samples can add up to, so that merging
// frames of them can not overflow.
Status check_values(const PackedTile& packed) {
  const Sums& sums = packed.sums;
  const std::size_t pixels = sums.samples.size();
  constexpr std::int64_t color_max = color_scale * static_cast<std::int64_t>(color_clamp);
  constexpr std::int64_t depth_max = depth_scale * static_cast<std::int64_t>(depth_clamp);
  static_assert(color_max <= std::numeric_limits<std::int64_t>::max() / samples_per_pixel_max);
  static_assert(depth_max <= std::numeric_limits<std::int64_t>::max() / samples_per_pixel_max);
  for (std::size_t i = 0; i < pixels; ++i) {
    if (sums.samples[i] > packed.tile.sample_count)
      return malformed("pixel " + std::to_string(i) + " has " + std::to_string(sums.samples[i]) +
                       " samples; the tile took " + std::to_string(packed.tile.sample_count));
    if (!sums.depth_hits.empty() && sums.depth_hits[i] > sums.samples[i])
      return malformed("pixel " + std::to_string(i) + " has more hits than samples");
  }
  const auto is_bounded = [&](const std::vector<std::int64_t>& plane, std::int64_t sample_max) {
    for (std::size_t i = 0; i < plane.size(); ++i) {
      const std::int64_t bound = sample_max * sums.samples[i % pixels];
      if (plane[i] > bound || plane[i] < -bound) return false;
    }
    return true;
  };
  if (!is_bounded(sums.rgb, color_max) || !is_bounded(sums.albedo, color_max) ||
      !is_bounded(sums.normal, color_max) || !is_bounded(sums.depth, depth_max))
    return malformed("a sum is larger than its samples allow");
  return {};
}

Status decompress(BytesView frame, std::uint64_t expected_bytes, Bytes& raw) {
  const unsigned long long declared = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (declared != expected_bytes)
    return malformed("its planes declare " +
                     (declared > ZSTD_CONTENTSIZE_ERROR - 1 ? std::string("no size")
                                                            : std::to_string(declared)) +
                     "; its header asks for " + std::to_string(expected_bytes) + " bytes");
  if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size())
    return malformed("bytes are missing or left over after its planes");
  raw.resize(expected_bytes);
  const std::size_t got = ZSTD_decompress(raw.data(), raw.size(), frame.data(), frame.size());
  if (ZSTD_isError(got) != 0)
    return malformed(std::string("its planes are damaged: ") + ZSTD_getErrorName(got));
  if (got != expected_bytes) return malformed("its planes are shorter than declared");
  return {};
}

}  // namespace

Bytes pack(const PackedTile& packed) {
  const Sums& sums = packed.sums;
  Bytes raw;
  std::size_t raw_bytes = 0;
  for_each_plane(sums, [&](const auto& plane) { raw_bytes += plane.size() * sizeof(plane[0]); });
  raw.resize(raw_bytes);
  std::size_t at = 0;
  for_each_plane(sums, [&](const auto& plane) {
    encode_plane(std::span(plane.data(), plane.size()), raw.data() + at);
    at += plane.size() * sizeof(plane[0]);
  });

  Bytes out;
  Writer writer(out);
  writer.raw(magic, sizeof magic);
  for (std::uint32_t v :
       {packed.tile.x, packed.tile.y, packed.tile.width, packed.tile.height,
        packed.tile.first_sample, packed.tile.sample_count, sums.layers, packed.frame})
    writer.u32(v);
  writer.raw(packed.scene_hash.bytes.data(), packed.scene_hash.bytes.size());
  writer.u64(sums.nan_count);
  writer.u64(sums.clamp_count);
  FRAMEBUS_CHECK(out.size() == header_bytes, "the header's length is part of the format");
  out.resize(header_bytes + ZSTD_compressBound(raw.size()));
  const std::size_t size = ZSTD_compress(out.data() + header_bytes, out.size() - header_bytes,
                                         raw.data(), raw.size(), compression_level);
  FRAMEBUS_CHECK(ZSTD_isError(size) == 0, "compressing into compressBound bytes can not fail");
  out.resize(header_bytes + size);
  return out;
}

Result<PackedTile> unpack(BytesView bytes) {
  if (bytes.size() < header_bytes)
    return malformed(std::to_string(bytes.size()) + " bytes; its header alone has " +
                     std::to_string(header_bytes));
  if (std::memcmp(bytes.data(), magic, sizeof magic) != 0)
    return malformed("it does not begin with FBT1");
  PackedTile packed;
  Reader reader(bytes.data() + sizeof magic);
  for (std::uint32_t* field :
       {&packed.tile.x, &packed.tile.y, &packed.tile.width, &packed.tile.height,
        &packed.tile.first_sample, &packed.tile.sample_count})
    *field = reader.u32();
  const std::uint32_t layers = reader.u32();
  packed.frame = reader.u32();
  reader.raw(packed.scene_hash.bytes.data(), packed.scene_hash.bytes.size());
  const std::uint64_t nan_count = reader.u64();
  const std::uint64_t clamp_count = reader.u64();
  FRAMEBUS_TRY(check_header(packed, layers));

  const std::uint64_t pixels = std::uint64_t{packed.tile.width} * packed.tile.height;
  std::uint64_t pixel_bytes = 4;
  for (Layer layer : {layer_rgb, layer_albedo, layer_normal})
    if ((layers & layer) != 0) pixel_bytes += 3 * 8;
  if ((layers & layer_depth) != 0) pixel_bytes += 8 + 4;
  Bytes raw;
  FRAMEBUS_TRY(decompress(bytes.subspan(header_bytes), pixels * pixel_bytes, raw));
  packed.sums = Sums::zero(packed.tile.width, packed.tile.height, layers);
  packed.sums.nan_count = nan_count;
  packed.sums.clamp_count = clamp_count;
  std::size_t at = 0;
  for_each_plane(packed.sums, [&](auto& plane) {
    decode_plane(raw.data() + at, std::span(plane.data(), plane.size()));
    at += plane.size() * sizeof(plane[0]);
  });
  FRAMEBUS_TRY(check_values(packed));
  return packed;
}

}  // namespace framebus::render
