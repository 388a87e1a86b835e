// Orders of administrators to workers (messages 52 to 54): drain, resume, restart, remove.
// Volatile.
//
// The broker acts at once, whether or not the worker does: what drains gets no new grants, what is
// removed loses its session and, for a while, may not come back. An order outlives lost
// connections of the same process; a worker that was started anew is in order again. Idempotent.
// Each is noted with who gave it.
#pragma once

#include "broker/core/turn.h"

namespace framebus::broker {

void on_administer(Turn& turn, SessionId session, const Administer& message);

// A worker says Hello: whether it was removed. Expired removals do not count.
Status check_removed(const State& state, const WorkerId& worker);
void on_removal_over(State& state, const WorkerId& worker);

// A worker says goodbye: its process has followed its order, or needs it no more. The next one may
// have the same number: a worker that restarts keeps it, and in a container every one has 1.
void end_order(State& state, SessionId session);
// What an order means for this new Hello of the worker: nothing to a new process.
void keep_order(Worker& worker, const WorkerInfo& now);
// Tells the worker its order again.
void repeat_order(Turn& turn, const Worker& worker);

}  // namespace framebus::broker
