// See explain_text.h. Rests on the task's state, its job's state and the broker's filters; decides
// nothing by itself.
#include "client/output/explain_text.h"

#include "client/output/text.h"
#include "client/output/units.h"
#include "client/output/words.h"

namespace framebus::client {
namespace {

// Filters that pass by themselves: the worker could run the task, only not now.
bool is_busy(const Explanation& worker) {
  return worker.filter == "credit";
}

std::string verdict_of_queued(const Explained& explained) {
  std::size_t busy = 0;
  for (const Explanation& worker : explained.workers) {
    // What holds back a task that a worker could take now is the same for all workers.
    if (worker.eligible) return one_line(worker.detail);
    busy += is_busy(worker) ? 1 : 0;
  }
  if (explained.workers.empty()) return "no worker is connected";
  if (busy > 0)
    return "waits for a free slot: " + count_text(busy, "worker") + " could run it, all are busy";
  return "no connected worker can run it";
}

std::string last_worker(const TaskSummary& task) {
  return task.attempts.empty() ? "a worker" : one_line(task.attempts.back().worker_name);
}

}  // namespace

bool is_waiting(TaskState state) {
  return state == TaskState::held || state == TaskState::queued || state == TaskState::retry_wait;
}

std::string verdict_of(const Explained& explained) {
  const TaskSummary& task = explained.task;
  const std::string name = to_string(task.task);
  if (task.state == TaskState::succeeded) return "it is done, by " + last_worker(task);
  if (is_terminal(task.state)) return "it has ended; framebus retry " + name + " runs it again";
  switch (task.state) {
    case TaskState::held:
      if (explained.job_state == JobState::paused)
        return "its job is paused; framebus resume " + to_string(task.task.job) + " lets it go on";
      return "waits for the steps it depends on";
    case TaskState::queued:
      return verdict_of_queued(explained);
    case TaskState::leased:
      return last_worker(task) + " has it and starts it when a slot is free";
    case TaskState::running:
      return "on " + last_worker(task);
    case TaskState::retry_wait:
      return "pauses before attempt " + std::to_string(task.attempts.size() + 1);
    default:
      return {};
  }
}

}  // namespace framebus::client
