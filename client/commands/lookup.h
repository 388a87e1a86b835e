// Selectors to jobs, and the questions that several verbs ask the broker.
#pragma once

#include <string_view>
#include <vector>

#include "client/commands/cli.h"
#include "client/commands/selector.h"

namespace framebus::client {

// The jobs a selector names, newest first for `all`, else in the order written. not_found: a job
// named by itself that the broker does not know, or nothing at all is left of ranges, `last` or
// `all`.
Result<std::vector<JobSummary>> find_jobs(Cli& cli, const Selector& selector);

// One job, of a selector that must name exactly one; empty text is `last`.
struct OneJob {
  JobSummary job;
  std::vector<std::uint32_t> tasks;  // named by the selector; empty: all
};
Result<OneJob> find_one_job(Cli& cli, std::string_view selector);

Result<JobSummary> ask_job(Cli& cli, JobId job);
Result<JobSpec> ask_spec(Cli& cli, JobId job);
// Kind explain: the task itself with its attempts, error and log, and a line for each worker.
Result<QueryReply> ask_task(Cli& cli, TaskRef task);

// The first few tasks of a job that ended badly, with their logs; looks at a bounded number of
// tasks.
Result<std::vector<TaskSummary>> find_troubles(Cli& cli, const JobSummary& job);

}  // namespace framebus::client
