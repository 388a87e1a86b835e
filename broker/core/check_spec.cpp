// Checks of a submitted job that need nothing but the job. Each error names the field as a path,
// what was found and what is allowed.
#include <algorithm>
#include <set>

#include "broker/core/task_manager.h"
#include "libmsg/base/limits.h"
#include "libmsg/schema/sweep.h"

namespace framebus::broker {
namespace {

constexpr std::int64_t duration_ms_max = 366LL * 24 * 3600 * 1000;
constexpr std::uint32_t attempts_max = 1000;

Status bound(const std::string& field, std::uint64_t found, std::uint64_t least,
             std::uint64_t most) {
  if (found >= least && found <= most) return {};
  return fail(Code::invalid_argument, field + ": found " + std::to_string(found) +
                                          ", allowed are " + std::to_string(least) + " to " +
                                          std::to_string(most));
}

// A bound of the table (bounds.h).
Status within(Refusals& refusals, Bound which, std::uint64_t limit, std::uint64_t found,
              const std::string& field) {
  if (found <= limit) return {};
  return fail(refuse_bound(refusals, which, limit, found, field));
}

Status bound_ms(const std::string& field, std::int64_t found) {
  if (found >= 0 && found <= duration_ms_max) return {};
  return fail(Code::invalid_argument, field + ": found " + std::to_string(found) +
                                          " ms, allowed are 0 to " +
                                          std::to_string(duration_ms_max) + " ms");
}

Status check_text(const std::string& field, const std::string& text, bool may_be_empty) {
  if (text.empty() && !may_be_empty) {
    return fail(Code::invalid_argument, field + ": is empty, a name is needed");
  }
  if (text.size() <= limits::name_bytes_max) return {};
  return fail(Code::invalid_argument, field + ": has " + std::to_string(text.size()) +
                                          " bytes, allowed are " +
                                          std::to_string(limits::name_bytes_max));
}

Status check_labels(const std::string& field, const std::vector<Label>& labels) {
  FRAMEBUS_TRY(bound(field + ": number of labels", labels.size(), 0, limits::labels_max));
  for (const Label& label : labels) {
    FRAMEBUS_TRY(check_text(field + ": key", label.key, false));
    FRAMEBUS_TRY(check_text(field + ": value of " + label.key, label.value, true));
  }
  return {};
}

Status check_dependencies(const JobSpec& job, std::uint32_t index, const std::string& at) {
  const StepSpec& step = job.steps[index];
  std::set<std::uint32_t> seen;
  for (const Dependency& dependency : step.depends_on) {
    if (dependency.step >= index) {
      return fail(Code::invalid_argument, at + "depends_on: names step " +
                                              std::to_string(dependency.step) +
                                              ", only earlier steps are allowed");
    }
    if (!seen.insert(dependency.step).second) {
      return fail(Code::invalid_argument,
                  at + "depends_on: names step " + std::to_string(dependency.step) + " twice");
    }
    const std::uint32_t theirs = job.steps[dependency.step].task_count;
    if (dependency.by_task && theirs != step.task_count) {
      return fail(Code::invalid_argument,
                  at + "depends_on: task by task needs equal numbers of tasks, found " +
                      std::to_string(theirs) + " and " + std::to_string(step.task_count));
    }
  }
  return {};
}

// What the values of one axis add to a task's parameters, at most.
std::size_t widest(const SweepAxis& axis) {
  constexpr std::size_t number_bytes_max = 20;
  std::size_t bytes = number_bytes_max;
  for (const Bytes& value : axis.values) bytes = std::max(bytes, value.size());
  return bytes + 6 * axis.key.size() + 4;
}

Status check_axes(Refusals& refusals, const StepSpec& step, const std::string& at) {
  if (step.axes.empty()) return {};
  FRAMEBUS_TRY(
      within(refusals, Bound::sweep_axes, limits::sweep_axes_max, step.axes.size(), at + "axes"));
  const auto tasks = sweep_size(step.axes);
  if (!tasks) return fail(tasks.error().context(at + "axes"));
  if (*tasks != step.task_count) {
    return fail(Code::invalid_argument, at + "axes: their product is " + std::to_string(*tasks) +
                                            " tasks, task_count is " +
                                            std::to_string(step.task_count));
  }
  if (!step.task_params.empty()) {
    return fail(Code::invalid_argument, at + "task_params: a step with axes has none");
  }
  std::size_t bytes = 2;
  for (const SweepAxis& axis : step.axes) bytes += widest(axis);
  return within(refusals, Bound::task_spec_bytes, limits::task_spec_bytes_max, bytes,
                at + "axes: one task's parameters");
}

Status check_params(Refusals& refusals, const StepSpec& step, const std::string& at,
                    Completeness completeness) {
  FRAMEBUS_TRY(within(refusals, Bound::task_spec_bytes, limits::task_spec_bytes_max,
                      step.params.size(), at + "params"));
  const bool fits = completeness == Completeness::in_parts
                        ? step.task_params.size() <= step.task_count
                        : step.task_params.size() == step.task_count;
  if (!step.task_params.empty() && !fits) {
    return fail(Code::invalid_argument,
                at + "task_params: has " + std::to_string(step.task_params.size()) +
                    " entries, needed are none or task_count = " + std::to_string(step.task_count));
  }
  for (std::size_t i = 0; i < step.task_params.size(); ++i) {
    if (step.task_params[i].size() <= limits::task_spec_bytes_max) continue;
    return within(refusals, Bound::task_spec_bytes, limits::task_spec_bytes_max,
                  step.task_params[i].size(), at + "task_params[" + std::to_string(i) + "]");
  }
  return {};
}

Status check_step(Refusals& refusals, const JobSpec& job, std::uint32_t index,
                  Completeness completeness, std::set<std::string>& names) {
  const StepSpec& step = job.steps[index];
  const std::string at = "job.steps[" + std::to_string(index) + "].";
  FRAMEBUS_TRY(check_text(at + "name", step.name, false));
  FRAMEBUS_TRY(check_text(at + "type", step.type, false));
  if (!names.insert(step.name).second) {
    return fail(Code::invalid_argument, at + "name: '" + step.name + "' is used twice in the job");
  }
  if (step.task_count == 0) return fail(Code::invalid_argument, at + "task_count: is 0");
  FRAMEBUS_TRY(within(refusals, Bound::tasks_per_job, limits::tasks_per_job_max, step.task_count,
                      at + "task_count"));
  FRAMEBUS_TRY(check_dependencies(job, index, at));
  FRAMEBUS_TRY(check_params(refusals, step, at, completeness));
  FRAMEBUS_TRY(check_axes(refusals, step, at));
  FRAMEBUS_TRY(check_blobs(refusals, at + "inputs", step.inputs));
  FRAMEBUS_TRY(check_labels(at + "requires.labels", step.requires_.labels));
  FRAMEBUS_TRY(bound(at + "requires.gpus", step.requires_.gpus, 0, limits::devices_per_worker_max));
  FRAMEBUS_TRY(bound(at + "max_attempts", step.max_attempts, 0, attempts_max));
  FRAMEBUS_TRY(bound_ms(at + "timeout_ms", step.timeout_ms));
  FRAMEBUS_TRY(bound_ms(at + "progress_timeout_ms", step.progress_timeout_ms));
  FRAMEBUS_TRY(bound(at + "limits: number", step.limits.size(), 0, limits::labels_max));
  return {};
}

}  // namespace

Status check_blobs(Refusals& refusals, const std::string& field,
                   const std::vector<BlobRef>& blobs) {
  FRAMEBUS_TRY(
      within(refusals, Bound::inputs_per_step, limits::inputs_per_step_max, blobs.size(), field));
  std::size_t total = 0;
  for (std::size_t index = 0; index < blobs.size(); ++index) {
    const std::size_t bytes = blobs[index].name.size();
    if (bytes > limits::blob_name_bytes_max) {
      return within(refusals, Bound::blob_name_bytes, limits::blob_name_bytes_max, bytes,
                    field + "[" + std::to_string(index) + "].name");
    }
    total += bytes;
  }
  return within(refusals, Bound::blob_names_bytes, limits::blob_names_bytes_max, total, field);
}

Status check_spec(Refusals& refusals, const JobSpec& job, Completeness completeness) {
  FRAMEBUS_TRY(check_text("job.name", job.name, true));
  FRAMEBUS_TRY(bound("job.priority", job.priority, 0, 100));
  FRAMEBUS_TRY(bound("job.steps: number", job.steps.size(), 1, limits::steps_per_job_max));
  FRAMEBUS_TRY(check_labels("job.labels", job.labels));
  FRAMEBUS_TRY(bound_ms("job.deadline_ms", job.deadline_ms));
  FRAMEBUS_TRY(bound("job.strategy", static_cast<std::uint64_t>(job.strategy), 0, 2));
  FRAMEBUS_TRY(bound("job.on_failure", static_cast<std::uint64_t>(job.on_failure), 0, 1));
  std::set<std::string> names;
  std::uint64_t tasks = 0;
  for (std::uint32_t index = 0; index < job.steps.size(); ++index) {
    FRAMEBUS_TRY(check_step(refusals, job, index, completeness, names));
    tasks += job.steps[index].task_count;
  }
  return within(refusals, Bound::tasks_per_job, limits::tasks_per_job_max, tasks, "job");
}

}  // namespace framebus::broker
