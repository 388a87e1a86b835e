// The rays that are measured: those a path tracer really asks for on a scene.
#pragma once

#include <vector>

#include "worker/executors/render/cpu/frame_tracer.h"

namespace framebus::bench {

struct RaySets {
  std::vector<render::Ray> primary;  // one for each pixel
  std::vector<render::Ray> shadow;   // from what they hit to a light chosen as the renderer chooses
  std::vector<render::Ray> diffuse;  // from what they hit, cosine-distributed
};

// Deterministic. At most `width` x `height` of each.
RaySets make_ray_sets(const render::CpuFrameTracer& tracer, std::uint32_t width,
                      std::uint32_t height);

}  // namespace framebus::bench
