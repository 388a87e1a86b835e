// Stays with a job until it has ended: progress on stderr, results taken in, troubles remembered.
#pragma once

#include <functional>
#include <vector>

#include "client/commands/cli.h"
#include "client/commands/results.h"

namespace framebus::client {

struct FollowOptions {
  Results* results = nullptr;  // receives tasks that succeeded; may be null
  std::function<void(const TaskSummary&)> on_result = {};  // each task that succeeded; may print
  bool until_live = false;                                 // only what has happened so far (fetch)
};

struct Followed {
  JobSummary job;  // as it was last
  std::vector<TaskSummary> troubles;
  bool is_interrupted = false;  // Ctrl-C: the job goes on
};

// Errors: the watch ended (not_found, shutdown), or results could not be taken in.
Result<Followed> follow(Cli& cli, const JobSummary& job, const FollowOptions& options);

// After following: prints the end of the job and its troubles; returns the exit code (0, or 1 when
// it did not succeed).
int conclude(Cli& cli, Followed followed);

// What to type now that this terminal no longer follows the job.
void tell_detached(const Cli& cli, JobId job);

}  // namespace framebus::client
