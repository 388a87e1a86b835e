// Query: reads state, in pages that fit one message. Changes nothing.
#pragma once

#include "broker/core/turn.h"

namespace framebus::broker {

void on_query(Turn& turn, SessionId session, const Query& message);

// Why this worker does not run this task: the first filter that fails, in the order task_type,
// labels, cpus, memory, gpus, compute_capability, gpu_memory, connection, suspect, draining,
// excluded, credit.
Explanation explain(const State& state, const Job& job, std::uint32_t index, const Worker& worker);

}  // namespace framebus::broker
