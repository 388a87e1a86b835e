// A worker that lives: the core, a connection, slots, timers. One object is one worker; a process
// may hold several (`framebus local` does).
//
// The loop's thread only moves messages: it never touches a disk or a blob and runs no executor, so
// heartbeats keep their rhythm under any work. Thread rule: run() on one thread; drain() and stop()
// may be called from any, any number of times.
#pragma once

#include <memory>

#include "libmsg/base/result.h"
#include "libmsg/transport/transport.h"
#include "worker/shell/config.h"
#include "worker/shell/executor_child.h"

namespace framebus::worker {

class WorkerProcess {
 public:
  // Takes a place in the data directory, makes executors and slots. Connects only in run().
  // `program`: what runs the executors, unless the configuration wants them in this process.
  // Errors: those of check(), Home::open() and make_executors(), and an unusable cache directory.
  static Result<std::unique_ptr<WorkerProcess>> create(const WorkerConfig& config,
                                                       std::shared_ptr<Context> context,
                                                       ChildProgram program = {});
  // stop(), then waits for run() of start() and for every executor.
  virtual ~WorkerProcess() = default;

  // Works until drained, stopped or refused for good; returns the exit code (0, or one of error.h).
  // Call once.
  virtual int run() = 0;
  // run() on a thread of its own. wait() returns its exit code.
  virtual void start() = 0;
  virtual int wait() = 0;

  virtual void drain() noexcept = 0;  // finish what runs, hand it over, end
  virtual void stop() noexcept = 0;   // end now; what runs is cancelled and runs elsewhere
  // After run(): no executor is left running; waits at most so long. False: leave by _exit.
  virtual bool wait_idle(Duration most) = 0;
  // After run(): an administrator wants the program to begin anew.
  virtual bool wants_restart() const = 0;
  virtual const WorkerId& id() const = 0;
};

}  // namespace framebus::worker
