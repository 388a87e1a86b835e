// Repeatable noise from integer hashes, for the gallery's textures and shapes.
#pragma once

#include <cstdint>

namespace framebus::gallery {

// Uniform in [0, 1) from three integers.
double random_unit(std::uint32_t a, std::uint32_t b, std::uint32_t c);
// Smooth value noise in 0..1 on a lattice that repeats after `period` cells.
double value_noise(double x, double y, std::uint32_t period, std::uint32_t seed);
// Octaves of value noise, in 0..1; tiles over the unit square.
double fractal_noise(double x, double y, std::uint32_t first_period, int octaves,
                     std::uint32_t seed);

}  // namespace framebus::gallery
