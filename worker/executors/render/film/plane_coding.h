// Planes of sums as bytes that compress well: neighbours' differences, then bytes of equal weight
// together.
//
// Neighbouring pixels have similar sums, so the high bytes of their differences are nearly all
// zero; put side by side, zstd removes them. Exact: decode(encode(x)) == x for every x.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace framebus::render {

// `out` holds plane.size() * sizeof(element) bytes.
void encode_plane(std::span<const std::int64_t> plane, std::uint8_t* out);
void encode_plane(std::span<const std::uint32_t> plane, std::uint8_t* out);
void decode_plane(const std::uint8_t* in, std::span<std::int64_t> plane);
void decode_plane(const std::uint8_t* in, std::span<std::uint32_t> plane);

}  // namespace framebus::render
