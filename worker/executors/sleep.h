// sleep: waits for a given time and does nothing; for trials of scheduling, cancelling and
// timeouts.
//
//   {"type": "sleep", "params": {"ms": 250}}          or   {"duration": "1m30s"}
//
//   ms        0 to 86,400,000; how long to wait, in milliseconds (default 1000)
//   duration  the same as a text; wins over ms
//
// Reports its progress, ends within 20 ms of a cancel. The result is {"slept_ms": n}. Reads no
// inputs.
#pragma once

#include <memory>

#include "worker/executors/executor.h"

namespace framebus::worker {

std::unique_ptr<Executor> make_sleep_executor();

}  // namespace framebus::worker
