// A job's log of ended tasks (Job::ended), which watches walk by position and cursors name by lsn.
//
// A retry makes the lines of the tasks that it opens again stale. They leave before they outnumber
// the others, so the log holds at most two lines a task, however often people cancel and retry.
// Called by apply(), live and in replay, so that both keep the same lines.
#pragma once

#include "broker/core/state.h"

namespace framebus::broker {

// Whether the task was opened again after this line was written.
bool is_stale(const Job& job, const EndedTask& ended);

// Takes stale lines out when they are more than half of the log, and moves every watch's position
// so that it is told neither less nor more than before. Amortised O(1) for each reopened task.
void prune_ended(State& state, Job& job);

}  // namespace framebus::broker
