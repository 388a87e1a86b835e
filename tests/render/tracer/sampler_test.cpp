// Sobol, Owen scrambling, Philox and the reconstruction filters.
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "tests/render/tracer/statistics.h"
#include "worker/executors/render/core/camera.h"
#include "worker/executors/render/core/tables.h"

using namespace framebus::render;
using namespace framebus::render::testing;

TEST_CASE("Philox gives the published test vectors") {
  const Bits4 zero = philox({{0, 0, 0, 0}}, 0, 0);
  CHECK(zero.v[0] == 0x6627E8D5u);
  CHECK(zero.v[1] == 0xE169C58Du);
  CHECK(zero.v[2] == 0xBC57AC4Cu);
  CHECK(zero.v[3] == 0x9B00DBD8u);
  const Bits4 ones = philox({{~0u, ~0u, ~0u, ~0u}}, ~0u, ~0u);
  CHECK(ones.v[0] == 0x408F276Du);
  CHECK(ones.v[1] == 0x41C83B0Eu);
  CHECK(ones.v[2] == 0xA20BC7C6u);
  CHECK(ones.v[3] == 0x6D5451FDu);
}

TEST_CASE("Sobol points are the known ones") {
  const Tables tables = make_tables(Filter::box);
  // Points 1 to 7 in natural order, from Joe and Kuo's direction numbers.
  const double expected[8][4] = {{0, 0, 0, 0},
                                 {0.5, 0.5, 0.5, 0.5},
                                 {0.25, 0.75, 0.75, 0.75},
                                 {0.75, 0.25, 0.25, 0.25},
                                 {0.125, 0.625, 0.375, 0.125},
                                 {0.625, 0.125, 0.875, 0.625},
                                 {0.375, 0.375, 0.625, 0.875},
                                 {0.875, 0.875, 0.125, 0.375}};
  for (std::uint32_t i = 0; i < 8; ++i)
    for (int d = 0; d < 4; ++d) {
      CAPTURE(i);
      CAPTURE(d);
      CHECK(sobol_point(tables, i).v[d] / 4294967296.0 == expected[i][d]);
    }
}

TEST_CASE(
    "scrambled Sobol prefixes are (0, 2)-nets in the first pair and stratified in every "
    "dimension") {
  const Tables tables = make_tables(Filter::box);
  RenderParams p{};
  p.tables = &tables;
  p.seed = 5;
  for (std::uint32_t purpose = 0; purpose < 12; ++purpose) {
    for (std::uint32_t shape = 0; shape <= 8;
         ++shape) {  // 256 points in boxes of 2^-shape by 2^-(8 - shape)
      std::set<std::pair<int, int>> cells;
      for (std::uint32_t i = 0; i < 256; ++i) {
        const Float4 u = sample_4d(p, 3, 9, i, purpose);
        cells.insert({static_cast<int>(u.x * static_cast<float>(1 << shape)),
                      static_cast<int>(u.y * static_cast<float>(1 << (8 - shape)))});
      }
      CHECK(cells.size() == 256);
    }
    std::set<int> z, w;
    for (std::uint32_t i = 0; i < 256; ++i) {
      const Float4 u = sample_4d(p, 3, 9, i, purpose);
      z.insert(static_cast<int>(u.z * 256));
      w.insert(static_cast<int>(u.w * 256));
    }
    CHECK(z.size() == 256);
    CHECK(w.size() == 256);
  }
}

TEST_CASE("both samplers are uniform and different purposes, pixels and seeds do not agree") {
  const Tables tables = make_tables(Filter::box);
  for (SamplerKind kind : {SamplerKind::sobol_owen, SamplerKind::philox}) {
    RenderParams p{};
    p.tables = &tables;
    p.sampler = kind;
    std::vector<double> pair(1024), across(1024);
    const int n = 65536;
    for (std::uint32_t i = 0; i < n; ++i) {
      // One sample in each of many pixels, two purposes against each other.
      const Float4 a = sample_4d(p, i % 256, i / 256, 7, 1),
                   b = sample_4d(p, i % 256, i / 256, 7, 2);
      ++pair[static_cast<std::size_t>(a.x * 32) * 32 + static_cast<std::size_t>(a.y * 32)];
      ++across[static_cast<std::size_t>(a.z * 32) * 32 + static_cast<std::size_t>(b.x * 32)];
    }
    const std::vector<double> expected(1024, n / 1024.0);
    CHECK(chi_square_p(pair, expected) > 1e-4);
    CHECK(chi_square_p(across, expected) > 1e-4);
    RenderParams q = p;
    q.seed = 1;
    CHECK(sample_4d(p, 1, 2, 3, 4).x != sample_4d(q, 1, 2, 3, 4).x);
    CHECK(sample_4d(p, 1, 2, 3, 4).x != sample_4d(p, 2, 1, 3, 4).x);
  }
}

TEST_CASE("filter offsets are distributed as the filters") {
  for (Filter filter : {Filter::box, Filter::triangle, Filter::gaussian, Filter::blackman_harris}) {
    const Tables tables = make_tables(filter);
    const double radius = filter_radius(filter);
    constexpr int bins = 64, n = 400000;
    std::vector<double> observed(bins), expected(bins);
    double total = 0;
    for (int i = 0; i < bins * 200; ++i) {
      const double value = filter_value(filter, -radius + 2 * radius * (i + 0.5) / (bins * 200));
      expected[static_cast<std::size_t>(i / 200)] += value;
      total += value;
    }
    for (double& e : expected) e *= n / total;
    Random random(7);
    double mean = 0;
    for (int i = 0; i < n; ++i) {
      const double x = static_cast<double>(filter_offset(tables, random.unit()));
      REQUIRE(std::abs(x) <= radius);
      mean += x / n;
      ++observed[std::min<std::size_t>(
          bins - 1, static_cast<std::size_t>((x + radius) / (2 * radius) * bins))];
    }
    CAPTURE(static_cast<int>(filter));
    CHECK(chi_square_p(observed, expected) > 1e-4);
    CHECK(std::abs(mean) < 0.005);
  }
}

TEST_CASE("sRGB decoding matches its definition") {
  const Tables tables = make_tables(Filter::box);
  for (int i = 0; i < 256; ++i) {
    const double x = i / 255.0;
    const double truth = x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
    CHECK(static_cast<double>(tables.srgb_to_linear[i]) == doctest::Approx(truth).epsilon(1e-7));
  }
}
