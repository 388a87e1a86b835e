// The durable part of the state as text, every field of it: two cores that have seen the same
// records print the same, whether they lived through them or replayed them, before and after
// compaction. For tests, the simulator and the eye; O(state).
//
// Left out: what is derived (counts, queues, indexes), what is volatile (leases, sessions, timers,
// copies of archived jobs), and the names of workers (the last one known may have been compacted).
#pragma once

#include <string>

#include "broker/core/state.h"

namespace framebus::broker {

// One line for each job, step of its life, run of equal tasks, task, attempt, upload, submit id.
std::string durable_dump(const State& state);
// The same in 32 hex digits.
std::string durable_digest(const State& state);
// The lines in which two dumps differ first, for a failing test; empty when they are equal.
std::string first_difference(const std::string& one, const std::string& other);

}  // namespace framebus::broker
