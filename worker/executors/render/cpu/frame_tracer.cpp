#include "worker/executors/render/cpu/frame_tracer.h"

#include <algorithm>
#include <string>
#include <thread>

#include "worker/executors/render/core/tables.h"
#include "worker/executors/render/cpu/params.h"

namespace framebus::render {
namespace {

constexpr std::uint32_t run_width = 16;  // pixels that one thread takes at a time

Status check_tile(const Tile& tile, const RenderParams& p) {
  const auto where = [&] {
    return "tile " + std::to_string(tile.width) + "x" + std::to_string(tile.height) + " at (" +
           std::to_string(tile.x) + ", " + std::to_string(tile.y) + ")";
  };
  if (std::uint64_t{tile.x} + tile.width > p.width ||
      std::uint64_t{tile.y} + tile.height > p.height)
    return fail(Code::invalid_argument, where() + " does not fit into the image of " +
                                            std::to_string(p.width) + "x" +
                                            std::to_string(p.height) + "; check the plan");
  if (std::uint64_t{tile.first_sample} + tile.sample_count > samples_per_pixel_max)
    return fail(Code::invalid_argument,
                where() + ": samples end at " +
                    std::to_string(std::uint64_t{tile.first_sample} + tile.sample_count) +
                    "; at most " + std::to_string(samples_per_pixel_max) + " a pixel are allowed");
  return {};
}

// Adds the sums of a run to the planes. Runs are disjoint, so threads do not meet.
void store(const PixelSums* from, const PixelRun& run, const Tile& tile, Sums& sums) {
  const std::size_t plane = std::size_t{tile.width} * tile.height;
  const std::size_t first = std::size_t{run.y - tile.y} * tile.width + (run.x - tile.x);
  for (std::uint32_t x = 0; x < run.width; ++x) {
    const std::size_t at = first + x;
    for (std::size_t channel = 0; channel < 3; ++channel) {
      if (!sums.rgb.empty()) sums.rgb[channel * plane + at] += from[x].rgb[channel];
      if (!sums.albedo.empty()) sums.albedo[channel * plane + at] += from[x].albedo[channel];
      if (!sums.normal.empty()) sums.normal[channel * plane + at] += from[x].normal[channel];
    }
    if (!sums.depth.empty()) {
      sums.depth[at] += from[x].depth;
      sums.depth_hits[at] += from[x].depth_hits;
    }
    sums.samples[at] += run.sample_count;
  }
}

// What the threads of one render call share.
struct Work {
  std::atomic<std::uint64_t> next{0}, finished{0}, rays{0}, nans{0}, clamps{0};
  std::atomic<bool> is_stopped{false};
};

}  // namespace

CpuFrameTracer::CpuFrameTracer(std::shared_ptr<const Scene> scene,
                               std::shared_ptr<const MeshBvhs> bvhs,
                               std::unique_ptr<const Frame> frame, const RenderJob& job,
                               const Kernel& kernel)
    : scene_(std::move(scene)),
      bvhs_(std::move(bvhs)),
      frame_(std::move(frame)),
      tables_(make_tables(job.filter)),
      params_(make_params(scene_->view(), frame_->view(), job, tables_)),
      top_(frame_->view(), *bvhs_),
      kernel_(kernel) {}

Result<Sums> CpuFrameTracer::render(const Tile& tile, unsigned threads,
                                    const std::function<bool()>& stop,
                                    const std::function<void(double)>& done) const {
  FRAMEBUS_TRY(check_tile(tile, params_));
  Sums sums = Sums::zero(tile.width, tile.height, params_.layers);
  const std::uint64_t runs_in_row = (tile.width + run_width - 1) / run_width;
  const std::uint64_t run_count = runs_in_row * tile.height;
  Work work;
  // Only the caller's thread asks and tells, so the callbacks need not be thread-safe.
  const auto loop = [&](bool is_caller) {
    for (std::uint64_t i = work.next++; i < run_count && !work.is_stopped; i = work.next++) {
      if (is_caller && stop && stop()) {
        work.is_stopped = true;
        break;
      }
      const std::uint32_t column = static_cast<std::uint32_t>(i % runs_in_row) * run_width;
      const PixelRun run = {tile.x + column, tile.y + static_cast<std::uint32_t>(i / runs_in_row),
                            std::min(run_width, tile.width - column), tile.first_sample,
                            tile.sample_count};
      PixelSums pixels[run_width] = {};
      work.rays += kernel_.render(params_, top_.scene(), run, pixels);
      store(pixels, run, tile, sums);
      for (std::uint32_t x = 0; x < run.width; ++x) {
        work.nans += pixels[x].nan_count;
        work.clamps += pixels[x].clamp_count;
      }
      ++work.finished;
      if (is_caller && done)
        done(static_cast<double>(work.finished) / static_cast<double>(run_count));
    }
  };
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < threads && i < run_count; ++i) helpers.emplace_back(loop, false);
  loop(true);
  for (std::thread& helper : helpers) helper.join();
  ray_count_ += work.rays;
  if (work.is_stopped) return fail(Code::cancelled, "rendering was stopped");
  sums.nan_count = work.nans;
  sums.clamp_count = work.clamps;
  return sums;
}

std::shared_ptr<const MeshBvhs> build_mesh_bvhs(const Scene& scene, unsigned threads) {
  return std::make_shared<const MeshBvhs>(scene.view(), best_kernel().width, std::max(threads, 1u));
}

std::unique_ptr<FrameTracer> make_frame_tracer(std::shared_ptr<const Scene> scene,
                                               std::shared_ptr<const MeshBvhs> bvhs,
                                               std::unique_ptr<const Frame> frame,
                                               const RenderJob& job) {
  return std::make_unique<CpuFrameTracer>(std::move(scene), std::move(bvhs), std::move(frame), job,
                                          best_kernel());
}

}  // namespace framebus::render
