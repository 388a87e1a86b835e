// echo: returns its parameters, byte for byte; for trials and for measuring what a task costs.
//
//   {"type": "echo", "tasks": [{"params": {"hello": "world"}}]}
//
// The result is the task's own parameters, or the step's when the task has none. They need not be
// JSON. It never fails, reads no inputs and does not look at a cancel: it is done before one could
// come.
#pragma once

#include <memory>

#include "worker/executors/executor.h"

namespace framebus::worker {

std::unique_ptr<Executor> make_echo_executor();

}  // namespace framebus::worker
