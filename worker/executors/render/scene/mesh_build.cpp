// Tangents and repaired normals: see mesh_build.h.
#include "worker/executors/render/scene/mesh_build.h"

#include <array>
#include <cmath>

#include "worker/executors/render/scene/transform.h"

namespace framebus::render {

namespace {

Vec3 face_normal(const MeshBuild& mesh, const Triangle& t) {
  const Vec3 a = to_double(mesh.positions[t.v0]);
  return cross(to_double(mesh.positions[t.v1]) - a, to_double(mesh.positions[t.v2]) - a);
}

struct FaceTangent {
  Vec3 direction;  // of growing u, weighted by the triangle's area
  bool is_mirrored = false;
};

FaceTangent face_tangent(const MeshBuild& mesh, const std::vector<Float2>& uv, const Triangle& t) {
  const Vec3 p0 = to_double(mesh.positions[t.v0]);
  const Vec3 e1 = to_double(mesh.positions[t.v1]) - p0;
  const Vec3 e2 = to_double(mesh.positions[t.v2]) - p0;
  const double u1 = static_cast<double>(uv[t.v1].x) - static_cast<double>(uv[t.v0].x);
  const double v1 = static_cast<double>(uv[t.v1].y) - static_cast<double>(uv[t.v0].y);
  const double u2 = static_cast<double>(uv[t.v2].x) - static_cast<double>(uv[t.v0].x);
  const double v2 = static_cast<double>(uv[t.v2].y) - static_cast<double>(uv[t.v0].y);
  const double area = u1 * v2 - u2 * v1;
  if (area == 0) return {};
  FaceTangent out;
  // v points down in glTF's pictures, so texture that is not mirrored has a negative area.
  out.is_mirrored = area > 0;
  const Vec3 along_u = (e1 * v2 - e2 * v1) * (area > 0 ? 1.0 : -1.0);
  out.direction = normalized_or(along_u, {}) * length(cross(e1, e2));
  return out;
}

Vec3 any_perpendicular(Vec3 n) {
  return std::fabs(n.x) < 0.6 ? normalized_or(cross(n, {1, 0, 0}), {1, 0, 0})
                              : normalized_or(cross(n, {0, 1, 0}), {1, 0, 0});
}

template <class T>
void double_vertex(std::vector<T>& attribute, std::uint32_t vertex) {
  if (!attribute.empty()) attribute.push_back(T(attribute[vertex]));
}

// Per vertex, one sum for plain and one for mirrored texture.
struct TangentSums {
  std::array<Vec3, 2> sum;
  std::array<bool, 2> is_used{false, false};
  Vec3 normal;
};

std::vector<TangentSums> sum_tangents(const MeshBuild& mesh,
                                      const std::vector<FaceTangent>& faces) {
  std::vector<TangentSums> sums(mesh.positions.size());
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const Triangle& t = mesh.triangles[i];
    const Vec3 normal = face_normal(mesh, t);
    const std::size_t side = faces[i].is_mirrored ? 1 : 0;
    for (std::uint32_t v : {t.v0, t.v1, t.v2}) {
      sums[v].sum[side] = sums[v].sum[side] + faces[i].direction;
      sums[v].is_used[side] = true;
      sums[v].normal = sums[v].normal + normal;
    }
  }
  return sums;
}

Float4 tangent_of(Vec3 sum, Vec3 normal, bool is_mirrored) {
  const Vec3 n = normalized_or(normal, {0, 0, 1});
  const Vec3 t = normalized_or(sum - n * dot(n, sum), any_perpendicular(n));
  const Float3 f = to_float(t);
  // The bitangent, cross(normal, tangent) * w, points up in the picture: to falling v.
  return {f.x, f.y, f.z, is_mirrored ? -1.0f : 1.0f};
}

}  // namespace

void generate_tangents(MeshBuild& mesh, const std::vector<Float2>& uv) {
  std::vector<FaceTangent> faces;
  faces.reserve(mesh.triangles.size());
  for (const Triangle& t : mesh.triangles) faces.push_back(face_tangent(mesh, uv, t));
  const std::vector<TangentSums> sums = sum_tangents(mesh, faces);

  const std::size_t vertex_count = mesh.positions.size();
  std::vector<std::uint32_t> mirrored_copy(vertex_count, no_index);
  mesh.tangents.resize(vertex_count);
  for (std::uint32_t v = 0; v < vertex_count; ++v) {
    const Vec3 normal = mesh.normals.empty() ? sums[v].normal : to_double(mesh.normals[v]);
    const bool is_mirrored = sums[v].is_used[1] && !sums[v].is_used[0];
    mesh.tangents[v] = tangent_of(sums[v].sum[is_mirrored ? 1 : 0], normal, is_mirrored);
    if (!sums[v].is_used[0] || !sums[v].is_used[1]) continue;
    mirrored_copy[v] = static_cast<std::uint32_t>(mesh.positions.size());
    double_vertex(mesh.positions, v);
    double_vertex(mesh.normals, v);
    double_vertex(mesh.uv0, v);
    double_vertex(mesh.uv1, v);
    double_vertex(mesh.colors, v);
  }
  for (std::uint32_t v = 0; v < vertex_count; ++v)
    if (mirrored_copy[v] != no_index)
      mesh.tangents.push_back(
          tangent_of(sums[v].sum[1],
                     mesh.normals.empty() ? sums[v].normal : to_double(mesh.normals[v]), true));
  for (std::size_t i = 0; i < faces.size(); ++i) {
    if (!faces[i].is_mirrored) continue;
    Triangle& t = mesh.triangles[i];
    for (std::uint32_t* v : {&t.v0, &t.v1, &t.v2})
      if (mirrored_copy[*v] != no_index) *v = mirrored_copy[*v];
  }
}

void repair_normals(MeshBuild& mesh) {
  std::vector<bool> is_broken(mesh.normals.size(), false);
  bool any = false;
  for (std::size_t v = 0; v < mesh.normals.size(); ++v) {
    const double l = length(to_double(mesh.normals[v]));
    if (l > 0) {
      mesh.normals[v] = to_float(to_double(mesh.normals[v]) * (1.0 / l));
      continue;
    }
    mesh.normals[v] = {0, 0, 1};
    is_broken[v] = any = true;
  }
  if (!any) return;
  for (const Triangle& t : mesh.triangles) {
    const Vec3 normal = face_normal(mesh, t);
    for (std::uint32_t v : {t.v0, t.v1, t.v2})
      if (is_broken[v]) mesh.normals[v] = to_float(normalized_or(normal, {0, 0, 1}));
  }
}

}  // namespace framebus::render
