// Which meshes stand where.
#include <cmath>

#include "worker/executors/render/scene/frame_build.h"
#include "worker/executors/render/scene/scene_limits.h"

namespace framebus::render {

namespace {

bool is_drawable(const Transform& to_world) {
  const double determinant = to_world.determinant();
  return to_world.is_finite() && std::fabs(determinant) > 1e-30 && std::fabs(determinant) < 1e60;
}

Status add_mesh(const CompiledScene& scene, std::uint32_t mesh, const Transform& to_world,
                CompiledFrame& frame) {
  // Scale 0 is how animations hide things; nothing of zero volume can be hit.
  if (!is_drawable(to_world)) return {};
  for (std::uint32_t part : scene.mesh_parts[mesh]) {
    if (frame.instances.size() >= scene_limits::instances_max)
      return fail(Code::invalid_argument, "the scene has more than " +
                                              std::to_string(scene_limits::instances_max) +
                                              " instances; at most that many are allowed");
    Instance instance{};
    instance.to_world = to_affine(to_world);
    instance.to_object = to_affine(inverse(to_world));
    instance.mesh = part;
    instance.first_light = no_index;
    instance.flips = to_world.determinant() < 0 ? 1 : 0;
    frame.instances.push_back(instance);
    frame.instance_transforms.push_back(to_world);
    frame.bounds.add(scene.mesh_bounds[part], to_world);
  }
  return {};
}

Status add_node(const CompiledScene& scene, const NodeModel& node, const Transform& to_world,
                CompiledFrame& frame) {
  if (node.mesh == no_index) return {};
  if (node.copies.empty()) return add_mesh(scene, node.mesh, to_world, frame);
  for (const Transform& copy : node.copies)
    FRAMEBUS_TRY(add_mesh(scene, node.mesh, to_world * copy, frame));
  return {};
}

Result<std::uint32_t> find_node(const CompiledScene& scene, const std::string& name,
                                std::size_t which) {
  std::string some;
  for (std::uint32_t i : scene.node_order) {
    if (scene.nodes[i].name == name) return i;
    if (some.size() < 200 && !scene.nodes[i].name.empty())
      some += (some.empty() ? "" : ", ") + scene.nodes[i].name;
  }
  return fail(Code::invalid_argument, "/instances/" + std::to_string(which) + "/node: found \"" +
                                          name + "\"; allowed: a named node of the scene" +
                                          (some.empty() ? " (it has none)" : " (" + some + ")"));
}

// A node and everything below it once more: the job's transform comes after the node's own place in
// the world.
Status add_job_instance(const CompiledScene& scene, const InstanceSettings& settings,
                        std::size_t which, const std::vector<Transform>& world,
                        CompiledFrame& frame) {
  FRAMEBUS_ASSIGN(const std::uint32_t root, find_node(scene, settings.node, which));
  const Transform place =
      compose(vec3_of(settings.translate), quaternion_of_euler(vec3_of(settings.rotate)),
              vec3_of(settings.scale));
  std::vector<bool> is_below(scene.nodes.size(), false);
  is_below[root] = true;
  for (std::uint32_t i : scene.node_order) {
    const std::uint32_t parent = scene.nodes[i].parent;
    if (parent != no_index && is_below[parent]) is_below[i] = true;
    if (is_below[i]) FRAMEBUS_TRY(add_node(scene, scene.nodes[i], place * world[i], frame));
  }
  return {};
}

}  // namespace

Status add_instances(const CompiledScene& scene, const RenderJob& job,
                     const std::vector<Transform>& world, CompiledFrame& frame) {
  for (std::uint32_t i : scene.node_order)
    FRAMEBUS_TRY(add_node(scene, scene.nodes[i], world[i], frame));
  for (std::size_t i = 0; i < job.instances.size(); ++i)
    FRAMEBUS_TRY(add_job_instance(scene, job.instances[i], i, world, frame));
  return {};
}

}  // namespace framebus::render
