// Slots that run executors in processes of their own, which can be killed with all their children.
//
// A slot keeps one process for each role it has been asked for, started when it is first needed and
// kept warm between tasks, so that scenes stay in memory. A thread of the slot talks to it and does
// its blob transfers. Thread rule: see SlotPool.
#pragma once

#include <memory>

#include "worker/shell/attempt_context.h"
#include "worker/shell/cache_trim.h"
#include "worker/shell/executor_child.h"
#include "worker/shell/slot_pool.h"

namespace framebus::worker {

// All references outlive the pool.
std::unique_ptr<SlotPool> make_child_slots(unsigned slots, const AttemptServices& services,
                                           CacheTrim& trim, ChildProgram program);

}  // namespace framebus::worker
