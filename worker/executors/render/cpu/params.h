// From a job's settings to the parameters that every path reads.
#pragma once

#include "worker/executors/render/core/path_state.h"
#include "worker/executors/render/job/render_job.h"

namespace framebus::render {

// Paths never have more vertices than this, whatever the job says.
inline constexpr std::uint32_t vertex_count_limit = 1024;

// `tables` must outlive the result; the views too. A light that names an instance or triangle that
// is not there switches light sampling off (the picture stays right, with more noise).
RenderParams make_params(const SceneView& scene, const FrameView& frame, const RenderJob& job,
                         const Tables& tables);

}  // namespace framebus::render
