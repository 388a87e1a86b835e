#include "client/commands/task_params.h"

#include "libmsg/base/limits.h"
#include "libmsg/schema/sweep.h"

namespace framebus::client {

Bytes own_params(const StepSpec& step, std::uint32_t index) {
  if (index < step.task_params.size()) return step.task_params[index];
  if (step.axes.empty() || step.axes.size() > limits::sweep_axes_max) return {};
  // Not sweep_size(), which looks at every value: this is asked for each of a million tasks.
  std::uint64_t size = 1;
  for (const SweepAxis& axis : step.axes) {
    size *= value_count(axis);  // below 2^20 before: no overflow
    if (size > limits::tasks_per_job_max) return {};
  }
  return index < size ? sweep_params(step.axes, index) : Bytes{};
}

}  // namespace framebus::client
