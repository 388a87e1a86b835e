// The composition. x to the right, y up, z towards the visitor, who stands at z = 5. Warm panels
// and picture lights against the cool window on the left; every light is an area the tracer can aim
// at.
#include "examples/gallery/gallery_scene.h"

#include <string>

namespace framebus::gallery {

namespace {

constexpr double room_left = -3.6, room_right = 3.6, room_back = -3.4, room_front = 6.0,
                 room_top = 3.3;

std::string color_of(double r, double g, double b) {
  return std::to_string(r) + ", " + std::to_string(g) + ", " + std::to_string(b);
}

class Gallery {
 public:
  explicit Gallery(GltfWriter& gltf) : gltf_(gltf) {}

  void build() {
    make_materials();
    add_room();
    add_window();
    add_lights();
    add_paintings();
    add_sculptures();
    add_vases();
    add_furniture();
    gltf_.add_camera("visitor", {0.55, 1.5, 4.9}, {-0.12, 1.18, 0.0}, 0.66);
  }

 private:
  std::uint32_t plain(const std::string& name, double r, double g, double b, double rough,
                      double metal = 0) {
    return gltf_.add_material(name, "\"pbrMetallicRoughness\": {\"baseColorFactor\": [" +
                                        color_of(r, g, b) +
                                        ", 1], \"metallicFactor\": " + std::to_string(metal) +
                                        ", \"roughnessFactor\": " + std::to_string(rough) + "}");
  }
  std::uint32_t textured(const std::string& name, const std::string& file, double rough) {
    return gltf_.add_material(
        name, "\"pbrMetallicRoughness\": {\"baseColorTexture\": {\"index\": " +
                  std::to_string(gltf_.add_texture(file)) +
                  "}, \"metallicFactor\": 0, \"roughnessFactor\": " + std::to_string(rough) + "}");
  }
  std::uint32_t glowing(const std::string& name, double r, double g, double b, double strength) {
    return gltf_.add_material(name,
                              "\"pbrMetallicRoughness\": {\"baseColorFactor\": [0, 0, 0, 1], "
                              "\"metallicFactor\": 0}, \"emissiveFactor\": [" +
                                  color_of(r, g, b) +
                                  "], \"extensions\": {\"KHR_materials_emissive_strength\": "
                                  "{\"emissiveStrength\": " +
                                  std::to_string(strength) + "}}");
  }
  std::uint32_t plastered(const std::string& name, double r, double g, double b) {
    return gltf_.add_material(
        name, "\"pbrMetallicRoughness\": {\"baseColorFactor\": [" + color_of(r, g, b) +
                  ", 1], \"metallicFactor\": 0, \"roughnessFactor\": 0.85}, \"normalTexture\": "
                  "{\"index\": " +
                  std::to_string(plaster_) + ", \"scale\": 0.6}");
  }

  void make_materials() {
    plaster_ = gltf_.add_texture("plaster_normal.png");
    wall_ = plastered("wall", 0.80, 0.77, 0.72);
    accent_ = plastered("accent wall", 0.055, 0.115, 0.135);
    ceiling_ = plain("ceiling", 0.82, 0.81, 0.79, 0.9);
    trim_ = plain("trim", 0.86, 0.85, 0.82, 0.35);
    plinth_ = plain("plinth", 0.84, 0.83, 0.80, 0.45);
    black_ = plain("black lacquer", 0.012, 0.012, 0.014, 0.22);
    gilt_ = plain("gilt", 0.95, 0.70, 0.33, 0.32, 1);
    walnut_ = plain("walnut", 0.16, 0.085, 0.045, 0.32);
    clay_ = plain("terracotta", 0.58, 0.23, 0.12, 0.55);
    cobalt_ = plain("cobalt glaze", 0.02, 0.07, 0.32, 0.09);
    ivory_ = plain("porcelain", 0.88, 0.86, 0.80, 0.12);
    celadon_ = textured("celadon glaze", "celadon.png", 0.14);
    soil_ = plain("soil", 0.05, 0.035, 0.025, 0.95);
    copper_ = plain("copper", 0.93, 0.52, 0.38, 0.16, 1);
    const auto floor_color = gltf_.add_texture("floor_color.png"),
               floor_normal = gltf_.add_texture("floor_normal.png");
    const auto floor_rough = gltf_.add_texture("floor_rough.png");
    floor_ = gltf_.add_material(
        "oak floor",
        "\"pbrMetallicRoughness\": {\"baseColorTexture\": {\"index\": " +
            std::to_string(floor_color) +
            "}, \"metallicRoughnessTexture\": {\"index\": " + std::to_string(floor_rough) +
            "}, \"metallicFactor\": 0}, \"normalTexture\": "
            "{\"index\": " +
            std::to_string(floor_normal) + ", \"scale\": 0.5}");
    bronze_ =
        gltf_.add_material("brushed bronze",
                           "\"pbrMetallicRoughness\": {\"baseColorFactor\": [0.90, 0.58, 0.30, 1], "
                           "\"metallicRoughnessTexture\": {\"index\": " +
                               std::to_string(gltf_.add_texture("bronze_rough.png")) + "}}");
    leaf_ = gltf_.add_material(
        "leaf", "\"pbrMetallicRoughness\": {\"baseColorTexture\": {\"index\": " +
                    std::to_string(gltf_.add_texture("leaf.png")) +
                    "}, \"metallicFactor\": 0, \"roughnessFactor\": 0.4}, \"alphaMode\": \"MASK\", "
                    "\"alphaCutoff\": 0.5, \"doubleSided\": true");
    sky_ = gltf_.add_material(
        "sky pane",
        "\"pbrMetallicRoughness\": {\"baseColorFactor\": [0, 0, 0, 1], "
        "\"metallicFactor\": 0}, \"emissiveFactor\": [1, 1, 1], \"emissiveTexture\": "
        "{\"index\": " +
            std::to_string(gltf_.add_texture("window.png")) +
            "}, \"extensions\": {\"KHR_materials_emissive_strength\": {\"emissiveStrength\": "
            "5.6}}");
    panel_ = glowing("ceiling panel", 1.0, 0.83, 0.64, 18);
    fill_ = glowing("fill light", 0.80, 0.88, 1.0, 2.2);
    strip_ = glowing("picture light", 1.0, 0.74, 0.46, 20);
  }

  void show(const std::string& name, const Shape& shape, std::uint32_t material,
            const Placement& at = {}) {
    gltf_.add_node(name, gltf_.add_shape(shape), material, at);
  }

  void add_room() {
    Shape floor;
    floor.add_quad({room_left, 0, room_front}, {room_right, 0, room_front},
                   {room_right, 0, room_back}, {room_left, 0, room_back}, 6, 7.8);
    show("floor", floor, floor_);
    Shape back;
    back.add_quad({room_left, 0, room_back}, {room_right, 0, room_back},
                  {room_right, room_top, room_back}, {room_left, room_top, room_back}, 7, 3.2);
    show("back wall", back, accent_);
    Shape right;
    right.add_quad({room_right, 0, room_back}, {room_right, 0, room_front},
                   {room_right, room_top, room_front}, {room_right, room_top, room_back}, 9, 3.2);
    show("right wall", right, wall_);
    Shape front;
    front.add_quad({room_right, 0, room_front}, {room_left, 0, room_front},
                   {room_left, room_top, room_front}, {room_right, room_top, room_front}, 7, 3.2);
    show("front wall", front, wall_);
    Shape top;
    top.add_quad({room_left, room_top, room_back}, {room_right, room_top, room_back},
                 {room_right, room_top, room_front}, {room_left, room_top, room_front});
    show("ceiling", top, ceiling_);
    show("back skirting",
         make_box({room_left, 0, room_back}, {room_right, 0.14, room_back + 0.025}), trim_);
    show("right skirting",
         make_box({room_right - 0.025, 0, room_back}, {room_right, 0.14, room_front}), trim_);
    show("left skirting",
         make_box({room_left, 0, room_back}, {room_left + 0.025, 0.14, room_front}), trim_);
    show(
        "cornice",
        make_box({room_left, room_top - 0.09, room_back}, {room_right, room_top, room_back + 0.07}),
        trim_);
  }

  // The left wall around a tall window with twelve panes; the sky behind it is a soft, cool light.
  void add_window() {
    constexpr double z0 = -1.9, z1 = 0.9, y0 = 0.55, y1 = 2.75, deep = -3.85;
    Shape wall;
    const auto piece = [&](double za, double zb, double ya, double yb) {
      wall.add_quad({room_left, ya, zb}, {room_left, ya, za}, {room_left, yb, za},
                    {room_left, yb, zb}, zb - za, yb - ya);
    };
    piece(room_back, z0, 0, room_top);
    piece(z1, room_front, 0, room_top);
    piece(z0, z1, 0, y0);
    piece(z0, z1, y1, room_top);
    show("left wall", wall, wall_);
    Shape reveal;
    reveal.add(make_box({deep, y0 - 0.05, z0 - 0.05}, {room_left + 0.06, y0, z1 + 0.05}));
    reveal.add(make_box({deep, y1, z0 - 0.05}, {room_left, y1 + 0.05, z1 + 0.05}));
    reveal.add(make_box({deep, y0, z0 - 0.05}, {room_left, y1, z0}));
    reveal.add(make_box({deep, y0, z1}, {room_left, y1, z1 + 0.05}));
    for (int i = 1; i < 4; ++i) {
      const double z = z0 + (z1 - z0) * i / 4;
      reveal.add(make_box({-3.76, y0, z - 0.025}, {-3.71, y1, z + 0.025}));
    }
    for (int i = 1; i < 3; ++i) {
      const double y = y0 + (y1 - y0) * i / 3;
      reveal.add(make_box({-3.76, y - 0.025, z0}, {-3.71, y + 0.025, z1}));
    }
    show("window frame", reveal, trim_);
    Shape pane;
    pane.add_quad({-3.82, y0, z1}, {-3.82, y0, z0}, {-3.82, y1, z0}, {-3.82, y1, z1});
    show("window sky", pane, sky_);
  }

  void add_lights() {
    const auto panel = [&](const std::string& name, double x, double z, double half_x,
                           double half_z) {
      Shape frame = make_box({x - half_x - 0.04, room_top - 0.07, z - half_z - 0.04},
                             {x + half_x + 0.04, room_top - 0.02, z + half_z + 0.04});
      show(name + " housing", frame, black_);
      Shape light;
      light.add_quad(
          {x - half_x, room_top - 0.075, z - half_z}, {x + half_x, room_top - 0.075, z - half_z},
          {x + half_x, room_top - 0.075, z + half_z}, {x - half_x, room_top - 0.075, z + half_z});
      show(name, light, panel_);
    };
    panel("panel over the knot", 0.95, 0.35, 0.75, 0.35);
    panel("panel over the vases", -1.75, -1.15, 0.8, 0.25);
    // Behind the visitor: what the polished things reflect, and light in the shadows.
    Shape fill;
    fill.add_quad({1.6, 1.2, room_front - 0.02}, {-2.2, 1.2, room_front - 0.02},
                  {-2.2, 3.0, room_front - 0.02}, {1.6, 3.0, room_front - 0.02});
    show("fill light", fill, fill_);
  }

  // A framed picture under a strip of light; made flat on a wall at z = 0, then turned to its wall.
  void hang(int which, double w, double h, Placement at) {
    const std::string name = "painting " + std::to_string(which);
    constexpr double f = 0.055;
    Shape frame;
    frame.add(make_box({-w / 2 - f, -h / 2 - f, 0}, {w / 2 + f, -h / 2, 0.06}));
    frame.add(make_box({-w / 2 - f, h / 2, 0}, {w / 2 + f, h / 2 + f, 0.06}));
    frame.add(make_box({-w / 2 - f, -h / 2, 0}, {-w / 2, h / 2, 0.06}));
    frame.add(make_box({w / 2, -h / 2, 0}, {w / 2 + f, h / 2, 0.06}));
    show(name + " frame", frame, gilt_, at);
    Shape canvas;
    canvas.add_quad({-w / 2, -h / 2, 0.03}, {w / 2, -h / 2, 0.03}, {w / 2, h / 2, 0.03},
                    {-w / 2, h / 2, 0.03});
    show(name, canvas, textured(name, "painting_" + std::to_string(which) + ".png", 0.5), at);
    const double y = h / 2 + 0.2, z = 0.26, half = w * 0.36;
    Shape lamp = make_box({-half - 0.02, y, z - 0.035}, {half + 0.02, y + 0.035, z + 0.035});
    lamp.add(make_box({-0.012, y + 0.008, 0}, {0.012, y + 0.026, z}));
    show(name + " lamp", lamp, black_, at);
    Shape strip;
    strip.add_quad({-half, y - 0.002, z - 0.028}, {half, y - 0.002, z - 0.028},
                   {half, y - 0.002, z + 0.028}, {-half, y - 0.002, z + 0.028});
    show(name + " light", strip, strip_, at);
  }

  void add_paintings() {
    hang(0, 1.42, 0.98, {{-0.55, 1.68, room_back}, 0, 1});
    hang(1, 0.78, 1.04, {{-2.42, 1.68, room_back}, 0, 1});
    hang(2, 0.64, 0.64, {{2.5, 2.2, room_back}, 0, 1});
  }

  void add_plinth(const std::string& name, double x, double z, double half, double top) {
    show(name, make_box({x - half, 0.05, z - half}, {x + half, top, z + half}), plinth_);
    show(name + " foot",
         make_box({x - half + 0.03, 0, z - half + 0.03}, {x + half - 0.03, 0.05, z + half - 0.03}),
         black_);
  }

  void add_sculptures() {
    add_plinth("knot plinth", 0.95, 0.35, 0.36, 0.78);
    show("bronze knot", make_knot(640, 120, 0.56), bronze_, {{0.95, 1.37, 0.35}, 24, 1});
    add_plinth("shell plinth", 2.45, -1.75, 0.27, 0.92);
    show("porcelain shell", make_folded_sphere(340, 170, 0.34), ivory_,
         {{2.45, 1.29, -1.75}, 35, 1});
  }

  void add_vases() {
    show("long plinth", make_box({-2.75, 0.05, -1.45}, {-0.75, 0.62, -0.95}), plinth_);
    show("long plinth foot", make_box({-2.71, 0, -1.41}, {-0.79, 0.05, -0.99}), black_);
    const auto tall = gltf_.add_shape(make_lathe({{0.0, 0.0},
                                                  {0.10, 0.0},
                                                  {0.105, 0.01},
                                                  {0.13, 0.08},
                                                  {0.165, 0.22},
                                                  {0.15, 0.36},
                                                  {0.075, 0.47},
                                                  {0.05, 0.55},
                                                  {0.062, 0.61},
                                                  {0.09, 0.635},
                                                  {0.082, 0.637},
                                                  {0.055, 0.60},
                                                  {0.04, 0.54},
                                                  {0.0, 0.50}},
                                                 96, 120));
    const auto round = gltf_.add_shape(make_lathe({{0.0, 0.0},
                                                   {0.08, 0.0},
                                                   {0.085, 0.012},
                                                   {0.16, 0.09},
                                                   {0.19, 0.17},
                                                   {0.155, 0.26},
                                                   {0.085, 0.30},
                                                   {0.075, 0.325},
                                                   {0.095, 0.345},
                                                   {0.088, 0.348},
                                                   {0.06, 0.32},
                                                   {0.0, 0.27}},
                                                  96, 110));
    gltf_.add_node("cobalt vase", tall, cobalt_, {{-2.38, 0.62, -1.2}, 0, 0.98});
    gltf_.add_node("celadon vase", round, celadon_, {{-1.78, 0.62, -1.14}, 0, 1.12});
    gltf_.add_node("terracotta vase", tall, clay_, {{-1.14, 0.62, -1.22}, 0, 0.72});
    gltf_.add_node("small celadon vase", round, celadon_, {{-1.42, 0.62, -1.06}, 30, 0.42});
    pot_ = round;
    ball_ = gltf_.add_shape(make_lathe({{0.0, 0.0},
                                        {0.0383, 0.0076},
                                        {0.0707, 0.0293},
                                        {0.0924, 0.0617},
                                        {0.1, 0.1},
                                        {0.0924, 0.1383},
                                        {0.0707, 0.1707},
                                        {0.0383, 0.1924},
                                        {0.0, 0.2}},
                                       64, 64));
  }

  void add_furniture() {
    Shape bench = make_box({-0.75, 0.39, -0.2}, {0.75, 0.45, 0.2});
    for (double x : {-0.66, 0.60})
      for (double z : {-0.17, 0.11}) bench.add(make_box({x, 0, z}, {x + 0.06, 0.39, z + 0.06}));
    show("bench", bench, walnut_, {{-1.35, 0, 1.15}, 14, 1});
    gltf_.add_node("copper ball", ball_, copper_, {{-1.62, 0.45, 1.2}, 0, 0.85});
    gltf_.add_node("porcelain ball", ball_, ivory_, {{-1.38, 0.45, 1.08}, 0, 0.5});
    // The plant stands in the near corner by the window.
    gltf_.add_node("pot", pot_, clay_, {{-3.0, 0, 0.1}, 0, 1.25});
    const auto plant = gltf_.add_shape(make_foliage(46, 1.15, 7));
    gltf_.add_node("plant", plant, leaf_, {{-3.0, 0.34, 0.1}, 0, 1});
    gltf_.add_node("far pot", pot_, black_, {{3.05, 0, -2.75}, 0, 1.25});
    gltf_.add_node("far plant", plant, leaf_, {{3.05, 0.34, -2.75}, 130, 1.05});
  }

  GltfWriter& gltf_;
  std::uint32_t plaster_ = 0, wall_ = 0, accent_ = 0, ceiling_ = 0, trim_ = 0, plinth_ = 0,
                black_ = 0, gilt_ = 0;
  std::uint32_t walnut_ = 0, clay_ = 0, cobalt_ = 0, ivory_ = 0, celadon_ = 0, soil_ = 0,
                copper_ = 0, floor_ = 0;
  std::uint32_t bronze_ = 0, leaf_ = 0, sky_ = 0, fill_ = 0, panel_ = 0, strip_ = 0, pot_ = 0,
                ball_ = 0;
};

}  // namespace

void build_gallery(GltfWriter& gltf) {
  Gallery(gltf).build();
}

}  // namespace framebus::gallery
