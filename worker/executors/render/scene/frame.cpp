// make_frame: the node model at a time, as the tracer's instances, lights, environment and camera.
#include <cmath>

#include "worker/executors/render/scene/animation.h"
#include "worker/executors/render/scene/exact_math.h"
#include "worker/executors/render/scene/frame_build.h"

namespace framebus::render {

namespace {

Environment environment_of(const CompiledScene& scene, const EnvironmentSettings& settings) {
  Environment out{};
  out.width = scene.environment.width;
  out.height = scene.environment.height;
  out.pixels = scene.environment.pixels.data();
  out.marginal = scene.environment.marginal.data();
  out.conditional = scene.environment.conditional.data();
  out.constant = to_float(vec3_of(settings.color));
  out.scale = static_cast<float>(settings.scale);
  const double angle = radians_of_degrees(settings.rotate_y);
  const SinCos turn = sin_cos(angle);
  out.rotate_y = static_cast<float>(angle);
  out.sin_rotate = static_cast<float>(turn.sin);
  out.cos_rotate = static_cast<float>(turn.cos);
  return out;
}

}  // namespace

double seconds_of(const RenderJob& job, double frame_number) {
  return job.frames_per_second > 0 ? (frame_number - 1.0) / job.frames_per_second : 0.0;
}

Result<std::unique_ptr<const Frame>> make_frame(const Scene& scene, const RenderJob& job,
                                                double frame_number) {
  const auto* compiled = dynamic_cast<const CompiledScene*>(&scene);
  if (compiled == nullptr)
    return fail(Code::internal, "make_frame: the scene was not made by load_scene");
  if (!std::isfinite(frame_number))
    return fail(Code::invalid_argument, "make_frame: the frame number is not finite");
  auto frame = std::make_unique<CompiledFrame>();
  const std::vector<Transform> world = node_transforms(*compiled, seconds_of(job, frame_number));
  FRAMEBUS_TRY(add_instances(*compiled, job, world, *frame));
  FRAMEBUS_TRY(add_lights(*compiled, job, world, *frame));
  FRAMEBUS_TRY(set_camera(*compiled, job, frame_number, world, *frame));
  FrameView& view = frame->view_;
  view.instances = frame->instances.data();
  view.instance_count = static_cast<std::uint32_t>(frame->instances.size());
  view.lights = frame->lights.data();
  view.light_count = static_cast<std::uint32_t>(frame->lights.size());
  view.light_cdf = frame->light_cdf.data();
  view.environment = environment_of(*compiled, job.environment);
  return frame;
}

}  // namespace framebus::render
