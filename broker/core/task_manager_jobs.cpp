// Jobs as a whole after each step: their derived state and their end.
#include "broker/core/archive.h"
#include "broker/core/task_manager.h"
#include "broker/core/watch.h"

namespace framebus::broker {
namespace {

void count_out(State& state, const Job& job) {
  --state.active_jobs;
  state.open_spec_bytes -= job.spec_bytes;
  state.open_outcome_bytes -= job.outcome_bytes;
  for (std::size_t each = 0; each < task_state_count; ++each)
    state.counts[each] -= job.counts[each];
}

void count_in(State& state, const Job& job) {
  ++state.active_jobs;
  state.open_spec_bytes += job.spec_bytes;
  state.open_outcome_bytes += job.outcome_bytes;
  for (std::size_t each = 0; each < task_state_count; ++each)
    state.counts[each] += job.counts[each];
}

void end_job(Turn& turn, Job& job) {
  State& state = turn.state;
  ++state.counters.jobs_ended;
  count_out(state, job);
  finish_job(state, job);
  turn.note(
      1, "job " + to_string(job.id) + " '" + job.spec.name + "' " + std::string(word(job.state())));
}

bool has_waiting(const Job& job) {
  const auto count = [&](TaskState state) { return job.counts[static_cast<std::size_t>(state)]; };
  return count(TaskState::held) + count(TaskState::queued) + count(TaskState::retry_wait) > 0;
}

}  // namespace

void mend_jobs(Turn& turn) {
  std::vector<JobActed> records;
  for (const auto& [id, job] : turn.state.jobs) {
    if (!has_waiting(job)) continue;
    if (job.deadline_passed) {
      records.push_back({id, Deed::expire, {}, 0, ""});
    } else if (job.stopped) {
      records.push_back({id, Deed::stop, {}, 0, ""});
    }
  }
  for (JobActed& record : records) turn.persist(std::move(record));
}

void settle_jobs(Turn& turn) {
  State& state = turn.state;
  bool any_ended = false;
  for (const JobId id : state.dirty_jobs) {
    Job* job = state.find_job(id);
    const JobState now_in = job->state();
    const JobState before = job->announced;
    // Opened again and ended within one step: as if it had been seen in between.
    const bool is_another_end =
        is_ended(now_in) && is_ended(before) && job->archive_round != job->settled_round;
    if (now_in == before && !is_another_end) continue;
    job->announced = now_in;
    if (is_ended(before)) {
      count_in(state, *job);
      unfinish_job(state, *job);
    }
    if (is_ended(now_in)) {
      end_job(turn, *job);
      any_ended = true;
    }
    tell_watches(state, *job);
  }
  state.dirty_jobs.clear();
  if (any_ended) drop_oldest(turn);
}

}  // namespace framebus::broker
