// The parameters of the built-in task types: the only list of them.
//
// The client refuses by it what is wrong in a job file, the executors refuse by it what reaches
// them all the same. "echo" takes whatever it is given; "render" has keys of its own in the job
// file. docs/JOBFILE.md prints the lists; how the types behave is said by their executors
// (worker/executors/*.h). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmsg/base/json_text.h"
#include "libmsg/base/time.h"

namespace framebus {

struct TaskParam {
  enum class Kind { whole, boolean, text, choice, duration };
  std::string name;
  Kind kind = Kind::text;
  std::int64_t min = 0, max = 0;          // of a whole number; of a duration in milliseconds
  std::vector<std::string> choices = {};  // of a choice
  std::string doc = {};                   // a sentence for the manual
  std::string fallback = {};              // the default as it would be written; empty: none
};

// The built-in types that have a list.
const std::vector<std::string>& types_with_params();

// None: the type is not built in, or takes anything.
const std::vector<TaskParam>* task_params_of(std::string_view type);

// What is taken: "an integer from 0 to 5", "one of "error" "abort"".
std::string allowed_text(const TaskParam& param);

const TaskParam* find_task_param(const std::vector<TaskParam>& params, std::string_view name);

// A value and what is wrong with it: "unknown key 'mss'; did you mean 'ms'?", "-1 is not allowed;
// wanted an integer from 0 to 5". Whoever knows the document puts the place before it.
struct BadTaskParam {
  JsonValue value;
  std::string why;
};
// The first one of an object of parameters.
std::optional<BadTaskParam> find_bad_task_param(const std::vector<TaskParam>& params,
                                                JsonValue object);
// Of one key alone, as a sweep has it.
std::string unknown_task_param(const std::vector<TaskParam>& params, std::string_view name);
std::optional<std::string> why_not_allowed(const TaskParam& param, JsonValue value);
// The same of a number that stands in no document.
std::optional<std::string> why_not_allowed(const TaskParam& param, std::int64_t number);

}  // namespace framebus
