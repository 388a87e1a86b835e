// "tasks" and "sweep": from the lists of a job file to the parameters of each task.
#pragma once

#include "client/jobfile/draft.h"

namespace framebus::client {

// Fills params, task_count and task_params. At most `tasks_max` tasks; a sweep is counted before it
// is expanded.
Status expand_tasks(const JsonDocument& document, const ParamsDraft& draft, std::uint64_t tasks_max,
                    StepSpec& step);

}  // namespace framebus::client
