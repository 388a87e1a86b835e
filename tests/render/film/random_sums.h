// Sums filled from a seed, for tests of merging, packing and hashing.
#pragma once

#include <random>

#include "worker/executors/render/film/accumulator.h"

namespace framebus::render {

inline constexpr std::uint32_t all_layers = layer_rgb | layer_albedo | layer_normal | layer_depth;

// Every pixel has had `samples` samples; values stay within what that many samples can add up to.
inline Sums random_sums(std::uint32_t width, std::uint32_t height, std::uint32_t layers,
                        std::uint32_t samples, std::uint32_t seed) {
  std::mt19937_64 random(seed);
  Sums sums = Sums::zero(width, height, layers);
  const auto value = [&] {
    return static_cast<std::int64_t>(random() % (std::uint64_t{4} << 30)) * samples;
  };
  for (auto* plane : {&sums.rgb, &sums.albedo, &sums.depth})
    for (auto& v : *plane) v = value();
  for (auto& v : sums.normal) v = value() / 4 - value() / 4;
  for (auto& v : sums.samples) v = samples;
  for (auto& v : sums.depth_hits) v = static_cast<std::uint32_t>(random() % (samples + 1));
  return sums;
}

}  // namespace framebus::render
