// The process that runs the executors of one role, one task after the other.
//
// The main thread runs tasks; a second one reads what the worker says (cancel, blobs, what was
// prepared) and ends the process at once when the worker is gone. What executors keep in memory
// (scenes) stays between tasks.
#pragma once

#include <sys/types.h>

namespace framebus::worker {

// `talk_fd`: the connection to the worker (child_protocol.h). `keeper`: the parent process, to
// which escaped processes belong. Returns the exit code: 64 for a role that this build does not
// have; otherwise only by _exit.
int run_child(int talk_fd, const char* role, pid_t keeper);

}  // namespace framebus::worker
