// The first line of `framebus explain`: in one sentence, what the task waits for.
#pragma once

#include <string>

#include "client/output/report.h"

namespace framebus::client {

// Without a state word and without a full stop: "waits for a free slot: 2 of 2 workers are busy".
std::string verdict_of(const Explained& explained);

// Whether the workers say something about this task: not once it has ended, or runs.
bool is_waiting(TaskState state);

}  // namespace framebus::client
