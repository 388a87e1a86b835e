// The only way durable state changes, live and in replay: one function for each record.
//
// A record was decided by a handler against the same state, so apply() checks (FRAMEBUS_CHECK) and
// never refuses. State::lsn is the record's number and State::now the moment (zero in replay:
// begin() sets the times afterwards).
#pragma once

#include "broker/core/record.h"
#include "broker/core/state.h"

namespace framebus::broker {

// Returns how many tasks changed their state by a JobActed itself, without what followed from it;
// else 0.
std::uint32_t apply(State& state, const Record& record);

// Parts of it, by family.
std::uint32_t apply_deed(State& state, const JobActed& record);
void apply_job(State& state, const JobAccepted& record);
void apply_forgotten(State& state, const JobForgotten& record);

// Sets what replay could not: times, timers. Called once, by the first step().
void begin(State& state, TimePoint now);

// Arms the timer of a task in retry_wait.
void arm_retry(State& state, Job& job, std::uint32_t index);

}  // namespace framebus::broker
