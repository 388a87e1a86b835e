#include "broker/core/lease.h"

#include <algorithm>
#include <utility>

#include "broker/core/ready.h"

namespace framebus::broker {

void set_attempt(Attempt& attempt, AttemptState to) {
  const bool allowed =
      std::any_of(attempt_rows.begin(), attempt_rows.end(),
                  [&](const AttemptRow& row) { return row.from == attempt.state && row.to == to; });
  FRAMEBUS_CHECK(allowed, "no such row in the attempt table");
  attempt.state = to;
}

std::uint32_t identify(State& state, const WorkerId& worker, const std::string& name) {
  const auto next = static_cast<std::uint32_t>(state.identities.size());
  const auto [entry, is_new] = state.identity_of.try_emplace(worker, next);
  if (is_new) {
    state.identities.push_back({worker, name});
  } else if (state.identities[entry->second].name != name) {
    state.identities[entry->second].name = name;
  }
  return entry->second;
}

Attempt* find_attempt(TaskDetail* detail, const Token& token) {
  return const_cast<Attempt*>(find_attempt(static_cast<const TaskDetail*>(detail), token));
}

const Attempt* find_attempt(const TaskDetail* detail, const Token& token) {
  if (detail == nullptr) return nullptr;
  for (const Attempt& attempt : detail->attempts) {
    if (attempt.is(token)) return &attempt;
  }
  return nullptr;
}

const Attempt* newest_attempt(const TaskDetail* detail) {
  if (detail == nullptr || detail->attempts.empty()) return nullptr;
  return &*std::max_element(detail->attempts.begin(), detail->attempts.end(),
                            [](const Attempt& a, const Attempt& b) {
                              return std::pair(a.epoch, a.grant) < std::pair(b.epoch, b.grant);
                            });
}

bool runs_alone(const TaskDetail* detail) {
  if (detail == nullptr) return false;
  const auto lost = std::count_if(
      detail->attempts.begin(), detail->attempts.end(), [](const Attempt& each) {
        return !each.started &&
               (each.end == AttemptEnd::worker_lost || each.end == AttemptEnd::lease_expired);
      });
  return lost >= lost_unstarted_max;
}

void end_alone(State& state, const Attempt& attempt, Lease& lease) {
  if (!std::exchange(lease.alone, false)) return;
  Worker& worker = state.workers.at(worker_of(state, attempt));
  --worker.alone;
  refresh_worker(state, worker);
}

LeaseKey key_of(TaskRef task, const Attempt& attempt) {
  return {task, attempt.epoch, attempt.grant};
}

const WorkerId& worker_of(const State& state, const Attempt& attempt) {
  return state.identities[attempt.identity].worker;
}

const Lease& lease_of(const State& state, TaskRef task, const Attempt& attempt) {
  const Worker& worker = state.workers.at(worker_of(state, attempt));
  return worker.leases.at(key_of(task, attempt));
}

Lease& lease_of(State& state, TaskRef task, const Attempt& attempt) {
  return const_cast<Lease&>(lease_of(static_cast<const State&>(state), task, attempt));
}

Attempt& add_attempt(TaskDetail& detail, Attempt attempt) {
  std::vector<Attempt>& all = detail.attempts;
  if (all.size() >= limits::attempts_kept_per_task_max) {
    const auto oldest =
        std::find_if(all.begin(), all.end(), [](const Attempt& each) { return !each.is_leased(); });
    FRAMEBUS_CHECK(oldest != all.end(), "more open leases of one task than its history holds");
    all.erase(oldest);
  }
  if (all.empty()) all.reserve(1);
  all.push_back(std::move(attempt));
  return all.back();
}

void open_lease(State& state, Job& job, std::uint32_t index, const Attempt& attempt) {
  const TaskRef task{job.id, index};
  const Identity& identity = state.identities[attempt.identity];
  const auto [entry, is_new] = state.workers.try_emplace(identity.worker);
  Worker& worker = entry->second;
  if (is_new) {
    worker.info.id = identity.worker;
    worker.name = identity.name;
  }
  const LeaseKey key = key_of(task, attempt);
  const auto [place, inserted] = worker.leases.try_emplace(key);
  FRAMEBUS_CHECK(inserted, "a lease is opened twice");
  Lease& lease = place->second;
  lease.sent_at = state.now;
  lease.until = state.now + state.options.lease;
  if (attempt.started) {
    lease.started_at = state.now;
    lease.progress_at = state.now;
    lease.phase = AttemptPhase::running;
  }
  lease.alone = !attempt.started && runs_alone(job.detail_of(index));
  worker.alone += lease.alone ? 1 : 0;
  ++job.in_flight;
  ++state.ledger.leases_opened;
  if (job.first_grant_at == TimePoint{}) job.first_grant_at = state.now;
  for (const auto& [limit, amount] : job.steps[job.step_of(index)].limits) {
    state.limits[limit].used += amount;
  }
  change_running(state, job.principal, 1);
  if (job.spec.max_parallel != 0) refresh_steps(state, job);
  refresh_worker(state, worker);
  if (state.began) arm_lease(state, identity.worker, key, lease);
}

void close_lease(State& state, Job& job, std::uint32_t index, const Attempt& attempt) {
  Worker& worker = state.workers.at(worker_of(state, attempt));
  const auto entry = worker.leases.find(key_of({job.id, index}, attempt));
  FRAMEBUS_CHECK(entry != worker.leases.end(), "a lease is closed that is not open");
  const LeaseKey& key = entry->first;
  state.timers.disarm(
      {entry->second.armed, TimerKind::lease, key.task, worker.info.id, key.epoch, key.grant});
  worker.alone -= entry->second.alone ? 1 : 0;
  worker.leases.erase(entry);
  --job.in_flight;
  ++state.ledger.leases_closed;
  if (attempt.has_log) state.ended_logs.push_back(key_of({job.id, index}, attempt));
  for (const auto& [limit, amount] : job.steps[job.step_of(index)].limits) {
    state.limits[limit].used -= amount;
  }
  change_running(state, job.principal, -1);
  if (job.spec.max_parallel != 0) refresh_steps(state, job);
  refresh_worker(state, worker);
}

void retire_attempts(State& state, Job& job, std::uint32_t index, const Attempt* except) {
  TaskDetail* detail = job.detail_of(index);
  if (detail == nullptr) return;
  for (Attempt& attempt : detail->attempts) {
    if (&attempt == except || !attempt.is_live()) continue;
    if (attempt.is_leased()) {
      close_lease(state, job, index, attempt);
      attempt.end = AttemptEnd::superseded;
    }
    set_attempt(attempt, AttemptState::retired);
  }
}

TimePoint timeout_of(const State& state, const Lease& lease, const StepSpec& spec) {
  const TimePoint at = lease.started_at + milliseconds(spec.timeout_ms);
  // Started before a restart: its result may be on the worker, which first has to come back.
  if (lease.started_at >= state.began_at) return at;
  return std::max(at, state.began_at + state.options.restart_grace);
}

TimePoint lease_deadline(const State& state, const Job& job, std::uint32_t index,
                         const Lease& lease) {
  const StepSpec& spec = job.spec.steps[job.step_of(index)];
  TimePoint at = lease.until;
  switch (job.tasks[index].state) {
    case TaskState::leased:
      if (lease.starting_since != TimePoint{}) {
        at = std::min(at, lease.starting_since + state.options.start_within);
      }
      break;
    case TaskState::running:
      if (spec.timeout_ms > 0) at = std::min(at, timeout_of(state, lease, spec));
      if (spec.progress_timeout_ms > 0) {
        at = std::min(at, lease.progress_at + milliseconds(spec.progress_timeout_ms));
      }
      break;
    case TaskState::cancelling:
      // At most once: as long as its worker lists it, it may still run.
      if (!spec.at_most_once) at = std::min(at, lease.stop_by);
      break;
    default:
      break;
  }
  return at;
}

void arm_lease(State& state, const WorkerId& worker, const LeaseKey& key, Lease& lease) {
  const Job& job = state.jobs.at(key.task.job);
  const TimePoint at = lease_deadline(state, job, key.task.index, lease);
  if (lease.armed != TimePoint{} && lease.armed <= at) return;
  if (lease.armed != TimePoint{}) {
    state.timers.disarm({lease.armed, TimerKind::lease, key.task, worker, key.epoch, key.grant});
  }
  lease.armed = at;
  state.timers.arm({at, TimerKind::lease, key.task, worker, key.epoch, key.grant});
}

}  // namespace framebus::broker
