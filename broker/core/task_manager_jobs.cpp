// Jobs as a whole after each step: their derived state, their end, and when they leave memory.
#include <utility>

#include "broker/core/task_manager.h"
#include "broker/core/watch.h"

namespace framebus::broker {
namespace {

void count_out(State& state, const Job& job) {
  --state.active_jobs;
  state.open_spec_bytes -= job.spec_bytes;
  for (std::size_t each = 0; each < task_state_count; ++each)
    state.counts[each] -= job.counts[each];
}

void count_in(State& state, const Job& job) {
  ++state.active_jobs;
  state.open_spec_bytes += job.spec_bytes;
  for (std::size_t each = 0; each < task_state_count; ++each)
    state.counts[each] += job.counts[each];
}

void end_job(Turn& turn, Job& job) {
  State& state = turn.state;
  ++state.counters.jobs_ended;
  count_out(state, job);
  job.ended_at = turn.now();
  state.finished.push_back(job.id);
  state.finished_tasks += job.tasks.size();
  job.finished_bytes = job.spec_bytes + job.outcome_bytes;
  state.finished_bytes += job.finished_bytes;
  state.timers.arm({turn.now() + state.options.finished_jobs_kept,
                    TimerKind::forget_job,
                    TaskRef{job.id, 0},
                    {},
                    0,
                    0});
  turn.note(
      1, "job " + to_string(job.id) + " '" + job.spec.name + "' " + std::string(word(job.state())));
}

void forget(Turn& turn, JobId id) {
  drop_watches_of_job(turn, id);
  std::erase(turn.state.finished, id);
  const Job& job = *turn.state.find_job(id);
  turn.state.finished_tasks -= job.tasks.size();
  turn.state.finished_bytes -= job.finished_bytes;
  turn.persist(JobForgotten{id, {}, {}, 0, false});
}

// Finished jobs beyond the bound: the oldest go.
void drop_oldest(Turn& turn) {
  State& state = turn.state;
  while (!state.finished.empty() &&
         (state.finished.size() > finished_jobs_max || state.finished_tasks > finished_tasks_max ||
          state.finished_bytes > state.options.queued_spec_bytes_max)) {
    forget(turn, state.finished.front());
  }
}

}  // namespace

void settle_jobs(Turn& turn) {
  State& state = turn.state;
  bool any_ended = false;
  for (const JobId id : state.dirty_jobs) {
    Job* job = state.find_job(id);
    const JobState now_in = job->state();
    const JobState before = job->announced;
    if (now_in == before) continue;
    job->announced = now_in;
    if (is_ended(now_in) && !is_ended(before)) {
      end_job(turn, *job);
      any_ended = true;
    }
    if (!is_ended(now_in) && is_ended(before)) {
      count_in(state, *job);
      job->ended_at = {};
      job->first_grant_at = {};
      std::erase(state.finished, id);
      state.finished_tasks -= job->tasks.size();
      state.finished_bytes -= std::exchange(job->finished_bytes, 0);
    }
    tell_watches(state, *job);
  }
  state.dirty_jobs.clear();
  if (any_ended) drop_oldest(turn);
}

void on_forget_due(Turn& turn, JobId id) {
  State& state = turn.state;
  Job* job = state.find_job(id);
  if (job == nullptr || !is_ended(job->announced)) return;
  if (job->ended_at + state.options.finished_jobs_kept > turn.now()) return;
  forget(turn, id);
}

}  // namespace framebus::broker
