// fail: fails on purpose, in every way that a task can; for trials of retries, dead letters,
// crashes, timeouts and of ending what does not want to end.
//
//   {"type": "fail", "params": {"times": 2, "message": "no licence"}}
//
//   times      0 to 1,000,000; the first so many attempts fail, later ones succeed
//              (default: all fail)
//
//   mode       how an attempt fails (default "error"):
//              error     returns an error
//              abort     its process ends by abort()
//              segfault  its process writes to address 0
//              exit      its process ends with exit code 3
//              hang      never returns, says nothing, does not look at a cancel
//              flood     prints a mebibyte of random bytes, then returns an error
//              memory    takes `mebibytes` of memory and holds them for `ms`, then
//                        returns an error
//              escape    forks `processes` processes, each through two forks and into a
//                        session of its own, where they ignore all signals that can be
//                        ignored; logs "escaped: PID" for each; then does `then`
//
//   then       a mode, behind escape (default "error")
//   processes  1 to 100 (default 2)
//   mebibytes  0 to 1,000,000 (default 64)
//   ms         0 to 86,400,000 (default 0)
//
//   permanent  true: the error says that trying again can not help (default false)
//   crash      true: the same as "mode": "abort"
//   message    text of the error (default "failed on purpose")
//   prepared   the text is instead what primaries have prepared under this name
//
// The result of an attempt that succeeds is {"attempt": n}. Attempts are counted by the broker,
// from 1. In `framebus local` executors have no process of their own: there the modes that end one
// end everything.
#pragma once

#include <memory>

#include "worker/executors/executor.h"

namespace framebus::worker {

std::unique_ptr<Executor> make_fail_executor();

}  // namespace framebus::worker
