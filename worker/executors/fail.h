// fail: fails on purpose; for trials of retries, dead letters and crashing workers.
//
//   {"type": "fail", "params": {"times": 2, "message": "no licence"}}
//
//   times      0 to 1,000,000; the first so many attempts fail, later ones succeed
//              (default: all fail)
//
//   permanent  true: the error says that trying again can not help (default false)
//
//   crash      true: instead of an error the whole worker process ends by abort();
//              every task it runs loses its attempt. Not for workers that do real
//              work (default false)
//
//   message    text of the error (default "failed on purpose")
//
// The result of an attempt that succeeds is {"attempt": n}. Attempts are counted by the broker,
// from 1.
#pragma once

#include <memory>

#include "worker/executors/executor.h"

namespace framebus::worker {

std::unique_ptr<Executor> make_fail_executor();

}  // namespace framebus::worker
