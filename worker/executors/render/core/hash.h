// Integer hashes and the Philox counter-based generator (Salmon et al., 2011).
//
// Random numbers are addressed, never drawn in sequence: any sample of any pixel can be had in any
// order.
#pragma once

#include "worker/executors/render/core/exact.h"

FB_CORE_BEGIN

// A bijection of 32 bits with good avalanche (two multiply-xorshift rounds).
FB_FN std::uint32_t mix(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x7FEB352Du;
  x ^= x >> 15;
  x *= 0x846CA68Bu;
  x ^= x >> 16;
  return x;
}
FB_FN std::uint32_t hash_of(std::uint32_t a, std::uint32_t b) {
  return mix(a + 0x9E3779B9u + mix(b + 0x85EBCA6Bu));
}
FB_FN std::uint32_t hash_of(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  return hash_of(hash_of(a, b), c);
}
FB_FN std::uint32_t hash_of(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return hash_of(hash_of(a, b, c), d);
}

FB_FN std::uint32_t reverse_bits(std::uint32_t x) {
  x = ((x >> 1) & 0x55555555u) | ((x & 0x55555555u) << 1);
  x = ((x >> 2) & 0x33333333u) | ((x & 0x33333333u) << 2);
  x = ((x >> 4) & 0x0F0F0F0Fu) | ((x & 0x0F0F0F0Fu) << 4);
  x = ((x >> 8) & 0x00FF00FFu) | ((x & 0x00FF00FFu) << 8);
  return (x >> 16) | (x << 16);
}

struct Bits4 {
  std::uint32_t v[4];
};

// Philox4x32 with 10 rounds.
FB_FN Bits4 philox(Bits4 counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * counter.v[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * counter.v[2];
    const Bits4 next = {{static_cast<std::uint32_t>(p1 >> 32) ^ counter.v[1] ^ key0,
                         static_cast<std::uint32_t>(p1),
                         static_cast<std::uint32_t>(p0 >> 32) ^ counter.v[3] ^ key1,
                         static_cast<std::uint32_t>(p0)}};
    counter = next;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

FB_CORE_END
