// Bounds of scene files, each far above what people render and far below what a machine can not
// hold. Refusals name the bound and what was found.
#pragma once

#include <cstddef>
#include <cstdint>

namespace framebus::render::scene_limits {

inline constexpr std::size_t json_bytes_max = std::size_t{256}
                                              << 20;  // base64 buffers may lie inside
inline constexpr std::size_t json_depth_max = 64;
inline constexpr std::uint64_t file_bytes_max = std::uint64_t{8} << 30;
inline constexpr std::uint64_t vertices_max = std::uint64_t{1} << 25;   // 72 bytes each
inline constexpr std::uint64_t triangles_max = std::uint64_t{1} << 26;  // 12 bytes each
inline constexpr std::uint64_t instances_max = std::uint64_t{1} << 22;
inline constexpr std::uint64_t lights_max = std::uint64_t{1}
                                            << 24;  // emissive triangles over all instances
inline constexpr std::uint64_t implied_elements_max = 1'000'000;  // of an accessor without bytes
inline constexpr std::uint32_t nodes_max = 4'000'000;
inline constexpr std::uint32_t image_side_max = 16384;  // pixels
inline constexpr std::uint64_t image_pixels_max = std::uint64_t{1} << 26;
inline constexpr std::uint64_t texel_bytes_max = std::uint64_t{4} << 30;
inline constexpr std::uint64_t environment_pixels_max = std::uint64_t{1} << 25;
inline constexpr std::size_t animation_values_max = 50'000'000;

}  // namespace framebus::render::scene_limits
