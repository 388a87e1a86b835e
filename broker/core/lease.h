// Opening and closing leases: the worker's slot, the job's, principal's and named limits' counts
// move together here and nowhere else. Called by apply(); times are set from State::now.
#pragma once

#include "broker/core/state.h"

namespace framebus::broker {

// Checks the attempt table and moves the attempt.
void set_attempt(Attempt& attempt, AttemptState to);

// The index of this worker in State::identities, made if it is new.
std::uint32_t identify(State& state, const WorkerId& worker, const std::string& name);

Attempt* find_attempt(TaskDetail* detail, const Token& token);
const Attempt* find_attempt(const TaskDetail* detail, const Token& token);
// The newest attempt by (epoch, grant); nullptr without any.
const Attempt* newest_attempt(const TaskDetail* detail);

LeaseKey key_of(TaskRef task, const Attempt& attempt);
const WorkerId& worker_of(const State& state, const Attempt& attempt);
// The open lease of an attempt; the attempt must be leased.
Lease& lease_of(State& state, TaskRef task, const Attempt& attempt);
const Lease& lease_of(const State& state, TaskRef task, const Attempt& attempt);

// A task that was lost with its worker before it started, `lost_unstarted_max` times or more, may
// be what takes workers down while another one is blamed. It is granted into an idle slot only and
// nothing is prefetched behind it until it has started, so that the next loss is its own.
// O(attempts).
bool runs_alone(const TaskDetail* detail);
inline constexpr std::uint32_t lost_unstarted_max = 2;
// The attempt has started: others may wait behind it.
void end_alone(State& state, const Attempt& attempt, Lease& lease);

// Appends an attempt; the oldest closed one leaves a full history.
Attempt& add_attempt(TaskDetail& detail, Attempt attempt);

void open_lease(State& state, Job& job, std::uint32_t index, const Attempt& attempt);
void close_lease(State& state, Job& job, std::uint32_t index, const Attempt& attempt);

// Closes what is open and makes every live attempt but `except` retired.
void retire_attempts(State& state, Job& job, std::uint32_t index, const Attempt* except);

// When a running attempt has passed its step's timeout (which is not 0).
TimePoint timeout_of(const State& state, const Lease& lease, const StepSpec& spec);
// When this lease has to be looked at next.
TimePoint lease_deadline(const State& state, const Job& job, std::uint32_t index,
                         const Lease& lease);
// Arms its timer for that moment, if it is earlier than what is armed.
void arm_lease(State& state, const WorkerId& worker, const LeaseKey& key, Lease& lease);

}  // namespace framebus::broker
