// Which blobs the jobs in memory and the open uploads name, and how often: so that the store can be
// asked to drop the others. Derived from the state; kept by apply(). Costs nothing for tasks
// without blobs.
#pragma once

#include "broker/core/turn.h"

namespace framebus::broker {

void use_blobs(State& state, const std::vector<BlobRef>& blobs);
void release_blobs(State& state, const std::vector<BlobRef>& blobs);
// The inputs of every step.
void use_inputs(State& state, const JobSpec& spec);
void release_inputs(State& state, const JobSpec& spec);
// All that a job names: inputs and recorded results. O(tasks that were ever granted).
void release_blobs_of(State& state, const Job& job);

// Answers with those that nothing here names.
void on_blobs_offered(Turn& turn, const std::vector<BlobHash>& blobs);

}  // namespace framebus::broker
