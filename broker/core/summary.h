// What is told to people and programs about jobs, tasks and workers: State to the structs of
// parts.h.
#pragma once

#include "broker/core/state.h"

namespace framebus::broker {

JobSummary summarize_job(const State& state, const Job& job);
// How much of a task: without its result; with inline result and blobs; with its last errors too
// (those of a query for one task).
enum class Detail : std::uint8_t { state, result, whole };
TaskSummary summarize_task(const State& state, const Job& job, std::uint32_t index, Detail detail);
// Only what changes while it runs.
TaskSummary summarize_progress(const State& state, const Job& job, std::uint32_t index);
WorkerSummary summarize_worker(const State& state, const Worker& worker);
BrokerStatus summarize_broker(const State& state);

// Why the worker drains, in a sentence.
std::string why_draining(const Worker& worker);

// Why nothing of the job runs, in a sentence; empty when something does or it has ended.
std::string why_idle(const State& state, const Job& job);

}  // namespace framebus::broker
