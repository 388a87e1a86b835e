// What is told to people and programs about jobs, tasks and workers: State to the structs of
// parts.h.
#pragma once

#include "broker/core/state.h"

namespace framebus::broker {

JobSummary summarize_job(const State& state, const Job& job);
// `with_result`: inline result and blobs too.
TaskSummary summarize_task(const State& state, const Job& job, std::uint32_t index,
                           bool with_result);
// Only what changes while it runs.
TaskSummary summarize_progress(const State& state, const Job& job, std::uint32_t index);
WorkerSummary summarize_worker(const State& state, const Worker& worker);
BrokerStatus summarize_broker(const State& state);

// Why nothing of the job runs, in a sentence; empty when something does or it has ended.
std::string why_idle(const State& state, const Job& job);

}  // namespace framebus::broker
