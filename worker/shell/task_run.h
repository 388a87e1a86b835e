// One task on one executor: the call, guarded, and its outcome as the worker reports it.
//
// The same in a thread of the worker and in a process of its own. Thread rule: any thread.
#pragma once

#include <memory>
#include <vector>

#include "worker/core/action.h"
#include "worker/core/event.h"
#include "worker/executors/executor.h"

namespace framebus::worker {

using Executors = std::vector<std::unique_ptr<Executor>>;

// An outcome `error`; the text is cut to its bound.
ExecutorFinished failed_attempt(const AttemptId& attempt, const Error& error, bool permanent);

// Runs to the end; a result that is too large for a message has become a blob. No log tail.
ExecutorFinished run_task(const Executors& executors, const AttemptSpec& spec, const StepInfo& step,
                          TaskContext& context);

}  // namespace framebus::worker
