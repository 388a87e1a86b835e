#include "tests/render/tracer/brute_force.h"

#include "worker/executors/render/core/bvh2.h"

namespace framebus::render::testing {

std::vector<float> mesh_extents(const SceneView& scene) {
  std::vector<float> extents(scene.mesh_count);
  for (std::uint32_t i = 0; i < scene.mesh_count; ++i)
    triangle_boxes(scene, scene.meshes[i], extents[i]);
  return extents;
}

Hit trace_all(const RenderParams& p, const std::vector<float>& extents, const Ray& ray) {
  Hit best = {ray.t_max, 0, 0, no_index, no_index};
  for (std::uint32_t i = 0; i < p.frame.instance_count; ++i) {
    const Instance& instance = p.frame.instances[i];
    const Mesh& mesh = p.scene.meshes[instance.mesh];
    const RaySetup s =
        setup_ray(transform_point(instance.to_object, ray.origin),
                  transform_vector(instance.to_object, ray.direction), extents[instance.mesh]);
    if (!s.is_valid) continue;
    for (std::uint32_t t = 0; t < mesh.triangle_count; ++t)
      try_triangle(p, ray, s, i, mesh, t, best);
  }
  return best;
}

BinaryForest::BinaryForest(const SceneView& scene, const FrameView& frame) {
  std::vector<WideMesh> bounds(scene.mesh_count);
  for (std::uint32_t i = 0; i < scene.mesh_count; ++i) {
    Bvh2Mesh mesh{};
    std::vector<BuildBox> boxes = triangle_boxes(scene, scene.meshes[i], mesh.extent);
    const BinaryTree tree = build_binary_tree(boxes, 2, 1);
    mesh.first_node = static_cast<std::uint32_t>(nodes_.size());
    mesh.node_count = static_cast<std::uint32_t>(tree.nodes.size());
    mesh.first_order = static_cast<std::uint32_t>(order_.size());
    nodes_.insert(nodes_.end(), tree.nodes.begin(), tree.nodes.end());
    order_.insert(order_.end(), tree.order.begin(), tree.order.end());
    meshes_.push_back(mesh);
    bounds[i].root = tree.nodes.empty() ? leaf_empty : 0;
    bounds[i].extent = mesh.extent;
    for (int axis = 0; axis < 3 && !tree.nodes.empty(); ++axis) {
      bounds[i].low[axis] = tree.nodes[0].low[axis];
      bounds[i].high[axis] = tree.nodes[0].high[axis];
    }
  }
  InstanceBoxes instances = instance_boxes(frame, bounds);
  const BinaryTree top = build_binary_tree(instances.boxes, 1, 1);
  top_nodes_ = top.nodes;
  top_order_ = top.order;
  scene_ = {nodes_.data(),
            order_.data(),
            meshes_.data(),
            top_nodes_.data(),
            static_cast<std::uint32_t>(top_nodes_.size()),
            top_order_.data(),
            instances.extent,
            instances.pad_factor};
}

bool same_hit(const Hit& a, const Hit& b) {
  if (a.instance != b.instance) return false;
  if (a.instance == no_index) return true;
  return a.primitive == b.primitive && bits_of(a.t) == bits_of(b.t) &&
         bits_of(a.u) == bits_of(b.u) && bits_of(a.v) == bits_of(b.v);
}

}  // namespace framebus::render::testing
