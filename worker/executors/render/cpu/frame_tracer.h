// A FrameTracer with a chosen kernel: what make_frame_tracer (tracer.h) returns with the best one,
// and what tests and benchmarks make with any.
#pragma once

#include "worker/executors/render/cpu/kernel.h"
#include "worker/executors/render/cpu/mesh_bvhs.h"
#include "worker/executors/render/cpu/tracer.h"

namespace framebus::render {

// `bvhs` must have the kernel's width.
class CpuFrameTracer final : public FrameTracer {
 public:
  CpuFrameTracer(std::shared_ptr<const Scene> scene, std::shared_ptr<const MeshBvhs> bvhs,
                 std::unique_ptr<const Frame> frame, const RenderJob& job, const Kernel& kernel);

  Result<Sums> render(const Tile& tile, unsigned threads, const std::function<bool()>& stop,
                      const std::function<void(double)>& done) const override;

  const RenderParams& params() const { return params_; }
  const WideScene& wide_scene() const { return top_.scene(); }
  const Kernel& kernel() const { return kernel_; }
  // Rays traced by all render calls so far.
  std::uint64_t ray_count() const { return ray_count_; }
  // For tests: which of the two estimation strategies are used (strategy_* bits).
  void set_strategies(std::uint32_t strategies) { params_.strategies = strategies; }

 private:
  const std::shared_ptr<const Scene> scene_;
  const std::shared_ptr<const MeshBvhs> bvhs_;
  const std::unique_ptr<const Frame> frame_;
  const Tables tables_;
  RenderParams params_;
  const FrameBvh top_;
  const Kernel& kernel_;
  mutable std::atomic<std::uint64_t> ray_count_{0};
};

}  // namespace framebus::render
