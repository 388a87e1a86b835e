// The glTF side: quads and cubes with world-space vertices, one node for each primitive.
#include <cmath>
#include <vector>

#include "examples/cornell/cornell_scene.h"
#include "libmsg/base/json_text.h"
#include "worker/executors/render/scene/exact_math.h"

namespace framebus::cornell {

namespace {

using render::Vec3;

// Corners counter-clockwise seen from outside; the quad lies in y = 0 and faces +y.
std::vector<Vec3> corners_of(bool is_cube) {
  constexpr double h = 0.5;
  if (!is_cube) return {{-h, 0, h}, {h, 0, h}, {h, 0, -h}, {-h, 0, -h}};
  return {{-h, -h, h}, {h, -h, h},  {h, h, h},    {-h, h, h},  {h, -h, -h}, {-h, -h, -h},
          {-h, h, -h}, {h, h, -h},  {-h, -h, -h}, {-h, -h, h}, {-h, h, h},  {-h, h, -h},
          {h, -h, h},  {h, -h, -h}, {h, h, -h},   {h, h, h},   {-h, h, h},  {h, h, h},
          {h, h, -h},  {-h, h, -h}, {-h, -h, -h}, {h, -h, -h}, {h, -h, h},  {-h, -h, h}};
}

std::string base64(const std::string& bytes) {
  static const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j)
      out.push_back(i + j > bytes.size() ? '=' : digits[bits >> (18 - 6 * j) & 63]);
  }
  return out;
}

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string triple(const std::array<double, 3>& v) {
  return json_number(v[0]) + ", " + json_number(v[1]) + ", " + json_number(v[2]);
}

struct Parts {
  std::string bytes, nodes, meshes, materials, accessors, views;
  std::size_t view_count = 0;

  void add_view(std::size_t offset, std::size_t length, std::size_t count,
                const char* type_and_component) {
    const char* comma = view_count == 0 ? "" : ", ";
    views.append(comma).append("{\"buffer\": 0, \"byteOffset\": " + std::to_string(offset) +
                               ", \"byteLength\": " + std::to_string(length) + "}");
    accessors.append(comma).append("{\"bufferView\": " + std::to_string(view_count) +
                                   ", \"count\": " + std::to_string(count) + ", " +
                                   type_and_component + "}");
    ++view_count;
  }
};

void add_primitive(Parts& parts, const Primitive& primitive, std::size_t index) {
  const std::vector<Vec3> corners = corners_of(primitive.is_cube);
  const bool flips = primitive.to_world.determinant() < 0;
  const std::size_t vertices_at = parts.bytes.size();
  for (Vec3 corner : corners) {
    const render::Float3 p = render::to_float(primitive.to_world.point(corner));
    for (float v : {p.x, p.y, p.z}) append(parts.bytes, v);
  }
  const std::size_t indices_at = parts.bytes.size();
  for (std::uint32_t face = 0; face < corners.size(); face += 4)
    for (std::uint32_t i : {0u, 1u, 2u, 0u, 2u, 3u})
      append(parts.bytes, face + (flips ? 3 - i : i));
  parts.add_view(vertices_at, indices_at - vertices_at, corners.size(),
                 "\"componentType\": 5126, \"type\": \"VEC3\"");
  parts.add_view(indices_at, parts.bytes.size() - indices_at, corners.size() / 4 * 6,
                 "\"componentType\": 5125, \"type\": \"SCALAR\"");
  const char* comma = index == 0 ? "" : ",\n    ";
  const std::string number = std::to_string(index);
  parts.nodes.append(comma).append("{\"name\": " + json_quote(primitive.name) +
                                   ", \"mesh\": " + number + "}");
  parts.meshes.append(comma).append(
      "{\"primitives\": [{\"attributes\": {\"POSITION\": " + std::to_string(2 * index) +
      "}, \"indices\": " + std::to_string(2 * index + 1) + ", \"material\": " + number + "}]}");
  const double strength =
      std::fmax(primitive.emission[0], std::fmax(primitive.emission[1], primitive.emission[2]));
  std::string glow;
  if (strength > 0) {
    std::array<double, 3> factor{};
    for (std::size_t i = 0; i < 3; ++i) factor[i] = primitive.emission[i] / strength;
    glow = ", \"emissiveFactor\": [" + triple(factor) +
           "], \"extensions\": {\"KHR_materials_emissive_strength\": {\"emissiveStrength\": " +
           json_number(strength) + "}}";
  }
  // ior 1: no specular reflection beside the diffuse one, as Lambert asks.
  const std::string lambert = ", \"extensions\": {\"KHR_materials_ior\": {\"ior\": 1}}";
  parts.materials.append(comma).append("{\"name\": " + json_quote(primitive.name) +
                                       ", \"doubleSided\": " + (strength > 0 ? "false" : "true") +
                                       ", \"pbrMetallicRoughness\": {\"baseColorFactor\": [" +
                                       triple(primitive.albedo) +
                                       ", 1], \"metallicFactor\": 0, \"roughnessFactor\": 1}" +
                                       (strength > 0 ? glow : lambert) + "}");
}

double vertical_fov(const CornellScene& scene) {
  const double half = render::exact_tan(scene.horizontal_fov / 2) * scene.height / scene.width;
  // The angle whose tangent is `half`, from its cosine.
  return 2 * render::exact_acos(1.0 / std::sqrt(1.0 + half * half));
}

}  // namespace

std::string gltf_of(const CornellScene& scene) {
  Parts parts;
  std::string roots;
  for (std::size_t i = 0; i < scene.primitives.size(); ++i) {
    add_primitive(parts, scene.primitives[i], i);
    roots.append(i == 0 ? "" : ", ").append(std::to_string(i));
  }
  return "{\n  \"asset\": {\"version\": \"2.0\", \"generator\": \"framebus cornell_to_gltf\"},\n"
         "  \"extensionsUsed\": [\"KHR_materials_emissive_strength\", \"KHR_materials_ior\"],\n"
         "  \"scenes\": [{\"nodes\": [" +
         roots + "]}],\n  \"nodes\": [" + parts.nodes + "],\n  \"meshes\": [" + parts.meshes +
         "],\n  \"materials\": [" + parts.materials + "],\n  \"accessors\": [" + parts.accessors +
         "],\n  \"bufferViews\": [" + parts.views +
         "],\n  \"buffers\": [{\"byteLength\": " + std::to_string(parts.bytes.size()) +
         ", \"uri\": \"data:application/octet-stream;base64," + base64(parts.bytes) + "\"}]\n}\n";
}

std::string job_of(const CornellScene& scene, std::uint32_t spp) {
  return "{\n  \"name\": \"cornell box\",\n  \"type\": \"render\",\n  \"scene\": "
         "\"cornell.gltf\",\n"
         "  \"film\": {\"width\": " +
         std::to_string(scene.width) + ", \"height\": " + std::to_string(scene.height) +
         "},\n  \"camera\": {\"override\": {\"yfov\": " + json_number(vertical_fov(scene)) +
         "},\n             \"keys\": [{\"frame\": 1, \"pos\": [" + triple(scene.camera_position) +
         "], \"look_at\": [" + triple(scene.camera_look_at) +
         "]}]},\n  \"sampling\": {\"spp\": " + std::to_string(spp) +
         ", \"max_depth\": 32},\n  \"outputs\": [{\"file\": \"cornell.png\"}]\n}\n";
}

}  // namespace framebus::cornell
