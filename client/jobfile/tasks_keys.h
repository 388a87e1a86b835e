// "tasks" and "sweep": from the lists of a job file to the parameters of each task, or to the axes
// they are made from.
#pragma once

#include "client/jobfile/draft.h"

namespace framebus::client {

// Fills params, task_count and task_params or axes. At most `tasks_max` tasks; a sweep is counted,
// never expanded.
Status read_tasks(const JsonDocument& document, const ParamsDraft& draft, std::uint64_t tasks_max,
                  StepSpec& step);

}  // namespace framebus::client
