// Whether the output files of a render step can be written, found out before anything is sent.
#pragma once

#include "client/jobfile/draft.h"

namespace framebus::client {

// Patterns, layers, clashes of names; with `prepare` folders are made and tried, else looked at
// only.
Status check_outputs(const std::vector<OutputDraft>& outputs, const render::RenderJob& job,
                     const std::filesystem::path& directory, bool prepare);

}  // namespace framebus::client
