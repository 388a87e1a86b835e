// Splits a render job into tasks: how large a tile, how many samples. The picture does not depend
// on it (sums are exact); only speed, progress and the bytes on the wire do.
//
// It does not list tasks: render::task_count() and task_at() derive them from the three numbers
// chosen here. Thread rule: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "libmsg/schema/parts.h"
#include "worker/executors/render/job/render_job.h"

namespace framebus::client {

// The section "split" of a job file; what is absent is "auto".
struct SplitSettings {
  std::optional<std::array<std::uint32_t, 2>> tile;  // pixels, width and height
  std::optional<std::uint32_t> samples_per_task;
  double target_task_s = 0.5;  // wanted run time of a task, seconds
};

// What is known of the workers; 0 is unknown.
struct PlanHints {
  std::uint32_t slots = 0;          // of all workers that can render
  double camera_samples_per_s = 0;  // of one slot, at 8 path vertices
};

// Estimates from registrations: threads of a CPU slot, or a GPU. Workers without the type "render"
// do not count.
PlanHints hints_of(const std::vector<WorkerInfo>& workers);

// Fills tile_width, tile_height and samples_per_task of a job that is complete otherwise.
// invalid_argument when a given split is impossible or makes more than `tasks_max` tasks; "auto"
// always fits when one tile of the largest size for every frame does.
Status plan_tasks(render::RenderJob& job, const SplitSettings& split, const PlanHints& hints,
                  std::uint64_t tasks_max);

}  // namespace framebus::client
