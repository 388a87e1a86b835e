// The plan: task index to frame, tile and sample range, by arithmetic alone.
#include <limits>

#include "worker/executors/render/job/render_job.h"

namespace framebus::render {
namespace {

std::uint64_t pieces(std::uint64_t whole, std::uint64_t piece) {
  return piece == 0 ? 0 : (whole + piece - 1) / piece;
}

// Saturates: a plan too large to count is refused by whoever compares it with a limit.
std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? std::numeric_limits<std::uint64_t>::max() : out;
}

}  // namespace

std::uint64_t task_count(const RenderJob& job) {
  const std::uint64_t tiles =
      product(pieces(job.width, job.tile_width), pieces(job.height, job.tile_height));
  const std::uint64_t passes = pieces(job.sampling.samples_per_pixel, job.samples_per_task);
  return product(product(tiles, passes), job.frames.size());
}

Result<RenderTask> task_at(const RenderJob& job, std::uint32_t index) {
  if (index >= task_count(job))
    return fail(Code::invalid_argument, "task " + std::to_string(index) + " of a render step of " +
                                            std::to_string(task_count(job)) + " tasks");
  const std::uint64_t columns = pieces(job.width, job.tile_width);
  const std::uint64_t rows = pieces(job.height, job.tile_height);
  const std::uint64_t passes = pieces(job.sampling.samples_per_pixel, job.samples_per_task);
  const std::uint64_t tile = index % (columns * rows);
  const std::uint64_t pass = index / (columns * rows) % passes;
  RenderTask task;
  task.frame = job.frames[index / (columns * rows) / passes];
  task.tile.x = static_cast<std::uint32_t>(tile % columns) * job.tile_width;
  task.tile.y = static_cast<std::uint32_t>(tile / columns) * job.tile_height;
  task.tile.width = std::min(job.tile_width, job.width - task.tile.x);
  task.tile.height = std::min(job.tile_height, job.height - task.tile.y);
  task.tile.first_sample = static_cast<std::uint32_t>(pass) * job.samples_per_task;
  task.tile.sample_count =
      std::min(job.samples_per_task, job.sampling.samples_per_pixel - task.tile.first_sample);
  return task;
}

}  // namespace framebus::render
