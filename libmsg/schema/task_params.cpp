// See task_params.h.
#include "libmsg/schema/task_params.h"

#include <algorithm>

#include "libmsg/base/config.h"

namespace framebus {
namespace {

using Kind = TaskParam::Kind;

constexpr std::int64_t day_ms = 86'400'000;

const std::vector<TaskParam>& sleep_params() {
  static const std::vector<TaskParam> params = {
      {"ms", Kind::whole, 0, day_ms, {}, "How long to wait, in milliseconds.", "1000"},
      {"duration", Kind::duration, 0, day_ms, {}, "The same as a text; goes before `ms`."}};
  return params;
}

const std::vector<TaskParam>& fail_params() {
  static const std::vector<std::string> modes = {"error", "abort", "segfault", "exit",
                                                 "hang",  "flood", "memory",   "escape"};
  static const std::vector<TaskParam> params = {
      {"times",
       Kind::whole,
       0,
       1'000'000,
       {},
       "So many attempts fail, later ones succeed. Default: all fail."},
      {"mode", Kind::choice, 0, 0, modes,
       "How: by an error, by the end of its process, by never ending, by a mebibyte of output, by "
       "holding memory, by processes that try to outlive it.",
       "\"error\""},
      {"then", Kind::choice, 0, 0, modes, "What follows `escape`.", "\"error\""},
      {"processes", Kind::whole, 1, 100, {}, "How many `escape`.", "2"},
      {"mebibytes", Kind::whole, 0, 1'000'000, {}, "What `memory` takes.", "64"},
      {"ms", Kind::whole, 0, day_ms, {}, "How long `memory` holds it, in milliseconds.", "0"},
      {"permanent",
       Kind::boolean,
       0,
       0,
       {},
       "The error says that trying again can not help.",
       "false"},
      {"crash", Kind::boolean, 0, 0, {}, "The same as mode \"abort\".", "false"},
      {"message", Kind::text, 0, 0, {}, "Text of the error.", "\"failed on purpose\""},
      {"prepared",
       Kind::text,
       0,
       0,
       {},
       "The text is instead what primaries have prepared under this name."}};
  return params;
}

bool is_allowed(const TaskParam& param, JsonValue value) {
  switch (param.kind) {
    case Kind::whole: {
      const auto number = value.is(JsonKind::number) ? value.integer() : std::nullopt;
      return number && *number >= param.min && *number <= param.max;
    }
    case Kind::boolean:
      return value.is(JsonKind::boolean);
    case Kind::text:
      return value.is(JsonKind::string);
    case Kind::choice:
      return value.is(JsonKind::string) && std::find(param.choices.begin(), param.choices.end(),
                                                     value.string()) != param.choices.end();
    case Kind::duration:
      break;
  }
  if (!value.is(JsonKind::string)) return false;
  const Result<Duration> duration = parse_duration(value.string());
  return duration && *duration >= milliseconds(param.min) && *duration <= milliseconds(param.max);
}

}  // namespace

std::string allowed_text(const TaskParam& param) {
  switch (param.kind) {
    case Kind::whole:
      return "an integer from " + std::to_string(param.min) + " to " + std::to_string(param.max);
    case Kind::boolean:
      return "true or false";
    case Kind::text:
      return "a text";
    case Kind::duration:
      return "a duration such as \"250ms\" or \"1m30s\", at most " +
             to_text(Duration(milliseconds(param.max)));
    case Kind::choice:
      break;
  }
  std::string out = "one of";
  for (const std::string& name : param.choices) out += " \"" + name + '"';
  return out;
}

const std::vector<std::string>& types_with_params() {
  static const std::vector<std::string> types = {"sleep", "fail"};
  return types;
}

const std::vector<TaskParam>* task_params_of(std::string_view type) {
  if (type == "sleep") return &sleep_params();
  if (type == "fail") return &fail_params();
  return nullptr;
}

const TaskParam* find_task_param(const std::vector<TaskParam>& params, std::string_view name) {
  for (const TaskParam& param : params)
    if (param.name == name) return &param;
  return nullptr;
}

std::string unknown_task_param(const std::vector<TaskParam>& params, std::string_view name) {
  std::vector<std::string> names;
  for (const TaskParam& param : params) names.push_back(param.name);
  std::string text = "unknown key '" + std::string(name) + "'";
  if (const std::string near = nearest_name(name, names); !near.empty())
    return text + "; did you mean '" + near + "'?";
  text += "; there are";
  for (const std::string& each : names) text += " '" + each + "'";
  return text;
}

std::optional<std::string> why_not_allowed(const TaskParam& param, JsonValue value) {
  if (is_allowed(param, value)) return std::nullopt;
  return value.excerpt() + " is not allowed; wanted " + allowed_text(param);
}

std::optional<std::string> why_not_allowed(const TaskParam& param, std::int64_t number) {
  if (param.kind == Kind::whole && number >= param.min && number <= param.max) return std::nullopt;
  return std::to_string(number) + " is not allowed; wanted " + allowed_text(param);
}

std::optional<BadTaskParam> find_bad_task_param(const std::vector<TaskParam>& params,
                                                JsonValue object) {
  for (const auto& [key, value] : object.members()) {
    const TaskParam* param = find_task_param(params, key);
    if (!param) return BadTaskParam{value, unknown_task_param(params, key)};
    if (auto why = why_not_allowed(*param, value)) return BadTaskParam{value, std::move(*why)};
  }
  return std::nullopt;
}

}  // namespace framebus
