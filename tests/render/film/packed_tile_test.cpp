// pack and unpack: exact both ways; hostile bytes give an error, never a crash or a large
// allocation.
#include <doctest/doctest.h>
#include <zstd.h>

#include <random>

#include "random_sums.h"
#include "worker/executors/render/film/accumulator.h"

namespace framebus::render {
namespace {

constexpr std::size_t header_bytes = 84;

PackedTile a_packed_tile(std::uint32_t layers = all_layers) {
  PackedTile packed;
  packed.tile = {64, 128, 24, 16, 32, 16};
  packed.scene_hash.bytes.fill(0x5A);
  packed.frame = 17;
  packed.sums = random_sums(24, 16, layers, 16, 5);
  packed.sums.nan_count = 3;
  packed.sums.clamp_count = 1u << 30;
  return packed;
}

TEST_CASE("pack: what comes out is what went in, for every set of layers") {
  for (std::uint32_t layers = 1; layers <= 15; ++layers) {
    const PackedTile packed = a_packed_tile(layers);
    const auto back = unpack(pack(packed));
    REQUIRE(back.has_value());
    CHECK(back->tile == packed.tile);
    CHECK(back->frame == 17);
    CHECK(back->scene_hash == packed.scene_hash);
    CHECK(back->sums == packed.sums);
  }
}

TEST_CASE("pack: extreme sums survive") {
  PackedTile packed = a_packed_tile(layer_rgb);
  packed.tile.first_sample = 0;
  packed.tile.sample_count = samples_per_pixel_max;
  const std::int64_t most = color_scale * static_cast<std::int64_t>(color_clamp);
  for (std::size_t i = 0; i < packed.sums.rgb.size(); ++i)
    packed.sums.rgb[i] = (i % 2 == 0 ? most : -most) * samples_per_pixel_max;
  for (auto& n : packed.sums.samples) n = samples_per_pixel_max;
  const auto back = unpack(pack(packed));
  REQUIRE(back.has_value());
  CHECK(back->sums == packed.sums);
}

TEST_CASE("pack: smooth pictures shrink") {
  PackedTile packed;
  packed.tile = {0, 0, 64, 64, 0, 16};
  packed.sums = Sums::zero(64, 64, layer_rgb);
  for (std::size_t i = 0; i < packed.sums.rgb.size(); ++i)
    packed.sums.rgb[i] = (std::int64_t{1} << 33) + static_cast<std::int64_t>(i) * 1000;
  for (auto& n : packed.sums.samples) n = 16;
  CHECK(pack(packed).size() < 64 * 64 * 24 / 10);
}

TEST_CASE("unpack: every truncation is refused") {
  const Bytes bytes = pack(a_packed_tile());
  for (std::size_t size = 0; size < bytes.size(); size = size < 200 ? size + 1 : size + 37) {
    const auto back = unpack(BytesView(bytes).first(size));
    REQUIRE_FALSE(back.has_value());
    CHECK(back.error().code == Code::malformed_message);
  }
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK_FALSE(unpack(longer).has_value());
}

TEST_CASE("unpack: flipped bytes never crash, and what is accepted stays within bounds") {
  const Bytes bytes = pack(a_packed_tile());
  std::mt19937 random(99);
  for (std::size_t at = 0; at < bytes.size(); at += at < header_bytes ? 1 : 101)
    for (int round = 0; round < 3; ++round) {
      Bytes bad = bytes;
      bad[at] = static_cast<std::uint8_t>(bad[at] ^ (1 + random() % 255));
      const auto back = unpack(bad);
      if (!back) continue;
      CHECK(back->sums.samples.size() == std::size_t{back->tile.width} * back->tile.height);
      CHECK(back->sums.width == back->tile.width);
    }
}

TEST_CASE("unpack: a header that promises a huge tile is refused before memory is taken") {
  Bytes bytes = pack(a_packed_tile());
  const auto put = [&](std::size_t at, std::uint32_t v) {
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(v >> (8 * i));
  };
  put(12, 65536);
  put(16, 65536);
  CHECK(unpack(bytes).error().message.find("65536x65536") != std::string::npos);
  put(12, 0);
  CHECK_FALSE(unpack(bytes).has_value());
  put(12, 2048);
  put(16, 4096);
  CHECK(unpack(bytes).error().message.find("planes declare") != std::string::npos);
}

TEST_CASE("unpack: more samples than the tile took, or sums beyond them, are refused") {
  PackedTile greedy = a_packed_tile();
  greedy.sums.samples[7] = 17;
  CHECK_FALSE(unpack(pack(greedy)).has_value());
  PackedTile bright = a_packed_tile();
  bright.sums.rgb[7] = std::int64_t{16} * (std::int64_t{1} << 47) + 1;
  CHECK_FALSE(unpack(pack(bright)).has_value());
  PackedTile hits = a_packed_tile();
  hits.sums.depth_hits[0] = hits.sums.samples[0] + 1;
  CHECK_FALSE(unpack(pack(hits)).has_value());
}

}  // namespace
}  // namespace framebus::render
