// The camera of an image frame.
#include <algorithm>
#include <cmath>
#include <optional>

#include "worker/executors/render/scene/exact_math.h"
#include "worker/executors/render/scene/frame_build.h"

namespace framebus::render {

namespace {

constexpr double default_yfov = 0.7;

struct View {
  Vec3 position, right{1, 0, 0}, up{0, 1, 0}, forward{0, 0, -1};
};

// Looks along `forward`; y is up unless that is where it looks.
View look_along(Vec3 position, Vec3 forward) {
  View view;
  view.position = position;
  view.forward = normalized_or(forward, {0, 0, -1});
  const Vec3 top = std::fabs(view.forward.y) > 0.99999 ? Vec3{0, 0, view.forward.y > 0 ? 1.0 : -1.0}
                                                       : Vec3{0, 1, 0};
  view.right = normalized_or(cross(view.forward, top), {1, 0, 0});
  view.up = cross(view.right, view.forward);
  return view;
}

// A node's axes without its scale; the camera looks along -z.
View view_of(const Transform& to_world) {
  View view;
  view.position = to_world.point({});
  view.forward = normalized_or(to_world.vector({0, 0, -1}), {0, 0, -1});
  const Vec3 up = to_world.vector({0, 1, 0});
  view.right = normalized_or(cross(view.forward, up), {1, 0, 0});
  view.up = cross(view.right, view.forward);
  return view;
}

View view_at(const std::vector<CameraKey>& keys, double frame_number) {
  std::size_t next = 0;
  while (next < keys.size() && keys[next].frame <= frame_number) ++next;
  const CameraKey& a = keys[next == 0 ? 0 : next - 1];
  const CameraKey& b = keys[std::min(next, keys.size() - 1)];
  const double t = b.frame > a.frame
                       ? std::clamp((frame_number - a.frame) / (b.frame - a.frame), 0.0, 1.0)
                       : 0.0;
  const Vec3 position = vec3_of(a.position) + (vec3_of(b.position) - vec3_of(a.position)) * t;
  const Vec3 target = vec3_of(a.look_at) + (vec3_of(b.look_at) - vec3_of(a.look_at)) * t;
  return look_along(position, target - position);
}

// From the front right, a little above, so far away that every corner of the box is inside.
View fitted_view(const Bounds& bounds, double tan_x, double tan_y) {
  const Bounds box = bounds.is_empty() ? Bounds{{-1, -1, -1}, {1, 1, 1}} : bounds;
  const Vec3 center = (box.low + box.high) * 0.5;
  View view = look_along({}, Vec3{-0.35, -0.22, -1.0});
  double distance = 0;
  for (int corner = 0; corner < 8; ++corner) {
    const Vec3 p =
        Vec3{(corner & 1) != 0 ? box.high.x : box.low.x, (corner & 2) != 0 ? box.high.y : box.low.y,
             (corner & 4) != 0 ? box.high.z : box.low.z} -
        center;
    const double depth = dot(p, view.forward);
    distance = std::max({distance, std::fabs(dot(p, view.right)) / tan_x - depth,
                         std::fabs(dot(p, view.up)) / tan_y - depth});
  }
  view.position = center - view.forward * std::max(distance * 1.05, 1e-6);
  return view;
}

struct ChosenCamera {
  const CameraModel* model = nullptr;
  std::uint32_t node = no_index;
};

// By name of the camera or of its node; without a name the first that a shown node carries, if any.
Result<ChosenCamera> choose(const CompiledScene& scene, const std::string& name) {
  std::string known;
  for (std::uint32_t i : scene.node_order) {
    const NodeModel& node = scene.nodes[i];
    if (node.camera == no_index) continue;
    const CameraModel& model = scene.cameras[node.camera];
    if (name.empty() || name == node.name || name == model.name) return ChosenCamera{&model, i};
    const std::string& label = model.name.empty() ? node.name : model.name;
    if (known.size() < 200) known += (known.empty() ? "" : ", ") + ("\"" + label + "\"");
  }
  if (name.empty()) return ChosenCamera{};
  return fail(Code::invalid_argument, "/camera/from_gltf: found \"" + name +
                                          "\"; allowed: a camera of the scene" +
                                          (known.empty() ? " (it has none)" : " (" + known + ")"));
}

}  // namespace

Status set_camera(const CompiledScene& scene, const RenderJob& job, double frame_number,
                  const std::vector<Transform>& world, CompiledFrame& frame) {
  FRAMEBUS_ASSIGN(const ChosenCamera chosen, choose(scene, job.camera.from_gltf));
  const double aspect =
      job.height > 0 ? static_cast<double>(job.width) / static_cast<double>(job.height) : 1.0;
  const bool is_orthographic =
      chosen.model != nullptr && chosen.model->is_orthographic && !job.camera.yfov;
  double yfov = chosen.model != nullptr ? chosen.model->yfov : default_yfov;
  if (job.camera.yfov) yfov = *job.camera.yfov;
  if (!(yfov > 1e-4 && yfov < 3.14))
    return fail(Code::invalid_argument, "/camera/override/yfov: found " + std::to_string(yfov) +
                                            " radians; allowed: 0.0001 to 3.14");
  const double half_y = is_orthographic ? std::fabs(chosen.model->ymag) : exact_tan(0.5 * yfov);
  View view;
  if (!job.camera.keys.empty())
    view = view_at(job.camera.keys, frame_number);
  else if (chosen.model != nullptr)
    view = view_of(world[chosen.node]);
  else
    view = fitted_view(frame.bounds, half_y * aspect, half_y);
  Camera& camera = frame.view_.camera;
  camera.position = to_float(view.position);
  camera.right = to_float(view.right);
  camera.up = to_float(view.up);
  camera.forward = to_float(view.forward);
  camera.tan_half_x = static_cast<float>(half_y * aspect);
  camera.tan_half_y = static_cast<float>(half_y);
  camera.orthographic = is_orthographic ? 1 : 0;
  return {};
}

}  // namespace framebus::render
