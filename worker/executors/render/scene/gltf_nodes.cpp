// Nodes, cameras, lights, and the order in which the shown scene's nodes are visited.
#include <algorithm>

#include "worker/executors/render/scene/gltf_loader.h"
#include "worker/executors/render/scene/scene_limits.h"

namespace framebus::render {

namespace {

Result<std::optional<Transform>> read_matrix(const GltfValue& node) {
  if (!node.value.find("matrix")) return std::optional<Transform>{};
  FRAMEBUS_ASSIGN(const auto m, node.numbers("matrix", std::vector<double>(16, 0.0)));
  Transform out;
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 4; ++column) out.m[row][column] = m[4 * column + row];
  if (m[3] != 0 || m[7] != 0 || m[11] != 0 || m[15] != 1)
    return node.error("a matrix with another fourth row", "0 0 0 1 (no projection)");
  if (!(std::fabs(out.determinant()) > 1e-30))
    return node.error("a matrix with determinant " + std::to_string(out.determinant()),
                      "one that can be inverted");
  return std::optional<Transform>{out};
}

// EXT_mesh_gpu_instancing: one transform for each element of TRANSLATION, ROTATION, SCALE.
Result<std::vector<Transform>> read_copies(GltfLoader& loader, const GltfValue& node) {
  std::vector<Transform> copies;
  FRAMEBUS_ASSIGN(const auto extension, node.extension("EXT_mesh_gpu_instancing"));
  if (!extension) return copies;
  FRAMEBUS_ASSIGN(const GltfValue attributes, extension->required("attributes", JsonKind::object));
  const char* names[3] = {"TRANSLATION", "ROTATION", "SCALE"};
  const std::uint32_t components[3] = {3, 4, 3};
  std::vector<float> values[3];
  std::size_t count = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    FRAMEBUS_ASSIGN(const auto accessor,
                    attributes.index(names[i], loader.document.accessors.size(), "accessors"));
    if (!accessor) continue;
    FRAMEBUS_ASSIGN(values[i],
                    loader.buffers.floats(*accessor, {components[i]}, scene_limits::instances_max));
    const std::size_t here = values[i].size() / components[i];
    if (count != 0 && here != count)
      return attributes.error(std::to_string(here) + " elements in " + names[i],
                              "the " + std::to_string(count) + " of the others");
    count = here;
  }
  const auto part = [&](std::size_t which, std::size_t i, std::size_t c, double missing) {
    return values[which].empty() ? missing
                                 : static_cast<double>(values[which][i * components[which] + c]);
  };
  copies.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    copies.push_back(
        compose({part(0, i, 0, 0), part(0, i, 1, 0), part(0, i, 2, 0)},
                {part(1, i, 0, 0), part(1, i, 1, 0), part(1, i, 2, 0), part(1, i, 3, 1)},
                {part(2, i, 0, 1), part(2, i, 1, 1), part(2, i, 2, 1)}));
  return copies;
}

Result<NodeModel> read_node(GltfLoader& loader, const GltfValue& value) {
  const GltfDocument& document = loader.document;
  NodeModel node;
  FRAMEBUS_ASSIGN(node.name, value.string("name", ""));
  FRAMEBUS_ASSIGN(const auto t, value.numbers("translation", {0, 0, 0}));
  FRAMEBUS_ASSIGN(const auto r, value.numbers("rotation", {0, 0, 0, 1}));
  FRAMEBUS_ASSIGN(const auto s, value.numbers("scale", {1, 1, 1}));
  node.translation = {t[0], t[1], t[2]};
  node.rotation = normalized({r[0], r[1], r[2], r[3]});
  node.scale = {s[0], s[1], s[2]};
  FRAMEBUS_ASSIGN(node.matrix, read_matrix(value));
  FRAMEBUS_ASSIGN(const auto mesh, value.index("mesh", document.meshes.size(), "meshes"));
  FRAMEBUS_ASSIGN(const auto camera, value.index("camera", document.cameras.size(), "cameras"));
  node.mesh = mesh.value_or(no_index);
  node.camera = camera.value_or(no_index);
  FRAMEBUS_ASSIGN(const auto punctual, value.extension("KHR_lights_punctual"));
  if (punctual) {
    FRAMEBUS_ASSIGN(node.light,
                    punctual->required_index("light", document.lights.size(), "lights"));
  }
  FRAMEBUS_ASSIGN(node.copies, read_copies(loader, value));
  if (value.value.find("skin"))
    loader.scene.warn("skins are ignored: meshes are shown in their bind pose");
  return node;
}

Status link_children(GltfLoader& loader) {
  auto& nodes = loader.scene.nodes;
  for (std::uint32_t parent = 0; parent < nodes.size(); ++parent) {
    const GltfValue& value = loader.document.nodes[parent];
    FRAMEBUS_ASSIGN(const auto children, value.elements("children", JsonKind::number));
    for (const GltfValue& each : children) {
      const auto child = each.value.integer();
      if (!child || *child < 0 || static_cast<std::uint64_t>(*child) >= nodes.size())
        return each.error(each.value.excerpt(),
                          "an index from 0 to " + std::to_string(nodes.size() - 1));
      NodeModel& node = nodes[static_cast<std::size_t>(*child)];
      if (node.parent != no_index)
        return each.error("node " + std::to_string(*child) + ", which is a child of node " +
                              std::to_string(node.parent) + " already",
                          "a node without a parent");
      node.parent = parent;
    }
  }
  return {};
}

// Nodes have one parent at most, so a node that is never reached from one without a parent is on a
// cycle.
Status check_cycles(GltfLoader& loader) {
  const auto& nodes = loader.scene.nodes;
  std::vector<std::uint8_t> state(nodes.size(), 0);  // 1: on the way up, 2: leads to a root
  for (std::uint32_t start = 0; start < nodes.size(); ++start) {
    std::uint32_t at = start;
    while (at != no_index && state[at] == 0) {
      state[at] = 1;
      at = nodes[at].parent;
    }
    if (at != no_index && state[at] == 1)
      return loader.document.nodes[at].error(
          "a cycle: node " + std::to_string(at) + " is among its own ancestors", "a tree");
    for (at = start; at != no_index && state[at] == 1; at = nodes[at].parent) state[at] = 2;
  }
  return {};
}

// The roots of the file's scene; without scenes, every node that has no parent.
Result<std::vector<std::uint32_t>> find_roots(GltfLoader& loader) {
  const GltfDocument& document = loader.document;
  std::vector<std::uint32_t> roots;
  if (document.scenes.empty()) {
    for (std::uint32_t i = 0; i < loader.scene.nodes.size(); ++i)
      if (loader.scene.nodes[i].parent == no_index) roots.push_back(i);
    return roots;
  }
  FRAMEBUS_ASSIGN(const auto shown,
                  document.root().index("scene", document.scenes.size(), "scenes"));
  const GltfValue& scene = document.scenes[shown.value_or(0)];
  if (document.scenes.size() > 1)
    loader.scene.warn("of several scenes only the default one is shown");
  FRAMEBUS_ASSIGN(const auto listed, scene.elements("nodes", JsonKind::number));
  for (const GltfValue& each : listed) {
    const auto root = each.value.integer();
    if (!root || *root < 0 || static_cast<std::uint64_t>(*root) >= loader.scene.nodes.size())
      return each.error(each.value.excerpt(),
                        "an index below " + std::to_string(loader.scene.nodes.size()));
    roots.push_back(static_cast<std::uint32_t>(*root));
  }
  return roots;
}

void order_nodes(CompiledScene& scene, const std::vector<std::uint32_t>& roots) {
  std::vector<std::vector<std::uint32_t>> children(scene.nodes.size());
  for (std::uint32_t i = 0; i < scene.nodes.size(); ++i)
    if (scene.nodes[i].parent != no_index) children[scene.nodes[i].parent].push_back(i);
  std::vector<bool> is_listed(scene.nodes.size(), false);
  for (std::uint32_t root : roots)
    if (!is_listed[root]) {
      is_listed[root] = true;
      scene.node_order.push_back(root);
    }
  for (std::size_t at = 0; at < scene.node_order.size(); ++at)
    for (std::uint32_t child : children[scene.node_order[at]])
      if (!is_listed[child]) {
        is_listed[child] = true;
        scene.node_order.push_back(child);
      }
}

Result<CameraModel> read_camera(const GltfValue& value) {
  CameraModel camera;
  FRAMEBUS_ASSIGN(camera.name, value.string("name", ""));
  FRAMEBUS_ASSIGN(const std::string type, value.string("type", ""));
  if (type == "perspective") {
    FRAMEBUS_ASSIGN(const GltfValue lens, value.required("perspective", JsonKind::object));
    FRAMEBUS_ASSIGN(camera.yfov, lens.number("yfov", 0.7, 1e-4, 3.14));
  } else if (type == "orthographic") {
    FRAMEBUS_ASSIGN(const GltfValue lens, value.required("orthographic", JsonKind::object));
    camera.is_orthographic = true;
    FRAMEBUS_ASSIGN(camera.ymag, lens.number("ymag", 1, -1e15, 1e15));
    if (camera.ymag == 0) return lens.error("ymag 0", "another number");
  } else {
    return value.error("type \"" + type.substr(0, 40) + "\"", "perspective, orthographic");
  }
  return camera;
}

Result<LightModel> read_light(const GltfValue& value) {
  LightModel light;
  FRAMEBUS_ASSIGN(const std::string type, value.string("type", ""));
  if (type == "point")
    light.kind = LightKind::point;
  else if (type == "spot")
    light.kind = LightKind::spot;
  else if (type == "directional")
    light.kind = LightKind::directional;
  else
    return value.error("type \"" + type.substr(0, 40) + "\"", "point, spot, directional");
  FRAMEBUS_ASSIGN(const auto color, value.numbers("color", {1, 1, 1}));
  FRAMEBUS_ASSIGN(const double intensity, value.number("intensity", 1, 0, 1e15));
  for (double each : color)
    if (each < 0) return value.error("a color with " + std::to_string(each), "numbers from 0");
  light.intensity = Vec3{color[0], color[1], color[2]} * intensity;
  FRAMEBUS_ASSIGN(light.range, value.number("range", 0, 0, 1e30));
  FRAMEBUS_ASSIGN(const auto spot, value.member("spot", JsonKind::object));
  if (spot) {
    FRAMEBUS_ASSIGN(light.inner_cone, spot->number("innerConeAngle", 0, 0, 1.5708));
    FRAMEBUS_ASSIGN(light.outer_cone,
                    spot->number("outerConeAngle", LightModel::pi_quarter, 0, 1.5708));
    if (light.inner_cone >= light.outer_cone)
      return spot->error("innerConeAngle " + std::to_string(light.inner_cone),
                         "less than outerConeAngle, " + std::to_string(light.outer_cone));
  }
  return light;
}

}  // namespace

Status GltfLoader::load_nodes() {
  for (const GltfValue& value : document.nodes) {
    FRAMEBUS_ASSIGN(NodeModel node, read_node(*this, value));
    scene.nodes.push_back(std::move(node));
  }
  for (const GltfValue& value : document.cameras) {
    FRAMEBUS_ASSIGN(CameraModel camera, read_camera(value));
    scene.cameras.push_back(std::move(camera));
  }
  for (const GltfValue& value : document.lights) {
    FRAMEBUS_ASSIGN(const LightModel light, read_light(value));
    scene.lights.push_back(light);
  }
  FRAMEBUS_TRY(link_children(*this));
  FRAMEBUS_TRY(check_cycles(*this));
  FRAMEBUS_ASSIGN(const auto roots, find_roots(*this));
  order_nodes(scene, roots);
  return {};
}

}  // namespace framebus::render
