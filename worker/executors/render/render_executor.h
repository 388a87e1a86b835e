// render: path traces one tile and sample range of one image frame of a glTF scene.
//
// Step params: a RenderJob as JSON (job/render_job.h); the client's planner writes it from a job
// file (docs/JOBFILE.md). Task params: none; the task's index says frame, tile and sample range.
// Inputs: every file of the scene, by the relative name it is referred to with. Result: a
// PackedTile (film/accumulator.h), exact integer sums that the client's collector adds up.
//
// Scenes, their BVHs and the frames lately rendered stay in memory between tasks, shared by all
// slots, so a second tile costs no load. A scene that can not be read is a permanent error; a file
// that could not be fetched is not.
#pragma once

#include <memory>

#include "worker/executors/executor.h"

namespace framebus::worker {

// `scenes_resident`: how many scenes are kept (the least recently used goes first), at least 1.
std::unique_ptr<Executor> make_render_executor(std::size_t scenes_resident = 4);

}  // namespace framebus::worker
