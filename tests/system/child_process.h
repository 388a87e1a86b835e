// One program started by a test: its output in files, its end waited for, killed by its own id at
// the latest when the object goes. Thread rule: one thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "libmsg/base/time.h"

namespace framebus::test {

class ChildProcess {
 public:
  struct Start {
    std::filesystem::path program;
    std::vector<std::string> arguments;
    std::vector<std::string> environment;  // NAME=VALUE, nothing else is inherited
    std::filesystem::path log_stem;        // output goes to STEM.out and STEM.err
  };

  explicit ChildProcess(Start start);
  ~ChildProcess();  // SIGKILL if it still runs (stopped or not), and reaped
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Its exit code, or 128 + the signal that ended it; none while it runs after that time.
  std::optional<int> wait_exit(Duration patience);
  bool is_running();
  std::string output() const;
  std::string errors() const;
  const std::filesystem::path& log_stem() const { return start_.log_stem; }

 private:
  Start start_;
  pid_t pid_ = -1;
  int pid_fd_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace framebus::test
