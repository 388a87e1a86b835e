// From a planned job to its end: shared by submit and local.
#pragma once

#include "client/commands/follow.h"
#include "client/commands/planned_job.h"

namespace framebus::client {

// Sends inputs and job, shows the transfer when it takes long.
Result<Submitted> submit_planned(Cli& cli, const PlannedJob& planned);

// Follows the job, takes its results in and prints everything about its end; returns the exit code.
// After Ctrl-C `on_interrupt` decides what happens to the job and returns the exit code.
int see_through(Cli& cli, JobId job, const PlannedJob& planned,
                const std::function<int()>& on_interrupt);

}  // namespace framebus::client
