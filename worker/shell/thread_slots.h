// Slots that run executors on threads of this process: nothing to start, nothing that can be
// killed.
//
// An executor that crashes takes the process with it, one that is deaf keeps its slot. For
// `framebus local`, whose process is the farm, and for tests. Thread rule: see SlotPool.
#pragma once

#include <memory>

#include "worker/shell/attempt_context.h"
#include "worker/shell/cache_trim.h"
#include "worker/shell/slot_pool.h"
#include "worker/shell/task_run.h"

namespace framebus::worker {

// All references outlive the pool.
std::unique_ptr<SlotPool> make_thread_slots(unsigned slots, const AttemptServices& services,
                                            const Executors& executors, CacheTrim& trim);

}  // namespace framebus::worker
