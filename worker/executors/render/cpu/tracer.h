// The CPU back end: BVHs over a scene and the loop that turns a tile's samples into exact sums.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "libmsg/base/result.h"
#include "worker/executors/render/film/accumulator.h"
#include "worker/executors/render/job/render_job.h"
#include "worker/executors/render/scene/scene.h"

namespace framebus::render {

// Bottom-level BVHs of a scene's meshes (binned SAH, built on all threads). Immutable after build;
// the same on every machine is not required: hits do not depend on the tree.
class MeshBvhs;
std::shared_ptr<const MeshBvhs> build_mesh_bvhs(const Scene& scene, unsigned threads);

// A frame ready to trace: instances with their top-level BVH. Holds the scene and frame alive.
class FrameTracer {
 public:
  virtual ~FrameTracer() = default;
  // Adds the tile's samples to zeroed sums of the tile's size. Splits the work over `threads`.
  // `stop` is looked at between rows: cancelled. `done` is told the fraction 0..1 now and then.
  virtual Result<Sums> render(const Tile& tile, unsigned threads, const std::function<bool()>& stop,
                              const std::function<void(double)>& done) const = 0;
};

std::unique_ptr<FrameTracer> make_frame_tracer(std::shared_ptr<const Scene> scene,
                                               std::shared_ptr<const MeshBvhs> bvhs,
                                               std::unique_ptr<const Frame> frame,
                                               const RenderJob& job);

}  // namespace framebus::render
