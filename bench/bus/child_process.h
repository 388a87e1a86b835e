// A program started by the benchmark and ended with it. One thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "libmsg/base/result.h"

namespace framebus::bench {

class ChildProcess {
 public:
  // Starts argv[0]; its output goes to `log`. unavailable: names the program and the system error.
  static Result<ChildProcess> start(const std::vector<std::string>& argv,
                                    const std::filesystem::path& log);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  // SIGTERM, then SIGKILL after 2 s

  bool is_running();
  // User and system time it has used so far, seconds.
  double cpu_seconds() const;

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  void end();

  pid_t pid_ = -1;
};

}  // namespace framebus::bench
