#include "client/jobfile/tasks_keys.h"

#include <algorithm>

#include "client/jobfile/jobfile.h"
#include "libmsg/schema/sweep.h"
#include "libmsg/schema/task_params.h"

namespace framebus::client {
namespace {

Bytes bytes_from(const std::string& text) {
  return Bytes(text.begin(), text.end());
}

tl::unexpected<Error> too_many(const JsonDocument& document, JsonValue value,
                               const std::string& found, std::uint64_t tasks_max) {
  return wrong(document, value,
               found + " tasks; at most " + std::to_string(tasks_max) + " are possible here (" +
                   std::to_string(limits::tasks_per_job_max) + " in a job)");
}

Status check_size(const JsonDocument& document, JsonValue value, std::size_t size) {
  if (size <= limits::task_spec_bytes_max) return {};
  return wrong(document, value,
               "parameters of " + std::to_string(size) + " bytes; at most " +
                   std::to_string(limits::task_spec_bytes_max) +
                   " are allowed: pass large data as a file");
}

// Parameters of a built-in type, as its executor would refuse them; those of others are their own
// business.
Status check_params(const JsonDocument& document, JsonValue params, const std::string& type) {
  const std::vector<TaskParam>* known = task_params_of(type);
  if (!known) return {};
  if (const auto bad = find_bad_task_param(*known, params))
    return wrong(document, bad->value, bad->why);
  return {};
}

// The same for one key of a sweep: each of its values becomes a parameter of some task.
Status check_axis(const JsonDocument& document, JsonValue value, const SweepAxis& axis,
                  const std::string& type) {
  const std::vector<TaskParam>* known = task_params_of(type);
  if (!known) return {};
  const TaskParam* param = find_task_param(*known, axis.key);
  if (!param) return wrong(document, value, unknown_task_param(*known, axis.key));
  if (value.is(JsonKind::array)) {
    for (const JsonValue& item : value.items())
      if (const auto why = why_not_allowed(*param, item)) return wrong(document, item, *why);
    return {};
  }
  // Of numbers with equal distances one of the ends is the worst.
  std::vector<std::int64_t> numbers = {axis.first,
                                       axis.first + axis.stride * (std::int64_t{axis.count} - 1)};
  if (!axis.values.empty()) {
    numbers.clear();
    for (const Bytes& text : axis.values) numbers.push_back(std::stoll(std::string(text_of(text))));
  }
  for (const std::int64_t number : numbers)
    if (const auto why = why_not_allowed(*param, number))
      return wrong(document, *value.find("range"), *why);
  return {};
}

Status expand_list(const JsonDocument& document, JsonValue list, std::uint64_t tasks_max,
                   StepSpec& step) {
  static const SectionInfo task_info{
      "task", "", {{"params", "object", "", "parameters of this task"}}};
  if (!list.is(JsonKind::array))
    return wrong_kind(document, list, "a list of objects, like [{\"params\": {\"seed\": 1}}]");
  if (list.size() == 0)
    return wrong(document, list, "expected at least one task, found an empty list");
  if (list.size() > tasks_max)
    return too_many(document, list, std::to_string(list.size()), tasks_max);
  step.task_params.reserve(list.size());
  for (const JsonValue& item : list.items()) {
    if (!item.is(JsonKind::object))
      return wrong_kind(document, item, "an object, like {\"params\": {\"seed\": 1}}");
    FRAMEBUS_TRY(check_keys(document, item, {&task_info}));
    const auto params = item.find("params");
    if (params && !params->is(JsonKind::object)) return wrong_kind(document, *params, "an object");
    const std::string text = params ? canonical_json(*params) : "{}";
    FRAMEBUS_TRY(check_size(document, item, text.size()));
    if (params) FRAMEBUS_TRY(check_params(document, *params, step.type));
    step.task_params.push_back(bytes_from(text));
  }
  step.task_count = static_cast<std::uint32_t>(list.size());
  return {};
}

// Numbers with equal distances travel as first, stride and count.
void put_numbers(const std::vector<std::int32_t>& numbers, SweepAxis& axis) {
  const std::int64_t stride =
      numbers.size() > 1 ? std::int64_t{numbers[1]} - numbers[0] : std::int64_t{1};
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    if (std::int64_t{numbers[i]} - numbers[i - 1] == stride) continue;
    for (const std::int32_t number : numbers)
      axis.values.push_back(bytes_from(std::to_string(number)));
    return;
  }
  axis.first = numbers.front();
  axis.stride = stride;
  axis.count = static_cast<std::uint32_t>(numbers.size());
}

Result<SweepAxis> read_axis(const JsonDocument& document, const std::string& key, JsonValue value,
                            std::uint64_t tasks_max) {
  static const SectionInfo range_info{
      "range", "", {{"range", "text like \"1-100\"", "", "whole numbers", "", true}}};
  SweepAxis axis;
  axis.key = key;
  if (value.is(JsonKind::array)) {
    if (value.size() == 0)
      return wrong(document, value, "expected at least one value, found an empty list");
    if (value.size() > tasks_max)
      return too_many(document, value, std::to_string(value.size()), tasks_max);
    for (const JsonValue& item : value.items())
      axis.values.push_back(bytes_from(canonical_json(item)));
    return axis;
  }
  if (!value.is(JsonKind::object))
    return wrong_kind(document, value, "a list of values or {\"range\": \"1-100\"}");
  FRAMEBUS_TRY(check_keys(document, value, {&range_info}));
  const JsonValue range = *value.find("range");
  if (!range.is(JsonKind::string))
    return wrong_kind(document, range, "a range in a string, like \"1-100\"");
  const auto numbers = parse_ranges(
      range.string(),
      static_cast<std::uint32_t>(std::min<std::uint64_t>(tasks_max, limits::tasks_per_job_max)),
      1'000'000'000);
  if (!numbers) return wrong(document, range, numbers.error().message);
  put_numbers(*numbers, axis);
  return axis;
}

// Bytes of the longest value of an axis as JSON.
std::size_t value_bytes_max(const SweepAxis& axis) {
  constexpr std::size_t number_bytes_max = 20;
  std::size_t bytes = axis.values.empty() ? number_bytes_max : 0;
  for (const Bytes& value : axis.values) bytes = std::max(bytes, value.size());
  return bytes;
}

// A sweep stays what it is: its axes travel, the parameters of a task are made where it runs.
Status read_sweep(const JsonDocument& document, JsonValue sweep, std::uint64_t tasks_max,
                  StepSpec& step) {
  if (!sweep.is(JsonKind::object))
    return wrong_kind(document, sweep,
                      "an object of lists, like {\"seed\": {\"range\": \"1-100\"}}");
  if (sweep.size() == 0) return wrong(document, sweep, "expected at least one key, found none");
  std::uint64_t count = 1;
  std::size_t params_bytes_max = 2;
  for (const auto& [key, value] : sweep.members()) {
    FRAMEBUS_ASSIGN(SweepAxis axis, read_axis(document, key, value, tasks_max));
    FRAMEBUS_TRY(check_axis(document, value, axis, step.type));
    count *= value_count(axis);  // both factors are at most a million: no overflow before the check
    if (count > tasks_max)
      return too_many(document, sweep, "at least " + std::to_string(count), tasks_max);
    params_bytes_max += json_quote(key).size() + 2 + value_bytes_max(axis);
    step.axes.push_back(std::move(axis));
  }
  FRAMEBUS_TRY(check_size(document, sweep, params_bytes_max));
  const Result<std::uint32_t> size = sweep_size(step.axes);
  if (!size) return wrong(document, sweep, size.error().message);
  step.task_count = *size;
  return {};
}

}  // namespace

Status read_tasks(const JsonDocument& document, const ParamsDraft& draft, std::uint64_t tasks_max,
                  StepSpec& step) {
  if (draft.tasks && draft.sweep)
    return wrong(document, *draft.sweep, "a step has \"tasks\" or a \"sweep\", not both");
  if (draft.params) {
    const std::string text = canonical_json(*draft.params);
    FRAMEBUS_TRY(check_size(document, *draft.params, text.size()));
    FRAMEBUS_TRY(check_params(document, *draft.params, step.type));
    step.params = bytes_from(text);
  }
  step.task_count = 1;
  if (draft.tasks) return expand_list(document, *draft.tasks, tasks_max, step);
  if (draft.sweep) return read_sweep(document, *draft.sweep, tasks_max, step);
  return {};
}

}  // namespace framebus::client
