// From the keys of a render step to a RenderJob: finds and checks the files, the outputs and the
// plan.
#pragma once

#include "client/jobfile/draft.h"
#include "client/jobfile/jobfile.h"

namespace framebus::client {

// Fills `step` and appends to inputs, renders and warnings of `loaded`, whose directory is set.
// Errors begin with the place in the job file.
Status make_render_step(RenderDraft draft, const std::string& where, const LoadOptions& options,
                        std::uint32_t step_index, std::uint64_t tasks_max, StepSpec& step,
                        LoadedJob& loaded);

}  // namespace framebus::client
