#include "broker/core/summary.h"

#include <algorithm>

#include "broker/core/conservation.h"
#include "broker/core/lease.h"
#include "broker/core/sticky.h"

namespace framebus::broker {
namespace {

std::uint32_t count(const Job& job, TaskState state) {
  return job.counts[static_cast<std::size_t>(state)];
}

std::vector<StateCount> list_counts(const StateCounts& counts) {
  std::vector<StateCount> out;
  for (std::size_t each = 0; each < task_state_count; ++each) {
    if (counts[each] > 0) out.push_back({static_cast<TaskState>(each), counts[each]});
  }
  return out;
}

AttemptSummary summarize_attempt(const State& state, const Attempt& attempt) {
  AttemptSummary out;
  out.epoch = attempt.epoch;
  out.grant = attempt.grant;
  out.worker = worker_of(state, attempt);
  out.worker_name = state.identities[attempt.identity].name;
  out.end = attempt.end;
  out.run_ms = attempt.run_ms;
  if (attempt.is_leased()) {
    out.run_ms = to_ms(state.now - attempt.granted_at);
  }
  if (attempt.error) out.error = *attempt.error;
  return out;
}

const Attempt* leased_attempt(const TaskDetail* detail) {
  if (detail == nullptr) return nullptr;
  for (const Attempt& attempt : detail->attempts) {
    if (attempt.is_leased()) return &attempt;
  }
  return nullptr;
}

void add_progress(const State& state, const Job& job, std::uint32_t index, TaskSummary& out) {
  const Attempt* attempt = leased_attempt(job.detail_of(index));
  if (attempt == nullptr) return;
  const Lease& lease = lease_of(state, {job.id, index}, *attempt);
  out.progress_permille = lease.permille;
  out.status = lease.status;
}

}  // namespace

std::string why_idle(const State& state, const Job& job) {
  if (job.in_flight > 0 || job.open_tasks() == 0) return "";
  if (job.paused) return "paused; `framebus resume` lets it go on";
  if (count(job, TaskState::queued) == 0) {
    if (count(job, TaskState::retry_wait) > 0) return "waiting before the next try";
    return "its tasks are held: paused, or waiting for others";
  }
  for (std::uint32_t index = 0; index < job.steps.size(); ++index) {
    const Step& step = job.steps[index];
    if (step.queued.empty()) continue;
    const Shape& shape = state.shapes.at(step.shape);
    if (shape.fitting.empty()) {
      return "no connected worker can run step '" + job.spec.steps[index].name + "' (type '" +
             shape.type + "'); `framebus explain` says why, one line for each worker";
    }
    for (const auto& [limit, amount] : shape.limits) {
      const Limit& named = state.limits[limit];
      if (named.used + amount > named.amount) return "waiting for the limit '" + named.name + "'";
    }
  }
  if (!job.notice.empty()) return job.notice;
  return "waiting for a free slot";
}

JobSummary summarize_job(const State& state, const Job& job) {
  JobSummary out;
  out.id = job.id;
  out.name = job.spec.name;
  const auto principal = state.principals.find(job.principal);
  if (principal != state.principals.end()) out.owner = principal->second.name;
  out.state = job.state();
  out.priority = job.spec.priority;
  out.task_count = static_cast<std::uint32_t>(job.tasks.size());
  out.counts = list_counts(job.counts);
  for (std::uint32_t index = 0; index < job.steps.size(); ++index) {
    const StepSpec& spec = job.spec.steps[index];
    out.steps.push_back({spec.name, spec.type, job.steps[index].first, job.steps[index].count});
  }
  out.age_ms = to_ms(state.now - job.accepted_at);
  if (job.first_grant_at != TimePoint{}) {
    const TimePoint until = is_ended(out.state) ? job.ended_at : state.now;
    out.run_ms = std::max<std::int64_t>(0, to_ms(until - job.first_grant_at));
  }
  out.first_error = job.first_error;
  out.reason = why_idle(state, job);
  return out;
}

TaskSummary summarize_task(const State& state, const Job& job, std::uint32_t index,
                           Detail wanted) {
  TaskSummary out;
  out.task = {job.id, index};
  out.step = job.step_of(index);
  out.state = job.tasks[index].state;
  add_progress(state, job, index, out);
  const TaskDetail* detail = job.detail_of(index);
  if (detail == nullptr) return out;
  out.tries = detail->tries;
  out.crashes = detail->crashes;
  out.losses = detail->losses;
  for (const Attempt& attempt : detail->attempts) {
    out.attempts.push_back(summarize_attempt(state, attempt));
  }
  if (wanted != Detail::state && detail->outcome && out.state == TaskState::succeeded) {
    out.result = detail->outcome->result;
    out.blobs = detail->outcome->blobs;
  }
  if (detail->trouble && !detail->trouble->errors.empty()) {
    const LastError& last = detail->trouble->errors.back();
    if (out.state != TaskState::succeeded) out.error = last.error;
    out.log_tail = last.log_tail;
    if (wanted == Detail::whole) {
      for (const LastError& each : detail->trouble->errors) {
        out.errors.push_back({each.error, each.log_tail});
      }
    }
  }
  return out;
}

TaskSummary summarize_progress(const State& state, const Job& job, std::uint32_t index) {
  TaskSummary out;
  out.task = {job.id, index};
  out.step = job.step_of(index);
  out.state = job.tasks[index].state;
  add_progress(state, job, index, out);
  return out;
}

std::string why_draining(const Worker& worker) {
  if (!worker.order_reason.empty()) return worker.order_reason;
  return worker.reason.empty() ? "finishes what it has and takes no more" : worker.reason;
}

WorkerSummary summarize_worker(const State& state, const Worker& worker) {
  WorkerSummary out;
  out.info = worker.info;
  out.in_flight = worker.in_flight();
  out.credit = worker.may_be_granted() ? worker.free_credit() : 0;
  out.load = worker.load;
  out.silent_ms = to_ms(state.now - worker.heard_at);
  out.tasks_done = worker.tasks_done;
  out.tasks_failed = worker.tasks_failed;
  out.reason = worker.reason;
  if (!worker.is_connected()) {
    // Known from the journal, and its time to come back is not over.
    const bool may_come = worker.lost_at == state.began_at && worker.info.pid == 0 &&
                          state.now < state.began_at + state.options.restart_grace;
    out.state = may_come ? WorkerState::connecting : WorkerState::lost;
    if (out.reason.empty()) out.reason = "not connected";
  } else if (worker.state == SessionState::suspect) {
    out.state = WorkerState::lagging;
    out.reason =
        "no heartbeat for " + std::to_string(to_ms(state.now - worker.heartbeat_at)) + " ms";
  } else if (worker.state == SessionState::draining) {
    out.state = WorkerState::draining;
    out.reason = why_draining(worker);
  } else if (worker.loading > 0) {
    out.state = WorkerState::loading;
    out.reason = why_loading(worker);
  } else if (worker.has_idle_slot()) {
    out.state = WorkerState::ready;
  } else {
    out.state = WorkerState::busy;
    if (out.reason.empty()) {
      out.reason = "every slot is taken: " + std::to_string(worker.in_flight() + worker.strangers) +
                   " attempt(s), " + std::to_string(worker.info.slots) + " slot(s)";
    }
  }
  return out;
}

BrokerStatus summarize_broker(const State& state) {
  BrokerStatus out;
  out.version = state.options.version;
  out.epoch = state.options.epoch;
  out.ephemeral = state.options.ephemeral;
  out.uptime_ms = to_ms(state.now - state.began_at);
  out.workers = state.connected_workers;
  for (const auto& [id, worker] : state.workers) {
    if (!worker.is_connected()) continue;
    out.slots += worker.info.slots;
    out.slots_busy += std::min(worker.in_flight(), worker.info.slots);
  }
  out.jobs_active = state.active_jobs;
  out.tasks = list_counts(state.counts);
#define FRAMEBUS_X(name) out.counters.push_back({#name, state.counters.name});
  FRAMEBUS_BROKER_COUNTERS(FRAMEBUS_X)
#undef FRAMEBUS_X
  for (const BoundRow& row : bounds) {
    if (row.keeper != Keeper::core) continue;
    out.counters.push_back({"refused_" + std::string(row.name), state.refusals.of(row.bound)});
  }
  out.counters.push_back({"outcome_bytes", state.open_outcome_bytes});
  add_conservation(state, out.counters);
  return out;
}

}  // namespace framebus::broker
