#include "worker/executors/render/cpu/mesh_bvhs.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>

#include "worker/executors/render/core/triangle.h"
#include "worker/executors/render/cpu/collapse.h"

namespace framebus::render {
namespace {

constexpr std::uint32_t triangles_of_a_large_mesh = 32768;

bool is_traceable(Float3 p) {
  return fb_abs(p.x) <= coordinate_max && fb_abs(p.y) <= coordinate_max &&
         fb_abs(p.z) <= coordinate_max;
}

bool is_within(const SceneView& scene, const Mesh& mesh) {
  return std::uint64_t{mesh.first_triangle} + mesh.triangle_count <= scene.triangle_count &&
         std::uint64_t{mesh.first_vertex} + mesh.vertex_count <= scene.vertex_count &&
         mesh.material < scene.material_count;
}

void fill_block(const SceneView& scene, const Mesh& mesh, const std::uint32_t* ids,
                std::uint32_t count, TriangleBlock& block) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (std::uint32_t lane = 0; lane < 4; ++lane) {
    if (lane >= count) {
      block.primitive[lane] = no_index;
      for (int vertex = 0; vertex < 3; ++vertex)
        for (int axis = 0; axis < 3; ++axis) block.v[vertex][axis][lane] = nan;
      continue;
    }
    const Triangle& t = scene.triangles[mesh.first_triangle + ids[lane]];
    const std::uint32_t corners[3] = {t.v0, t.v1, t.v2};
    for (int vertex = 0; vertex < 3; ++vertex) {
      const Float3 p = scene.positions[mesh.first_vertex + corners[vertex]];
      block.v[vertex][0][lane] = p.x;
      block.v[vertex][1][lane] = p.y;
      block.v[vertex][2][lane] = p.z;
    }
    block.primitive[lane] = ids[lane];
  }
}

}  // namespace

std::vector<BuildBox> triangle_boxes(const SceneView& scene, const Mesh& mesh, float& extent) {
  std::vector<BuildBox> boxes;
  boxes.reserve(mesh.triangle_count);
  extent = 0.0f;
  for (std::uint32_t i = 0; i < mesh.triangle_count; ++i) {
    const Triangle& t = scene.triangles[mesh.first_triangle + i];
    if (t.v0 >= mesh.vertex_count || t.v1 >= mesh.vertex_count || t.v2 >= mesh.vertex_count)
      continue;
    const Float3* positions = scene.positions + mesh.first_vertex;
    const Float3 a = positions[t.v0], b = positions[t.v1], c = positions[t.v2];
    if (!is_traceable(a) || !is_traceable(b) || !is_traceable(c)) continue;
    BuildBox box;
    box.low[0] = fb_min(a.x, fb_min(b.x, c.x)), box.high[0] = fb_max(a.x, fb_max(b.x, c.x));
    box.low[1] = fb_min(a.y, fb_min(b.y, c.y)), box.high[1] = fb_max(a.y, fb_max(b.y, c.y));
    box.low[2] = fb_min(a.z, fb_min(b.z, c.z)), box.high[2] = fb_max(a.z, fb_max(b.z, c.z));
    box.id = i;
    for (int axis = 0; axis < 3; ++axis)
      extent = fb_max(extent, fb_max(fb_abs(box.low[axis]), fb_abs(box.high[axis])));
    boxes.push_back(box);
  }
  return boxes;
}

MeshBvhs::MeshBvhs(const SceneView& scene, int width, unsigned threads)
    : width_(width), trees_(scene.mesh_count), meshes_(scene.mesh_count) {
  std::vector<std::uint32_t> small;
  for (std::uint32_t i = 0; i < scene.mesh_count; ++i) {
    if (scene.meshes[i].triangle_count >= triangles_of_a_large_mesh) {
      build_mesh(scene, i, threads);
    } else {
      small.push_back(i);
    }
  }
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < small.size(); i = next++) build_mesh(scene, small[i], 1);
  };
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < threads && i < small.size(); ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
}

void MeshBvhs::build_mesh(const SceneView& scene, std::uint32_t index, unsigned threads) {
  const Mesh& mesh = scene.meshes[index];
  Tree& tree = trees_[index];
  WideMesh& wide = meshes_[index];
  wide = WideMesh{};
  wide.root = leaf_empty;
  if (!is_within(scene, mesh)) return;
  std::vector<BuildBox> boxes = triangle_boxes(scene, mesh, wide.extent);
  if (boxes.empty()) return;
  const BinaryTree binary = build_binary_tree(boxes, 4, threads);
  tree.blocks.reserve(boxes.size() / 2);
  wide.root = collapse(
      binary, width_,
      [&](std::uint32_t first, std::uint32_t count) {
        tree.blocks.emplace_back();
        fill_block(scene, mesh, binary.order.data() + first, count, tree.blocks.back());
        return leaf_ref(static_cast<std::uint32_t>(tree.blocks.size() - 1), 1);
      },
      tree.nodes);
  wide.nodes = tree.nodes.data(width_);
  wide.blocks = tree.blocks.data();
  for (int axis = 0; axis < 3; ++axis) {
    wide.low[axis] = binary.nodes[0].low[axis];
    wide.high[axis] = binary.nodes[0].high[axis];
  }
  wide.has_alpha = scene.materials[mesh.material].alpha_mode != AlphaMode::opaque ? 1u : 0u;
}

}  // namespace framebus::render
