// The only way durable state changes, live and in replay: one function for each record.
//
// A record was decided by a handler against the same state, so apply() checks (FRAMEBUS_CHECK) and
// never refuses. State::lsn is the record's number and State::now the moment it was made, in replay
// too: so the times that apply() sets are the same after a restart.
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
void apply_upload(State& state, const UploadOpened& record);
void apply_upload(State& state, const UploadPart& record);
void apply_upload(State& state, const UploadDropped& record);
void apply_revived(State& state, const JobRevived& record);

// The steps and tasks of a job whose spec is there.
void build_steps(State& state, Job& job);
// The job leaves memory: what the scheduler and the blob index keep for it goes too.
void remove_job(State& state, JobId id);

// Sets what replay does not: sums, timers, the grace of recovered leases. Called once, by the first
// step().
void begin(State& state, TimePoint now);

// Arms the timer of a task in retry_wait.
void arm_retry(State& state, Job& job, std::uint32_t index);

}  // namespace framebus::broker
