// The view, the statistics and the hash of a compiled scene.
#include "worker/executors/render/scene/compiled_scene.h"

#include <algorithm>
#include <bit>
#include <type_traits>
#include <utility>

#include "worker/executors/render/film/digest.h"

namespace framebus::render {

namespace {

static_assert(std::endian::native == std::endian::little,
              "arrays are hashed as they lie in memory");

// Arrays of 4-byte (and 8-byte aligned) fields without padding, so that their bytes are their
// values.
template <class T>
void add_array(Digest& digest, const std::vector<T>& array) {
  static_assert(std::is_trivially_copyable_v<T>);
  digest.add_u64(array.size());
  digest.add(
      BytesView(reinterpret_cast<const std::uint8_t*>(array.data()), array.size() * sizeof(T)));
}

void add_double(Digest& digest, double value) {
  digest.add_u64(std::bit_cast<std::uint64_t>(value));
}

void add_vec3(Digest& digest, Vec3 v) {
  add_double(digest, v.x);
  add_double(digest, v.y);
  add_double(digest, v.z);
}

void add_transform(Digest& digest, const Transform& transform) {
  for (const auto& row : transform.m)
    for (double value : row) add_double(digest, value);
}

void add_node(Digest& digest, const NodeModel& node) {
  digest.add(std::string_view(node.name));
  digest.add_u32(node.parent);
  add_vec3(digest, node.translation);
  add_vec3(digest, node.scale);
  add_vec3(digest, {node.rotation.x, node.rotation.y, node.rotation.z});
  add_double(digest, node.rotation.w);
  digest.add_u32(node.matrix ? 1 : 0);
  if (node.matrix) add_transform(digest, *node.matrix);
  digest.add_u32(node.mesh);
  digest.add_u32(node.camera);
  digest.add_u32(node.light);
  digest.add_u64(node.copies.size());
  for (const Transform& copy : node.copies) add_transform(digest, copy);
}

}  // namespace

static_assert(sizeof(Mesh) == 24 && sizeof(Triangle) == 12 && sizeof(Texture) == 32 &&
                  sizeof(Material) == 188,
              "no padding may take part in the scene's hash");

void Bounds::add(Vec3 p) {
  low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
  high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
}

void Bounds::add(const Bounds& box, const Transform& to) {
  if (box.is_empty()) return;
  for (int corner = 0; corner < 8; ++corner)
    add(to.point({(corner & 1) != 0 ? box.high.x : box.low.x,
                  (corner & 2) != 0 ? box.high.y : box.low.y,
                  (corner & 4) != 0 ? box.high.z : box.low.z}));
}

void CompiledScene::warn(std::string text) {
  auto& warnings = statistics_.warnings;
  // A file with a million odd things gets a hundred sentences.
  if (warnings.size() >= 100) return;
  if (std::find(warnings.begin(), warnings.end(), text) == warnings.end())
    warnings.push_back(std::move(text));
}

void CompiledScene::finish() {
  view_.meshes = arrays.meshes.data();
  view_.mesh_count = static_cast<std::uint32_t>(arrays.meshes.size());
  view_.triangles = arrays.triangles.data();
  view_.triangle_count = static_cast<std::uint32_t>(arrays.triangles.size());
  view_.positions = arrays.positions.data();
  view_.vertex_count = static_cast<std::uint32_t>(arrays.positions.size());
  view_.normals = arrays.normals.data();
  view_.tangents = arrays.tangents.data();
  view_.uv0 = arrays.uv0.data();
  view_.uv1 = arrays.uv1.data();
  view_.colors = arrays.colors.data();
  view_.materials = arrays.materials.data();
  view_.material_count = static_cast<std::uint32_t>(arrays.materials.size());
  view_.textures = arrays.textures.data();
  view_.texture_count = static_cast<std::uint32_t>(arrays.textures.size());
  view_.texels = arrays.texels.data();
  view_.texel_bytes = arrays.texels.size();
  statistics_.meshes = arrays.meshes.size();
  statistics_.triangles = arrays.triangles.size();
  statistics_.textures = arrays.textures.size();
  statistics_.texel_bytes = arrays.texels.size();
  hash_ = compute_hash();
}

BlobHash CompiledScene::compute_hash() const {
  Digest digest;
  digest.add(std::string_view("framebus scene 1"));
  add_array(digest, arrays.meshes);
  add_array(digest, arrays.triangles);
  add_array(digest, arrays.positions);
  add_array(digest, arrays.normals);
  add_array(digest, arrays.tangents);
  add_array(digest, arrays.uv0);
  add_array(digest, arrays.uv1);
  add_array(digest, arrays.colors);
  add_array(digest, arrays.materials);
  add_array(digest, arrays.textures);
  add_array(digest, arrays.texels);
  digest.add_u64(nodes.size());
  for (const NodeModel& node : nodes) add_node(digest, node);
  add_array(digest, node_order);
  digest.add_u64(channels.size());
  for (const AnimationChannel& channel : channels) {
    digest.add_u32(channel.node);
    digest.add_u32(static_cast<std::uint32_t>(channel.path));
    digest.add_u32(static_cast<std::uint32_t>(channel.interpolation));
    add_array(digest, channel.times);
    add_array(digest, channel.values);
  }
  digest.add_u64(cameras.size());
  for (const CameraModel& camera : cameras) {
    digest.add(std::string_view(camera.name));
    digest.add_u32(camera.is_orthographic ? 1 : 0);
    add_double(digest, camera.yfov);
    add_double(digest, camera.ymag);
  }
  digest.add_u64(lights.size());
  for (const LightModel& light : lights) {
    digest.add_u32(static_cast<std::uint32_t>(light.kind));
    add_vec3(digest, light.intensity);
    add_vec3(digest, {light.inner_cone, light.outer_cone, light.range});
  }
  digest.add_u32(environment.width);
  digest.add_u32(environment.height);
  add_array(digest, environment.pixels);
  add_array(digest, environment.marginal);
  add_array(digest, environment.conditional);
  return digest.finish();
}

}  // namespace framebus::render
