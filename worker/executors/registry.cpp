#include "worker/executors/registry.h"

#include <algorithm>

#include "libmsg/base/config.h"
#include "worker/executors/echo.h"
#include "worker/executors/fail.h"
#include "worker/executors/sleep.h"
#ifdef FRAMEBUS_HAVE_RENDER
#include "worker/executors/render/render_executor.h"
#endif

namespace framebus::worker {

const std::vector<ExecutorEntry>& executor_registry() {
  static const std::vector<ExecutorEntry> entries = {
      {"echo", "returns its parameters", "plain", make_echo_executor},
      {"fail", "fails a given number of times, or misbehaves", "plain", make_fail_executor},
#ifdef FRAMEBUS_HAVE_RENDER
      {"render", "path traces a part of an image frame", "render",
       [] { return make_render_executor(); }},
#endif
      {"sleep", "waits for a given time", "plain", make_sleep_executor},
  };
  return entries;
}

Result<std::vector<std::unique_ptr<Executor>>> make_executors(
    const std::vector<std::string>& wanted) {
  std::vector<std::string> known;
  for (const ExecutorEntry& entry : executor_registry()) known.emplace_back(entry.type);
  for (const std::string& type : wanted) {
    if (std::find(known.begin(), known.end(), type) != known.end()) continue;
    std::string text = "no executor for task type '" + type + "'";
    if (const std::string near = nearest_name(type, known); !near.empty())
      text += "; did you mean '" + near + "'?";
    text += " This build has:";
    for (const std::string& name : known) text += ' ' + name;
    return fail(Code::invalid_argument, std::move(text));
  }
  std::vector<std::unique_ptr<Executor>> executors;
  for (const ExecutorEntry& entry : executor_registry())
    if (wanted.empty() || std::find(wanted.begin(), wanted.end(), entry.type) != wanted.end())
      executors.push_back(entry.make());
  return executors;
}

std::vector<std::unique_ptr<Executor>> make_executors_of(std::string_view role) {
  std::vector<std::unique_ptr<Executor>> executors;
  for (const ExecutorEntry& entry : executor_registry())
    if (entry.role == role) executors.push_back(entry.make());
  return executors;
}

std::string_view role_of(std::string_view type) {
  for (const ExecutorEntry& entry : executor_registry())
    if (entry.type == type) return entry.role;
  return {};
}

}  // namespace framebus::worker
