// Patterns: see picture.h. Everything tiles, so that a floor needs one square metre of texture.
#include "examples/gallery/picture.h"

#include <algorithm>
#include <cmath>

#include "examples/gallery/noise.h"
#include "examples/gallery/shape.h"

namespace framebus::gallery {

namespace {

std::uint8_t byte_of(double value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0.0, 1.0) * 255.0 + 0.5);
}

Color mix(const Color& a, const Color& b, double t) {
  t = std::clamp(t, 0.0, 1.0);
  Color out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = a[i] + (b[i] - a[i]) * t;
  return out;
}

double smooth_step(double low, double high, double x) {
  const double t = std::clamp((x - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

double wrap(double x) {
  return x - std::floor(x);
}

// A plank of the floor: which one, and where on it (0..1 along and across).
struct Plank {
  std::uint32_t id;
  double along, across, edge;  // edge: distance to the nearest joint, in plank widths
};

// Boards of 1 x 1/8 laid in columns with staggered joints.
Plank plank_at(double u, double v) {
  constexpr double columns = 8;
  const double column = std::floor(wrap(u) * columns);
  const auto c = static_cast<std::uint32_t>(column);
  const double shifted = wrap(v) * 2 + std::floor(random_unit(c, 11, 5) * 16) / 16.0;
  const auto row = static_cast<std::uint32_t>(shifted) % 2;
  Plank p;
  p.id = c * 2 + row;
  p.across = wrap(u) * columns - column;
  p.along = wrap(shifted);
  const double along_edge = std::min(p.along, 1 - p.along) * columns / 2;
  p.edge = std::min(std::min(p.across, 1 - p.across), along_edge);
  return p;
}

double grain(double u, double v, const Plank& p) {
  const double bend = fractal_noise(u, v, 4, 3, 40 + p.id);
  return fractal_noise(wrap(u + 0.03 * bend), v, 4, 2, 70 + p.id) * 0.4 +
         value_noise((u + 0.02 * bend) * 128, v * 8, 128, 90 + p.id) * 0.6;
}

}  // namespace

Picture make_picture(std::uint32_t width, std::uint32_t height,
                     const std::function<Color(double, double)>& paint) {
  Picture picture{width, height, {}};
  picture.rgba.reserve(std::size_t{width} * height * 4);
  for (std::uint32_t y = 0; y < height; ++y)
    for (std::uint32_t x = 0; x < width; ++x)
      for (double value : paint((x + 0.5) / width, (y + 0.5) / height))
        picture.rgba.push_back(byte_of(value));
  return picture;
}

Picture make_normal_map(std::uint32_t side, const std::function<double(double, double)>& height,
                        double strength) {
  std::vector<double> heights(std::size_t{side} * side);
  for (std::uint32_t y = 0; y < side; ++y)
    for (std::uint32_t x = 0; x < side; ++x)
      heights[std::size_t{y} * side + x] = height((x + 0.5) / side, (y + 0.5) / side);
  const auto at = [&](std::uint32_t x, std::uint32_t y) {
    return heights[std::size_t{y % side} * side + x % side];
  };
  Picture picture{side, side, {}};
  for (std::uint32_t y = 0; y < side; ++y)
    for (std::uint32_t x = 0; x < side; ++x) {
      const double dx = (at(x + 1, y) - at(x + side - 1, y)) * strength;
      const double dy = (at(x, y + 1) - at(x, y + side - 1)) * strength;
      const double l = std::sqrt(dx * dx + dy * dy + 1);
      for (double c : {0.5 - 0.5 * dx / l, 0.5 + 0.5 * dy / l, 0.5 + 0.5 / l, 1.0})
        picture.rgba.push_back(byte_of(c));
    }
  return picture;
}

Color floor_color(double u, double v) {
  const Plank p = plank_at(u, v);
  const double tone = random_unit(p.id, 3, 9);
  const Color light{0.66, 0.48, 0.32, 1}, dark{0.47, 0.31, 0.19, 1}, joint{0.16, 0.10, 0.06, 1};
  const Color wood =
      mix(mix(dark, light, tone), dark, 0.55 * smooth_step(0.35, 0.75, grain(u, v, p)));
  return mix(joint, wood, smooth_step(0.0, 0.03, p.edge));
}

double floor_height(double u, double v) {
  const Plank p = plank_at(u, v);
  return smooth_step(0.0, 0.045, p.edge) - 0.12 * grain(u, v, p) + 0.15 * random_unit(p.id, 8, 2);
}

double floor_roughness(double u, double v) {
  const Plank p = plank_at(u, v);
  return 0.2 + 0.14 * grain(u, v, p) + 0.1 * fractal_noise(u, v, 3, 3, 5) +
         (p.edge < 0.03 ? 0.3 : 0.0);
}

double plaster_height(double u, double v) {
  return fractal_noise(u, v, 8, 5, 300);
}

double brushed_roughness(double u, double v) {
  return 0.16 + 0.16 * value_noise(u * 8, v * 256, 256, 17) * fractal_noise(u, v, 4, 3, 21);
}

Color celadon(double u, double v) {
  const double crackle = fractal_noise(u, v, 10, 4, 555);
  return mix({0.80, 0.85, 0.80, 1}, {0.60, 0.72, 0.66, 1}, smooth_step(0.35, 0.7, crackle));
}

Color painting(std::uint32_t which, double u, double v) {
  const double n = fractal_noise(u, v, 5, 6, 700 + which);
  const double stroke = 0.12 * (value_noise(u * 96, v * 24, 96, 5 + which) - 0.5);
  if (which == 0) {  // a sunset over three hills
    Color color =
        mix({0.98, 0.72, 0.35, 1}, {0.25, 0.28, 0.50, 1}, 1.25 - 1.9 * v + 0.5 * (n - 0.5));
    const double dx = u - 0.64, dy = (v - 0.46) * 1.3;
    color = mix({1.0, 0.93, 0.72, 1}, color, smooth_step(0.006, 0.012, dx * dx + dy * dy));
    const Color hills[3] = {{0.55, 0.30, 0.34, 1}, {0.33, 0.18, 0.27, 1}, {0.12, 0.08, 0.15, 1}};
    for (int i = 0; i < 3; ++i) {
      const double ridge =
          0.52 + 0.14 * i +
          0.1 * (fractal_noise(u, 0.1 * i, 3, 4, 60u + static_cast<std::uint32_t>(i)) - 0.5) * 2;
      color = mix(color, hills[i], smooth_step(ridge, ridge + 0.01, v));
    }
    for (double* c : {&color[0], &color[1], &color[2]}) *c += stroke * 0.5;
    return color;
  }
  if (which == 1) {  // fields of colour
    const double edge = 0.02 * (n - 0.5);
    Color color =
        mix({0.60, 0.12, 0.10, 1}, {0.86, 0.36, 0.14, 1}, smooth_step(0.47, 0.53, v + edge));
    const bool inside =
        u > 0.1 + edge && u < 0.9 + edge &&
        ((v > 0.09 + edge && v < 0.44 + edge) || (v > 0.55 + edge && v < 0.92 + edge));
    if (inside) color = v < 0.5 ? Color{0.93, 0.62, 0.20, 1} : Color{0.42, 0.07, 0.12, 1};
    for (double* c : {&color[0], &color[1], &color[2]}) *c += 0.16 * (n - 0.5) + stroke;
    return color;
  }
  // Waves in blue and gold.
  const double wave = sine(3 * v + 0.8 * n + 0.25 * sine(2 * u)) * 0.5 + 0.5;
  Color color = mix({0.06, 0.16, 0.30, 1}, {0.45, 0.70, 0.74, 1}, wave);
  color =
      mix(color, {0.92, 0.74, 0.36, 1}, smooth_step(0.86, 0.95, sine(6 * v + 1.7 * n) * 0.5 + 0.5));
  for (double* c : {&color[0], &color[1], &color[2]}) *c += stroke;
  return color;
}

Color leaf(double u, double v) {
  const double t = 1 - v,
               half = 0.46 * std::sqrt(std::max(0.0, t * (1.02 - t) * 4)) * (1.0 - 0.35 * t);
  const double across = std::fabs(u - 0.5);
  const double rib = smooth_step(0.0, 0.025, across);
  const double veins = 0.5 + 0.5 * sine(t * 9 + across * 3.2);
  Color color = mix({0.16, 0.33, 0.12, 1}, {0.30, 0.50, 0.18, 1},
                    0.5 * veins + 0.5 * fractal_noise(u, v, 6, 4, 31));
  color = mix({0.55, 0.66, 0.32, 1}, color, rib);
  color[3] = across < half ? 1.0 : 0.0;
  return color;
}

Color window_sky(double u, double v) {
  const double cloud = smooth_step(0.5, 0.8, fractal_noise(u, v * 2.2, 3, 6, 901));
  Color color = mix({0.42, 0.60, 0.90, 1}, {0.88, 0.90, 0.95, 1}, smooth_step(0.1, 0.75, v));
  color = mix(color, {1.0, 0.97, 0.94, 1}, 0.75 * cloud);
  const double hills = 0.78 + 0.06 * (fractal_noise(u, 0.3, 3, 4, 44) - 0.5) * 2;
  color = mix(color, {0.35, 0.45, 0.48, 1}, smooth_step(hills, hills + 0.01, v));
  return mix(color, {0.22, 0.30, 0.22, 1}, smooth_step(hills + 0.08, hills + 0.1, v));
}

}  // namespace framebus::gallery
