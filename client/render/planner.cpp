// See planner.h. The estimates here need to be right within a factor of a few only: they decide how
// long a task takes, never what comes out of it.
#include "client/render/planner.h"

#include <algorithm>
#include <cmath>

#include "libmsg/base/limits.h"

namespace framebus::client {
namespace {

// Camera samples per second at 8 path vertices: a CPU thread, and a GPU.
constexpr double cpu_thread_rate = 150e3;
constexpr double gpu_rate = 20e6;
// Nothing known: two workers of two threads each.
constexpr std::uint32_t slots_unknown = 4;
constexpr double rate_unknown = 2 * cpu_thread_rate;

constexpr std::uint32_t tile_side_min = 16;
constexpr std::uint32_t tile_side_auto_max = 512;  // a larger result is slow to move and to retry
constexpr std::uint32_t tile_side_forced_max = 2048;  // to stay below the limit of tasks
constexpr std::uint32_t passes_wanted = 4;            // so that a whole first picture comes early
constexpr std::uint32_t tasks_per_slot_wanted = 4;    // so that the slots end together

struct Choice {
  std::uint32_t width, height, samples;
  bool tile_is_free, samples_are_free;
};

void apply(const Choice& choice, render::RenderJob& job) {
  job.tile_width = std::min(choice.width, job.width);
  job.tile_height = std::min(choice.height, job.height);
  // Passes of equal size: 100 samples in 4 passes are 25 each.
  const std::uint32_t spp = job.sampling.samples_per_pixel;
  const std::uint32_t samples = std::min(choice.samples, spp);
  const std::uint32_t passes = (spp + samples - 1) / samples;
  job.samples_per_task = choice.samples_are_free ? (spp + passes - 1) / passes : samples;
}

std::uint32_t power_of_two_below(double number) {
  std::uint32_t power = 1;
  while (power * 2.0 <= number && power < tile_side_auto_max) power *= 2;
  return power;
}

Choice first_choice(const render::RenderJob& job, const SplitSettings& split,
                    double samples_wanted) {
  const std::uint32_t spp = job.sampling.samples_per_pixel;
  Choice choice{0, 0, 0, !split.tile, !split.samples_per_task};
  if (split.tile) {
    choice.width = (*split.tile)[0];
    choice.height = (*split.tile)[1];
  }
  if (split.samples_per_task) choice.samples = *split.samples_per_task;
  if (choice.samples_are_free && choice.tile_is_free) {
    choice.samples = (spp + passes_wanted - 1) / passes_wanted;
    // Very many samples: even the smallest tile would take too long.
    choice.samples = std::min(choice.samples,
                              static_cast<std::uint32_t>(std::clamp(
                                  samples_wanted / (tile_side_min * tile_side_min), 1.0, 65535.0)));
  } else if (choice.samples_are_free) {
    choice.samples = static_cast<std::uint32_t>(std::clamp(
        samples_wanted / (double{1} * choice.width * choice.height), 1.0, double{1} * spp));
  }
  if (choice.tile_is_free) {
    const std::uint32_t side =
        power_of_two_below(std::sqrt(samples_wanted / std::min(choice.samples, spp)));
    choice.width = choice.height = std::clamp(side, tile_side_min, tile_side_auto_max);
  }
  return choice;
}

}  // namespace

PlanHints hints_of(const std::vector<WorkerInfo>& workers) {
  PlanHints hints;
  double rate_of_all = 0;
  for (const WorkerInfo& worker : workers) {
    if (worker.slots == 0 || std::find(worker.task_types.begin(), worker.task_types.end(),
                                       "render") == worker.task_types.end())
      continue;
    hints.slots += worker.slots;
    const bool has_gpu =
        std::any_of(worker.devices.begin(), worker.devices.end(),
                    [](const DeviceInfo& device) { return device.kind == "cuda"; });
    rate_of_all += has_gpu ? gpu_rate * worker.slots
                           : cpu_thread_rate * std::max<std::uint32_t>(worker.threads, 1);
  }
  if (hints.slots > 0) hints.camera_samples_per_s = rate_of_all / hints.slots;
  return hints;
}

Status plan_tasks(render::RenderJob& job, const SplitSettings& split, const PlanHints& hints,
                  std::uint64_t tasks_max) {
  const double rate = hints.camera_samples_per_s > 0 ? hints.camera_samples_per_s : rate_unknown;
  const std::uint64_t slots = hints.slots > 0 ? hints.slots : slots_unknown;
  const double path_cost = (1.0 + std::min<std::uint32_t>(job.sampling.max_depth, 8)) / 9.0;
  const double samples_wanted = std::max(1.0, rate * split.target_task_s / path_cost);
  Choice choice = first_choice(job, split, samples_wanted);
  apply(choice, job);

  // Fewer tasks than slots leave slots idle; but a task far below the target is mostly overhead.
  for (;;) {
    const double samples = double{1} * job.tile_width * job.tile_height * job.samples_per_task;
    if (render::task_count(job) >= slots * tasks_per_slot_wanted || samples < samples_wanted / 16)
      break;
    if (choice.tile_is_free && choice.width > tile_side_min)
      choice.width = choice.height = choice.width / 2;
    else if (choice.samples_are_free && job.samples_per_task > 1)
      choice.samples = job.samples_per_task / 2;
    else
      break;
    apply(choice, job);
  }
  while (render::task_count(job) > tasks_max) {
    if (choice.samples_are_free && job.samples_per_task < job.sampling.samples_per_pixel)
      choice.samples = job.samples_per_task * 2;
    else if (choice.tile_is_free && choice.width < tile_side_forced_max)
      choice.width = choice.height = choice.width * 2;
    else
      return fail(Code::invalid_argument,
                  "split: " + std::to_string(render::task_count(job)) + " tasks (" +
                      std::to_string(job.frames.size()) + " frames, tiles of " +
                      std::to_string(job.tile_width) + "x" + std::to_string(job.tile_height) +
                      " pixels, " + std::to_string(job.samples_per_task) +
                      " samples each); at most " + std::to_string(tasks_max) +
                      " are allowed: use larger tiles, more samples a task or fewer frames");
    apply(choice, job);
  }
  return {};
}

}  // namespace framebus::client
