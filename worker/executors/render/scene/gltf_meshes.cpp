// Primitives to meshes. Primitives that name the same accessors share their vertices and triangles,
// so a small file can not ask for a large scene by repeating itself.
#include <map>
#include <optional>

#include "worker/executors/render/scene/gltf_loader.h"
#include "worker/executors/render/scene/mesh_build.h"
#include "worker/executors/render/scene/scene_limits.h"

namespace framebus::render {

namespace {

constexpr std::uint64_t mode_triangles = 4, mode_strip = 5, mode_fan = 6;

// Accessors of a primitive; no_index: absent.
struct PrimitiveKey {
  std::uint32_t position = no_index, normal = no_index, tangent = no_index, uv0 = no_index,
                uv1 = no_index, color = no_index, indices = no_index;
  std::uint32_t mode = 0;
  std::uint32_t made_tangents_uv = no_index;  // uv set from which tangents are made
  auto operator<=>(const PrimitiveKey&) const = default;

  PrimitiveKey vertices_only() const {
    PrimitiveKey key = *this;
    key.indices = no_index;
    key.mode = 0;
    return key;
  }
};

class MeshReader {
 public:
  explicit MeshReader(GltfLoader& loader) : loader_(loader) {}
  // The index into arrays.meshes, or none when the primitive has no triangles to show.
  Result<std::optional<std::uint32_t>> read(const GltfValue& primitive);

 private:
  Result<PrimitiveKey> key_of(const GltfValue& primitive, std::uint32_t material);
  Result<MeshBuild> read_vertices(const GltfValue& primitive, const PrimitiveKey& key);
  Status read_triangles(const GltfValue& primitive, const PrimitiveKey& key,
                        std::size_t vertex_count, std::vector<Triangle>& out);
  Result<std::pair<Mesh, Bounds>> build(const GltfValue& primitive, const PrimitiveKey& key);
  Bounds bounds_of(const Mesh& mesh) const;
  Status append_vertices(const GltfValue& primitive, const PrimitiveKey& key, MeshBuild build,
                         Mesh& mesh);
  template <class T>
  Result<std::vector<T>> attribute(const GltfValue& primitive, std::uint32_t accessor,
                                   std::uint32_t components, std::size_t expected);

  GltfLoader& loader_;
  std::map<PrimitiveKey, Mesh> vertices_;  // first_vertex, vertex_count, flags
  // Everything but the material, with the box around it.
  std::map<PrimitiveKey, std::pair<Mesh, Bounds>> triangles_;
};

template <class T>
Result<std::vector<T>> MeshReader::attribute(const GltfValue& primitive, std::uint32_t accessor,
                                             std::uint32_t components, std::size_t expected) {
  std::vector<T> out;
  if (accessor == no_index) return out;
  FRAMEBUS_ASSIGN(const std::vector<float> values,
                  loader_.buffers.floats(accessor, {components}, scene_limits::vertices_max));
  if (expected != 0 && values.size() != expected * components)
    return primitive.error("accessor " + std::to_string(accessor) + " with " +
                               std::to_string(values.size() / components) + " elements",
                           "the " + std::to_string(expected) + " of POSITION");
  out.resize(values.size() / components);
  static_assert(sizeof(T) % sizeof(float) == 0);
  for (std::size_t i = 0; i < out.size(); ++i) {
    float* fields = reinterpret_cast<float*>(&out[i]);
    for (std::size_t c = 0; c < components; ++c) fields[c] = values[i * components + c];
  }
  return out;
}

Result<PrimitiveKey> MeshReader::key_of(const GltfValue& primitive, std::uint32_t material) {
  const std::size_t accessor_count = loader_.document.accessors.size();
  PrimitiveKey key;
  FRAMEBUS_ASSIGN(const GltfValue attributes, primitive.required("attributes", JsonKind::object));
  const std::pair<const char*, std::uint32_t*> names[] = {
      {"POSITION", &key.position}, {"NORMAL", &key.normal},  {"TANGENT", &key.tangent},
      {"TEXCOORD_0", &key.uv0},    {"TEXCOORD_1", &key.uv1}, {"COLOR_0", &key.color}};
  for (const auto& [name, to] : names) {
    FRAMEBUS_ASSIGN(const auto found, attributes.index(name, accessor_count, "accessors"));
    if (found) *to = *found;
  }
  FRAMEBUS_ASSIGN(const auto indices, primitive.index("indices", accessor_count, "accessors"));
  if (indices) key.indices = *indices;
  FRAMEBUS_ASSIGN(const std::uint64_t mode, primitive.integer("mode", mode_triangles, 6));
  key.mode = static_cast<std::uint32_t>(mode);
  // The specification: without normals, tangents of the file do not count.
  if (key.normal == no_index) key.tangent = no_index;
  const TextureSlot& normal_map = loader_.scene.arrays.materials[material].normal_texture;
  const bool has_uv = (normal_map.uv_set == 0 ? key.uv0 : key.uv1) != no_index;
  if (normal_map.texture != no_index && key.tangent == no_index && has_uv)
    key.made_tangents_uv = normal_map.uv_set;
  return key;
}

Result<MeshBuild> MeshReader::read_vertices(const GltfValue& primitive, const PrimitiveKey& key) {
  MeshBuild build;
  FRAMEBUS_ASSIGN(build.positions, attribute<Float3>(primitive, key.position, 3, 0));
  const std::size_t count = build.positions.size();
  FRAMEBUS_ASSIGN(build.normals, attribute<Float3>(primitive, key.normal, 3, count));
  FRAMEBUS_ASSIGN(build.tangents, attribute<Float4>(primitive, key.tangent, 4, count));
  FRAMEBUS_ASSIGN(build.uv0, attribute<Float2>(primitive, key.uv0, 2, count));
  FRAMEBUS_ASSIGN(build.uv1, attribute<Float2>(primitive, key.uv1, 2, count));
  if (key.color != no_index) {
    FRAMEBUS_ASSIGN(const AccessorInfo info, loader_.buffers.info(key.color));
    if (info.components == 3) {
      FRAMEBUS_ASSIGN(const auto rgb, attribute<Float3>(primitive, key.color, 3, count));
      for (const Float3& c : rgb) build.colors.push_back({c.x, c.y, c.z, 1.0f});
    } else {
      FRAMEBUS_ASSIGN(build.colors, attribute<Float4>(primitive, key.color, 4, count));
    }
  }
  return build;
}

Status MeshReader::read_triangles(const GltfValue& primitive, const PrimitiveKey& key,
                                  std::size_t vertex_count, std::vector<Triangle>& out) {
  std::vector<std::uint32_t> corners;
  if (key.indices != no_index) {
    FRAMEBUS_ASSIGN(corners, loader_.buffers.indices(key.indices, 3 * scene_limits::triangles_max));
    for (std::size_t i = 0; i < corners.size(); ++i)
      if (corners[i] >= vertex_count)
        return loader_.document.accessors[key.indices].error(
            "element " + std::to_string(i) + " is vertex " + std::to_string(corners[i]),
            "0 to " + std::to_string(vertex_count - 1) + " (the primitive at " + primitive.where() +
                ")");
  } else {
    corners.resize(vertex_count);
    for (std::size_t i = 0; i < corners.size(); ++i) corners[i] = static_cast<std::uint32_t>(i);
  }
  if (corners.size() < 3 || (key.mode == mode_triangles && corners.size() % 3 != 0))
    return primitive.error(std::to_string(corners.size()) + " corners",
                           key.mode == mode_triangles ? "a multiple of 3" : "at least 3");
  if (key.mode == mode_triangles) {
    out.reserve(corners.size() / 3);
    for (std::size_t i = 0; i + 2 < corners.size(); i += 3)
      out.push_back({corners[i], corners[i + 1], corners[i + 2]});
    return {};
  }
  out.reserve(corners.size() - 2);
  for (std::size_t i = 0; i + 2 < corners.size(); ++i) {
    if (key.mode == mode_fan)
      out.push_back({corners[i + 1], corners[i + 2], corners[0]});
    else
      out.push_back({corners[i], corners[i + 1 + i % 2], corners[i + 2 - i % 2]});
  }
  return {};
}

template <class T>
void append(std::vector<T>& all, const std::vector<T>& part, std::size_t count) {
  all.insert(all.end(), part.begin(), part.end());
  all.resize(all.size() + count - part.size(), T{});
}

Status MeshReader::append_vertices(const GltfValue& primitive, const PrimitiveKey& key,
                                   MeshBuild build, Mesh& mesh) {
  SceneArrays& arrays = loader_.scene.arrays;
  const std::size_t count = build.positions.size();
  if (arrays.positions.size() + count > scene_limits::vertices_max)
    return primitive.error(
        "more than " + std::to_string(scene_limits::vertices_max) + " vertices in all",
        "at most that many");
  mesh.first_vertex = static_cast<std::uint32_t>(arrays.positions.size());
  mesh.vertex_count = static_cast<std::uint32_t>(count);
  mesh.flags = (build.normals.empty() ? 0u : mesh_has_normals) |
               (build.tangents.empty() ? 0u : mesh_has_tangents) |
               (build.uv0.empty() ? 0u : mesh_has_uv0) | (build.uv1.empty() ? 0u : mesh_has_uv1) |
               (build.colors.empty() ? 0u : mesh_has_colors);
  append(arrays.positions, build.positions, count);
  append(arrays.normals, build.normals, count);
  append(arrays.tangents, build.tangents, count);
  append(arrays.uv0, build.uv0, count);
  append(arrays.uv1, build.uv1, count);
  append(arrays.colors, build.colors, count);
  if (key.made_tangents_uv == no_index) vertices_[key.vertices_only()] = mesh;
  return {};
}

Bounds MeshReader::bounds_of(const Mesh& mesh) const {
  const SceneArrays& arrays = loader_.scene.arrays;
  Bounds bounds;
  for (std::uint32_t i = 0; i < mesh.triangle_count; ++i) {
    const Triangle& t = arrays.triangles[mesh.first_triangle + i];
    for (std::uint32_t v : {t.v0, t.v1, t.v2})
      bounds.add(to_double(arrays.positions[mesh.first_vertex + v]));
  }
  return bounds;
}

Result<std::pair<Mesh, Bounds>> MeshReader::build(const GltfValue& primitive,
                                                  const PrimitiveKey& key) {
  SceneArrays& arrays = loader_.scene.arrays;
  Mesh mesh{};
  MeshBuild build;
  const auto shared = vertices_.find(key.vertices_only());
  const bool is_new = shared == vertices_.end();
  if (is_new) {
    FRAMEBUS_ASSIGN(build, read_vertices(primitive, key));
  } else {
    mesh = shared->second;
  }
  const std::size_t vertex_count = is_new ? build.positions.size() : mesh.vertex_count;
  FRAMEBUS_TRY(read_triangles(primitive, key, vertex_count, build.triangles));
  if (is_new && key.normal != no_index) repair_normals(build);
  if (is_new && key.made_tangents_uv != no_index) {
    const std::vector<Float2> uv = key.made_tangents_uv == 0 ? build.uv0 : build.uv1;
    generate_tangents(build, uv);
  }
  const std::vector<Triangle> triangles = std::move(build.triangles);
  if (is_new) FRAMEBUS_TRY(append_vertices(primitive, key, std::move(build), mesh));
  if (arrays.triangles.size() + triangles.size() > scene_limits::triangles_max)
    return primitive.error(
        "more than " + std::to_string(scene_limits::triangles_max) + " triangles in all",
        "at most that many");
  mesh.first_triangle = static_cast<std::uint32_t>(arrays.triangles.size());
  mesh.triangle_count = static_cast<std::uint32_t>(triangles.size());
  arrays.triangles.insert(arrays.triangles.end(), triangles.begin(), triangles.end());
  return std::pair{mesh, bounds_of(mesh)};
}

Result<std::optional<std::uint32_t>> MeshReader::read(const GltfValue& primitive) {
  SceneArrays& arrays = loader_.scene.arrays;
  FRAMEBUS_ASSIGN(const auto material,
                  primitive.index("material", loader_.document.materials.size(), "materials"));
  const auto default_index = static_cast<std::uint32_t>(arrays.materials.size() - 1);
  FRAMEBUS_ASSIGN(const PrimitiveKey key, key_of(primitive, material.value_or(default_index)));
  if (primitive.value.find("targets")) loader_.scene.warn("morph targets are ignored");
  if (key.mode < mode_triangles || key.position == no_index) {
    loader_.scene.warn(key.position == no_index ? "primitives without POSITION are not shown"
                                                : "points and lines are not shown");
    return std::optional<std::uint32_t>{};
  }
  auto found = triangles_.find(key);
  if (found == triangles_.end()) {
    FRAMEBUS_ASSIGN(const auto built, build(primitive, key));
    found = triangles_.emplace(key, built).first;
  }
  Mesh mesh = found->second.first;
  mesh.material = material.value_or(default_index);
  arrays.meshes.push_back(mesh);
  loader_.scene.mesh_bounds.push_back(found->second.second);
  return std::optional<std::uint32_t>{static_cast<std::uint32_t>(arrays.meshes.size() - 1)};
}

}  // namespace

Status GltfLoader::load_meshes() {
  MeshReader reader(*this);
  for (const GltfValue& mesh : document.meshes) {
    FRAMEBUS_ASSIGN(const auto primitives, mesh.elements("primitives", JsonKind::object));
    auto& parts = scene.mesh_parts.emplace_back();
    for (const GltfValue& primitive : primitives) {
      FRAMEBUS_ASSIGN(const auto index, reader.read(primitive));
      if (index) parts.push_back(*index);
    }
  }
  return {};
}

}  // namespace framebus::render
