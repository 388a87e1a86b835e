// Job files for tests, as texts. Thread rule: pure.
#pragma once

#include <string>

#include "libmsg/base/time.h"

namespace framebus::test {

// `count` tasks of type `type`, each with these parameters; `more` are further keys of the job.
inline std::string job_of(const std::string& type, int count, const std::string& params,
                          const std::string& more = "") {
  std::string tasks;
  for (int i = 0; i < count; ++i)
    tasks += std::string(i ? ", " : "") + "{\"params\": " + params + "}";
  return "{\"type\": \"" + type + "\", \"tasks\": [" + tasks + "]" +
         (more.empty() ? "" : ", " + more) + "}";
}

inline std::string echo_job(int count, const std::string& more = "") {
  return job_of("echo", count, "{\"say\": \"hello\"}", more);
}

inline std::string sleep_job(int count, Duration each, const std::string& more = "") {
  return job_of("sleep", count, "{\"ms\": " + std::to_string(to_ms(each)) + "}", more);
}

}  // namespace framebus::test
