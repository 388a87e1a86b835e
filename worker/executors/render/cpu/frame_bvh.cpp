// The tree over instances; mesh_bvhs.h declares it.
#include <algorithm>
#include <cmath>

#include "worker/executors/render/core/triangle.h"
#include "worker/executors/render/cpu/collapse.h"
#include "worker/executors/render/cpu/mesh_bvhs.h"

namespace framebus::render {
namespace {

// Largest sum of absolute values in a row of the linear part: how much a transform can lengthen.
double stretch_of(const Affine& m) {
  double largest = 0.0;
  for (const Float4& row : m.row)
    largest = std::max(largest,
                       std::abs(double(row.x)) + std::abs(double(row.y)) + std::abs(double(row.z)));
  return largest;
}

// Box of a transformed box; false when it is not finite or too large to trace.
bool world_box(const Affine& m, const WideMesh& mesh, BuildBox& box) {
  for (int axis = 0; axis < 3; ++axis) {
    const Float4& row = m.row[axis];
    const double r[3] = {row.x, row.y, row.z};
    double centre = row.w, half = 0.0;
    for (int i = 0; i < 3; ++i) {
      centre += r[i] * 0.5 * (double(mesh.low[i]) + double(mesh.high[i]));
      half += std::abs(r[i]) * 0.5 * (double(mesh.high[i]) - double(mesh.low[i]));
    }
    if (!(std::abs(centre) + half <= double(coordinate_max))) return false;
    box.low[axis] = static_cast<float>(centre - half);
    box.high[axis] = static_cast<float>(centre + half);
  }
  return true;
}

}  // namespace

InstanceBoxes instance_boxes(const FrameView& frame, const std::vector<WideMesh>& meshes) {
  InstanceBoxes result;
  double extent = 0.0, amplification = 1.0;
  for (std::uint32_t i = 0; i < frame.instance_count; ++i) {
    const Instance& instance = frame.instances[i];
    if (instance.mesh >= meshes.size() || meshes[instance.mesh].root == leaf_empty) continue;
    const WideMesh& mesh = meshes[instance.mesh];
    BuildBox box;
    box.id = i;
    const double forward = stretch_of(instance.to_world), back = stretch_of(instance.to_object);
    if (!(forward * back < 1e9) || !world_box(instance.to_world, mesh, box)) continue;
    amplification = std::max(amplification, forward * back);
    for (int axis = 0; axis < 3; ++axis)
      extent = std::max({extent, std::abs(double(box.low[axis])), std::abs(double(box.high[axis])),
                         std::abs(double(instance.to_world.row[axis].w))});
    extent = std::max(extent, forward * double(mesh.extent));
    result.boxes.push_back(box);
  }
  result.extent = static_cast<float>(extent);
  result.pad_factor = static_cast<float>(4.0 * amplification);
  return result;
}

FrameBvh::FrameBvh(const FrameView& frame, const MeshBvhs& bvhs) {
  InstanceBoxes instances = instance_boxes(frame, bvhs.meshes());
  BinaryTree binary = build_binary_tree(instances.boxes, 1, 1);
  scene_.top_root = collapse(
      binary, bvhs.width(),
      [](std::uint32_t first, std::uint32_t count) { return leaf_ref(first, count); }, nodes_);
  order_ = std::move(binary.order);
  scene_.meshes = bvhs.meshes().data();
  scene_.top_nodes = nodes_.data(bvhs.width());
  scene_.order = order_.data();
  scene_.top_extent = instances.extent;
  scene_.top_pad_factor = instances.pad_factor;
}

}  // namespace framebus::render
