// A job file made ready to be submitted: loaded, checked, its inputs hashed.
#pragma once

#include <vector>

#include "client/commands/cli.h"
#include "client/output/report.h"
#include "libmsg/schema/parts.h"

namespace framebus::client {

struct PlannedJob {
  JobSpec spec;
  std::vector<InputSource> inputs;
  std::filesystem::path directory;  // of the job file, absolute: where relative outputs start from
  Validated summary;                // what validate and --dry-run print
};

enum class PlanDepth {
  keys_only,   // what the file itself shows: syntax, keys, missing files; fast
  check_only,  // also scenes; creates no folders and hashes nothing
  ready_to_submit,
};

// Reads the job file named on the command line, with its --set and --priority. `workers`: what is
// known of them, for "auto" splits. Warnings go to stderr.
Result<PlannedJob> plan_job(const Cli& cli, PlanDepth depth,
                            const std::vector<WorkerInfo>& workers);

}  // namespace framebus::client
