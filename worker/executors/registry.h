// The only list of executors: task type -> what runs it. A new executor is a file of its own and
// one row in registry.cpp.
//
// Parameters of the built-in types are JSON objects. A task's own parameters (TaskInput::params)
// override those of its step (TaskInput::step_params) key by key; json_params.h reads the two
// together.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "worker/executors/executor.h"

namespace framebus::worker {

struct ExecutorEntry {
  std::string_view type;
  std::string_view summary;  // one sentence, for people
  // Types of one role share a process: what one of them does can not cost another role its caches.
  std::string_view role;
  std::unique_ptr<Executor> (*make)();
};

// In alphabetical order; only what this build contains.
const std::vector<ExecutorEntry>& executor_registry();

// One instance of each wanted type, made once for each worker and shared by its slots. `wanted`
// empty: all. invalid_argument names an unknown type, the nearest and all known ones.
Result<std::vector<std::unique_ptr<Executor>>> make_executors(
    const std::vector<std::string>& wanted);

// Those of one role; none for an unknown one.
std::vector<std::unique_ptr<Executor>> make_executors_of(std::string_view role);
// Empty for an unknown type.
std::string_view role_of(std::string_view type);

}  // namespace framebus::worker
