// Samples addressed by (seed, pixel, sample number, dimension), where a dimension is (bounce,
// purpose).
//
// Four dimensions at a time. sobol_owen: the first four Sobol dimensions, with the order of the
// points shuffled and every dimension Owen-scrambled by a hash of (seed, pixel, purpose), as in
// Burley, "Practical Hash-based Owen Scrambling" (2020); different purposes are padded, that is,
// independent. philox: plain random numbers. In each purpose the pair (x, y) is the best stratified
// one.
#pragma once

#include "worker/executors/render/core/hash.h"
#include "worker/executors/render/core/path_state.h"

FB_CORE_BEGIN

// What four dimensions are for.
FB_FN std::uint32_t purpose_camera() {
  return 0;
}  // film x, y
FB_FN std::uint32_t purpose_bsdf(std::uint32_t bounce) {
  return 1 + 2 * bounce;
}  // direction x, y; lobe; roulette
FB_FN std::uint32_t purpose_light(std::uint32_t bounce) {
  return 2 + 2 * bounce;
}  // point x, y; which light

// Flips each bit by a hash of the bits below it: on reversed bits this is an Owen scramble (the
// hash of Laine and Karras with constants found by N. Vegdahl).
FB_FN std::uint32_t scramble_reversed(std::uint32_t x, std::uint32_t seed) {
  x ^= x * 0x3D20ADEAu;
  x += seed;
  x *= (seed >> 16) | 1u;
  x ^= x * 0x05526C56u;
  x ^= x * 0x53A22864u;
  return x;
}
FB_FN std::uint32_t owen_scramble(std::uint32_t x, std::uint32_t seed) {
  return reverse_bits(scramble_reversed(reverse_bits(x), seed));
}

// The first four dimensions of point `index` (16 bits) of the Sobol sequence, as fractions of 2^32.
FB_FN Bits4 sobol_point(const Tables& tables, std::uint32_t index) {
  Bits4 point = {{0, 0, 0, 0}};
  for (int nibble = 0; nibble < 4; ++nibble) {
    const std::uint32_t* entry = tables.sobol[nibble][(index >> (4 * nibble)) & 15u];
    for (int d = 0; d < 4; ++d) point.v[d] ^= entry[d];
  }
  return point;
}

FB_FN Float4 sample_4d(const RenderParams& p, std::uint32_t pixel_x, std::uint32_t pixel_y,
                       std::uint32_t sample, std::uint32_t purpose) {
  Bits4 bits;
  if (p.sampler == SamplerKind::philox) {
    bits = philox({{pixel_x, pixel_y, sample, purpose}}, p.seed, 0x46425031u);
  } else {
    const std::uint32_t base = hash_of(hash_of(p.seed, pixel_x, pixel_y), purpose);
    // Samples are at most 2^16, so shuffling within aligned blocks of 2^16 keeps every prefix a
    // net.
    bits = sobol_point(*p.tables, owen_scramble(sample, mix(base)) & 0xFFFFu);
    for (std::uint32_t d = 0; d < 4; ++d)
      bits.v[d] = owen_scramble(bits.v[d], mix(base + 0x68BC21EBu * (d + 1)));
  }
  return {unit_float(bits.v[0]), unit_float(bits.v[1]), unit_float(bits.v[2]),
          unit_float(bits.v[3])};
}

FB_CORE_END
