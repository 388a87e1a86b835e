// The parameters a task has of its own, as JSON: entry of a list, or point of a sweep. Pure.
#pragma once

#include "libmsg/schema/parts.h"

namespace framebus::client {

// `index` of the task in its step. Empty when it has none, or the spec came without them (a large
// job's is told without its list).
Bytes own_params(const StepSpec& step, std::uint32_t index);

}  // namespace framebus::client
