// The parts of make_frame(): instances, lights with their distribution, camera.
#pragma once

#include <vector>

#include "worker/executors/render/scene/compiled_scene.h"

namespace framebus::render {

// Owners of what FrameView points to.
class CompiledFrame final : public Frame {
 public:
  const FrameView& view() const override { return view_; }

  std::vector<Instance> instances;
  std::vector<Transform> instance_transforms;  // to world, of `instances`, before rounding
  std::vector<Light> lights;
  std::vector<float> light_cdf;
  Bounds bounds;  // world, of all instances
  FrameView view_{};
};

// Instances of the shown scene's nodes, then those the job adds. `world`: node transforms.
Status add_instances(const CompiledScene& scene, const RenderJob& job,
                     const std::vector<Transform>& world, CompiledFrame& frame);

// Emissive triangles, the file's and the job's punctual lights, the environment; and the cdf by
// estimated power. Needs the instances; sets their first_light.
Status add_lights(const CompiledScene& scene, const RenderJob& job,
                  const std::vector<Transform>& world, CompiledFrame& frame);

// The job's keys, or the file's camera, or a view that shows everything.
Status set_camera(const CompiledScene& scene, const RenderJob& job, double frame_number,
                  const std::vector<Transform>& world, CompiledFrame& frame);

// Animation time of an image frame, in seconds.
double seconds_of(const RenderJob& job, double frame_number);

}  // namespace framebus::render
