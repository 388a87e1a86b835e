// Jobs as a whole: accepted, forgotten, and the start of a core after its replay.
#include <algorithm>

#include "broker/core/apply.h"
#include "broker/core/digest.h"
#include "broker/core/lease.h"
#include "broker/core/ready.h"
#include "broker/core/transition.h"

namespace framebus::broker {
namespace {

std::uint32_t limit_index(State& state, const std::string& name) {
  for (std::uint32_t index = 0; index < state.limits.size(); ++index) {
    if (state.limits[index].name == name) return index;
  }
  // A recovered job may name a limit that is configured no more: nothing bounds it then.
  state.limits.push_back({name, UINT32_MAX, 0});
  return static_cast<std::uint32_t>(state.limits.size() - 1);
}

void build_steps(State& state, Job& job) {
  std::uint32_t first = 0;
  job.steps.resize(job.spec.steps.size());
  for (std::uint32_t index = 0; index < job.steps.size(); ++index) {
    const StepSpec& spec = job.spec.steps[index];
    Step& step = job.steps[index];
    step.first = first;
    step.count = spec.task_count;
    step.queued = IndexSet(spec.task_count);
    first += spec.task_count;
    for (const Dependency& dependency : spec.depends_on) {
      job.steps[dependency.step].dependents.push_back({index, dependency.by_task});
    }
    for (const NamedLimit& limit : spec.limits) {
      step.limits.emplace_back(limit_index(state, limit.name), limit.amount);
    }
  }
  job.tasks.resize(first);
}

// Row 1 for every task at once.
void enter_tasks(State& state, Job& job) {
  for (std::uint32_t index = 0; index < job.steps.size(); ++index) {
    Step& step = job.steps[index];
    const bool waits = !job.spec.steps[index].depends_on.empty();
    const TaskState initial = waits ? TaskState::held : TaskState::queued;
    for (StateCounts* counts : {&state.counts, &job.counts, &step.counts}) {
      (*counts)[static_cast<std::size_t>(initial)] += step.count;
    }
    if (!waits) {
      for (std::uint32_t place = 0; place < step.count; ++place) {
        job.tasks[step.first + place].state = TaskState::queued;
        step.queued.insert(place);
      }
    }
    state.hits[1] += step.count;
    step.shape = join_shape(state, job, index);
    refresh_step(state, job, index);
  }
  state.open_tasks += job.tasks.size();
}

void count_active(State& state, const Job& job) {
  ++state.active_jobs;
  state.open_spec_bytes += job.spec_bytes;
  for (std::size_t each = 0; each < task_state_count; ++each) {
    state.counts[each] += job.counts[each];
  }
}

void begin_job(State& state, Job& job) {
  job.accepted_at = state.now;
  job.announced = job.state();
  for (std::uint32_t index = 0; index < job.tasks.size(); ++index) {
    if (job.tasks[index].state == TaskState::retry_wait) arm_retry(state, job, index);
    TaskDetail* detail = job.detail_of(index);
    if (detail != nullptr && job.tasks[index].state == TaskState::failed) {
      detail->may_run_until = state.now + state.options.restart_grace;
    }
  }
  if (is_ended(job.announced)) {
    job.ended_at = state.now;
    state.finished.push_back(job.id);
    state.finished_tasks += job.tasks.size();
    job.finished_bytes = job.spec_bytes + job.outcome_bytes;
    state.finished_bytes += job.finished_bytes;
    state.timers.arm({state.now + state.options.finished_jobs_kept,
                      TimerKind::forget_job,
                      TaskRef{job.id, 0},
                      {},
                      0,
                      0});
    return;
  }
  count_active(state, job);
  if (job.spec.deadline_ms > 0 && !job.deadline_passed) {
    state.timers.arm({state.now + milliseconds(job.spec.deadline_ms),
                      TimerKind::deadline,
                      TaskRef{job.id, 0},
                      {},
                      0,
                      0});
  }
}

}  // namespace

void arm_retry(State& state, Job& job, std::uint32_t index) {
  TaskDetail& detail = *job.detail_of(index);
  detail.retry_at = state.now + milliseconds(detail.retry_delay_ms);
  if (!state.began) return;
  state.timers.arm({detail.retry_at, TimerKind::retry, TaskRef{job.id, index}, {}, 0, 0});
}

void apply_job(State& state, const JobAccepted& record) {
  Job& job = state.jobs[record.job];
  job.id = record.job;
  job.submit_id = record.submit_id;
  job.spec = record.spec;
  job.principal = join_principal(state, record.owner);
  job.accepted_lsn = state.lsn;
  job.accepted_at = state.now;
  job.spec_bytes = bytes_of(job.spec);
  state.next_job = std::max(state.next_job, record.job.value + 1);
  build_steps(state, job);
  enter_tasks(state, job);
  if (!record.submit_id.is_none()) {
    state.submits[record.submit_id] = {job.id, digest_of(job.spec),
                                       static_cast<std::uint32_t>(job.tasks.size()), state.lsn};
  }
  mark_job(state, job);
  if (!state.began) return;
  ++state.active_jobs;
  state.open_spec_bytes += job.spec_bytes;
  if (job.spec.deadline_ms > 0) {
    state.timers.arm({state.now + milliseconds(job.spec.deadline_ms),
                      TimerKind::deadline,
                      TaskRef{job.id, 0},
                      {},
                      0,
                      0});
  }
}

void apply_forgotten(State& state, const JobForgotten& record) {
  const auto entry = state.jobs.find(record.job);
  Job& job = entry->second;
  FRAMEBUS_CHECK(job.open_tasks() == 0, "a job is forgotten that has not ended");
  for (const Step& step : job.steps) leave_shape(state, step.shape);
  leave_principal(state, job.principal);
  if (!job.submit_id.is_none()) {
    state.forgotten_submits.push_back(job.submit_id);
    if (state.forgotten_submits.size() > forgotten_submits_max) {
      state.submits.erase(state.forgotten_submits.front());
      state.forgotten_submits.pop_front();
    }
  }
  state.dirty_jobs.erase(job.id);
  state.jobs.erase(entry);
}

void begin(State& state, TimePoint now) {
  state.now = now;
  state.began_at = now;
  state.began = true;
  state.hits = {};
  state.counts = {};
  for (auto& [id, job] : state.jobs) begin_job(state, job);
  state.dirty_jobs.clear();
  for (auto& [id, worker] : state.workers) {
    worker.lost_at = now;
    worker.reason = "not back since the broker's restart";
    state.timers.arm({now + 4 * state.options.lease, TimerKind::forget_worker, {}, id, 0, 0});
    for (auto& [key, lease] : worker.leases) {
      lease.granted_at = now;
      lease.until = now + std::max(state.options.lease, state.options.restart_grace);
      if (lease.phase == AttemptPhase::running) lease.started_at = lease.progress_at = now;
      lease.stop_by = lease.until;
      lease.armed = {};
      arm_lease(state, id, key, lease);
    }
  }
}

}  // namespace framebus::broker
