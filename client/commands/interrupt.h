// Ctrl-C and termination as a question: "has somebody asked this program to end?"
#pragma once

namespace framebus::client {

// While an object lives, the first SIGINT, SIGTERM or SIGHUP only sets a flag; the second ends the
// process at once with 128 + signal. A signal that the process was started to ignore (nohup) stays
// ignored. One object at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  static bool is_interrupted();
  // 130 for Ctrl-C, 128 + signal in general.
  static int exit_code();
};

}  // namespace framebus::client
