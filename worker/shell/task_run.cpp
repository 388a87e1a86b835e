#include "worker/shell/task_run.h"

#include <exception>

#include "libmsg/base/limits.h"

namespace framebus::worker {
namespace {

TaskOutcome run_guarded(Executor& executor, const TaskInput& input, TaskContext& context) {
  const auto threw = [&](const std::string& what) {
    return tl::unexpected<TaskError>(
        TaskError{{Code::task_failed, std::string(executor.type()) + " threw " + what, 0}, false});
  };
  try {
    return executor.run(input, context);
  } catch (const std::exception& thrown) {
    return threw(thrown.what());
  } catch (...) {
    return threw("something unknown");
  }
}

Executor* executor_of(const Executors& executors, const std::string& type) {
  for (const auto& executor : executors)
    if (executor->type() == type) return executor.get();
  return nullptr;
}

}  // namespace

ExecutorFinished failed_attempt(const AttemptId& attempt, const Error& error, bool permanent) {
  ExecutorFinished finished;
  finished.attempt = attempt;
  finished.outcome = Outcome::error;
  finished.error = {static_cast<std::uint16_t>(error.code),
                    error.message.substr(0, limits::error_text_bytes_max), 0};
  finished.permanent = permanent;
  return finished;
}

ExecutorFinished run_task(const Executors& executors, const AttemptSpec& spec, const StepInfo& step,
                          TaskContext& context) {
  const AttemptId id{spec.task, spec.token};
  Executor* const executor = executor_of(executors, step.type);
  if (executor == nullptr)
    return failed_attempt(id, {Code::failed_precondition, "no executor for '" + step.type + "'", 0},
                          false);
  const TaskInput input{spec.task,   step.name,   spec.index,  spec.attempt,
                        step.params, spec.params, &step.inputs};
  TaskOutcome outcome = run_guarded(*executor, input, context);
  if (!outcome) return failed_attempt(id, outcome.error().error, outcome.error().permanent);
  ExecutorFinished finished;
  finished.attempt = id;
  finished.outcome = Outcome::ok;
  finished.blobs = std::move(outcome->blobs);
  if (outcome->result.size() <= limits::inline_result_bytes_max) {
    finished.result = std::move(outcome->result);
    return finished;
  }
  auto stored = context.put(outcome->result, "result");
  if (!stored) return failed_attempt(id, stored.error(), false);
  finished.blobs.push_back(std::move(*stored));
  return finished;
}

}  // namespace framebus::worker
