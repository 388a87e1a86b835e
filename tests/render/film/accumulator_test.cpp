// Merging tiles in any order gives the same sums; what does not fit is refused and changes nothing.
#include "worker/executors/render/film/accumulator.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "random_sums.h"

namespace framebus::render {
namespace {

struct Piece {
  Tile tile;
  Sums sums;
};

std::vector<Piece> pieces_of_a_frame() {
  std::vector<Piece> pieces;
  std::uint32_t seed = 1;
  for (std::uint32_t pass = 0; pass < 3; ++pass)
    for (std::uint32_t y = 0; y < 20; y += 8)
      for (std::uint32_t x = 0; x < 30; x += 16) {
        const Tile tile{x, y, std::min(16u, 30 - x), std::min(8u, 20 - y), pass * 4, 4};
        pieces.push_back({tile, random_sums(tile.width, tile.height, all_layers, 4, seed++)});
      }
  return pieces;
}

TEST_CASE("sums: zero has planes for the layers asked for and no others") {
  const Sums sums = Sums::zero(4, 3, layer_rgb | layer_depth);
  CHECK(sums.rgb.size() == 36);
  CHECK(sums.depth.size() == 12);
  CHECK(sums.depth_hits.size() == 12);
  CHECK(sums.samples.size() == 12);
  CHECK(sums.albedo.empty());
  CHECK(sums.normal.empty());
}

TEST_CASE("sums: the order of tiles does not change the picture") {
  std::vector<Piece> pieces = pieces_of_a_frame();
  Sums first = Sums::zero(30, 20, all_layers);
  for (const Piece& piece : pieces) REQUIRE(add_tile(first, piece.tile, piece.sums));
  std::mt19937 random(7);
  for (int round = 0; round < 5; ++round) {
    std::shuffle(pieces.begin(), pieces.end(), random);
    Sums other = Sums::zero(30, 20, all_layers);
    for (const Piece& piece : pieces) REQUIRE(add_tile(other, piece.tile, piece.sums));
    CHECK(other == first);
    CHECK(hash_of(other) == hash_of(first));
  }
  CHECK(std::all_of(first.samples.begin(), first.samples.end(), [](auto n) { return n == 12; }));
}

TEST_CASE("sums: a tile lands where it belongs") {
  Sums frame = Sums::zero(8, 8, layer_rgb);
  Sums tile = Sums::zero(2, 2, layer_rgb);
  tile.rgb[4 * 1 + 3] = 99;  // green of its lower right pixel
  tile.samples[3] = 1;
  REQUIRE(add_tile(frame, Tile{5, 2, 2, 2, 0, 1}, tile));
  CHECK(frame.rgb[64 * 1 + 3 * 8 + 6] == 99);
  CHECK(frame.samples[3 * 8 + 6] == 1);
}

TEST_CASE("sums: what does not fit is refused and leaves the frame alone") {
  Sums frame = Sums::zero(8, 8, layer_rgb);
  const Sums before = frame;
  const Sums tile = random_sums(4, 4, layer_rgb, 1, 3);
  CHECK(add_tile(frame, Tile{5, 0, 4, 4, 0, 1}, tile).error().code == Code::invalid_argument);
  CHECK_FALSE(add_tile(frame, Tile{0xFFFFFFFFu, 0, 4, 4, 0, 1}, tile).has_value());
  CHECK_FALSE(add_tile(frame, Tile{0, 0, 3, 4, 0, 1}, tile).has_value());
  CHECK_FALSE(
      add_tile(frame, Tile{0, 0, 4, 4, 0, 1}, random_sums(4, 4, all_layers, 1, 3)).has_value());
  Sums cut = tile;
  cut.rgb.pop_back();
  CHECK_FALSE(add_tile(frame, Tile{0, 0, 4, 4, 0, 1}, cut).has_value());
  CHECK(frame == before);
}

TEST_CASE("sums: a pixel takes at most 65,535 samples") {
  Sums frame = Sums::zero(2, 1, layer_rgb);
  Sums tile = Sums::zero(2, 1, layer_rgb);
  tile.samples = {samples_per_pixel_max, 1};
  REQUIRE(add_tile(frame, Tile{0, 0, 2, 1, 0, samples_per_pixel_max}, tile));
  const Status second = add_tile(frame, Tile{0, 0, 2, 1, 0, samples_per_pixel_max}, tile);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message.find("65535") != std::string::npos);
  CHECK(frame.samples[1] == 1);
}

TEST_CASE("hash_of: every plane, count and the size take part") {
  const Sums base = random_sums(6, 4, all_layers, 2, 11);
  const BlobHash hash = hash_of(base);
  const auto differs = [&](auto change) {
    Sums other = base;
    change(other);
    return hash_of(other) != hash;
  };
  CHECK(differs([](Sums& s) { s.rgb[5] ^= 1; }));
  CHECK(differs([](Sums& s) { s.albedo[0] ^= 1; }));
  CHECK(differs([](Sums& s) { s.normal[71] ^= 1; }));
  CHECK(differs([](Sums& s) { s.depth[3] ^= 1; }));
  CHECK(differs([](Sums& s) { s.depth_hits[3] ^= 1; }));
  CHECK(differs([](Sums& s) { s.samples[3] ^= 1; }));
  CHECK(differs([](Sums& s) { std::swap(s.width, s.height); }));
  CHECK_FALSE(differs([](Sums&) {}));
}

}  // namespace
}  // namespace framebus::render
