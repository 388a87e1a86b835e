// Procedural pictures for the gallery: floor, plaster, metal, paintings, leaf, window, and the sky
// outside.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "libmsg/base/result.h"

namespace framebus::gallery {

using Color = std::array<double, 4>;  // 0..1, as stored in the file

struct Picture {
  std::uint32_t width = 0, height = 0;
  std::vector<std::uint8_t> rgba;
};

// paint(u, v) at texel centres, v down.
Picture make_picture(std::uint32_t width, std::uint32_t height,
                     const std::function<Color(double, double)>& paint);
// A tangent-space normal map of a height function (metres of the texture's unit square), tiling.
Picture make_normal_map(std::uint32_t side, const std::function<double(double, double)>& height,
                        double strength);

// Herringbone oak: colour, height and roughness over the unit square, tiling.
Color floor_color(double u, double v);
double floor_height(double u, double v);
double floor_roughness(double u, double v);
double plaster_height(double u, double v);
double brushed_roughness(double u, double v);
Color painting(std::uint32_t which, double u, double v);  // 0..2
Color leaf(double u, double v);                           // alpha: the leaf's outline
Color window_sky(double u, double v);
Color celadon(double u, double v);

Status write_png(const std::filesystem::path& path, const Picture& picture);

}  // namespace framebus::gallery
