// Which worker a person means: by id, the beginning of an id, host:pid, or a host with one worker.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libmsg/base/result.h"
#include "libmsg/schema/parts.h"

namespace framebus::client {

// "node7:4711", as tables show it.
std::string name_of(const WorkerSummary& worker);

// not_found: names the nearest; invalid_argument: several are meant, which it lists.
Result<WorkerSummary> find_worker(const std::vector<WorkerSummary>& workers,
                                  std::string_view wanted);

}  // namespace framebus::client
