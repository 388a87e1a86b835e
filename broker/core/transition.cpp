#include "broker/core/transition.h"

#include <algorithm>
#include <set>

#include "broker/core/lease.h"
#include "broker/core/ready.h"

namespace framebus::broker {
namespace {

using enum TaskState;

std::size_t at(TaskState state) {
  return static_cast<std::size_t>(state);
}

bool counts_as_failure(TaskState state) {
  return state == failed || state == dead;
}

// An ended job that runs once more: what the archive has of it is old.
void reopen(Job& job) {
  job.ended_at = {};
  job.first_grant_at = {};
  job.archived = false;
  job.archive_waiting = false;
  job.archived_upto = 0;
  ++job.archive_round;
}

void recount(State& state, Job& job, Step& step, TaskState from, TaskState to) {
  // An ended job that is opened again counts from the end of the step on (settle_jobs).
  const bool counted = !is_ended(job.announced);
  for (StateCounts* counts : {&job.counts, &step.counts, counted ? &state.counts : nullptr}) {
    if (counts == nullptr) continue;
    --(*counts)[at(from)];
    ++(*counts)[at(to)];
  }
  if (is_terminal(from) && !is_terminal(to)) {
    ++state.open_tasks;
    ++state.ledger.tasks_reopened;
    if (job.ended_at != TimePoint{}) reopen(job);
  }
  if (!is_terminal(from) && is_terminal(to)) {
    --state.open_tasks;
    ++state.ledger.tasks_ended;
    if (job.open_tasks() == 0) job.ended_at = state.now;
  }
  if (counts_as_failure(from)) --job.failures;
  if (counts_as_failure(to)) ++job.failures;
}

// No late result counts for a task that has ended.
void retire_closed(TaskDetail& detail) {
  for (Attempt& attempt : detail.attempts) {
    if (attempt.state == AttemptState::closed_live) set_attempt(attempt, AttemptState::retired);
  }
}

// Asked after a failure only: a retry by a person has lifted an earlier stop.
bool must_stop(const Job& job) {
  if (job.stopped) return false;
  if (job.spec.on_failure == OnFailure::stop && job.failures > 0) return true;
  return job.spec.max_failures > 0 && job.failures > job.spec.max_failures;
}

// Abandons held tasks of a step, and adds them to those that have ended.
void abandon(State& state, Job& job, std::uint32_t begin, std::uint32_t end,
             std::vector<std::uint32_t>& ended) {
  for (std::uint32_t each = begin; each < end; ++each) {
    if (job.tasks[each].state != held) continue;
    move_task(state, job, each, 29, abandoned);
    ended.push_back(each);
  }
}

// The whole of a step has succeeded: its followers that wait for no other step are looked at, task
// by task, for the only time.
void release_followers(State& state, Job& job, const Step& from) {
  for (const std::uint32_t follower : from.followers) {
    Step& step = job.steps[follower];
    if (!waits_met(job, step)) continue;
    for (std::uint32_t each = step.first; each < step.first + step.count; ++each) {
      if (step.counts[at(held)] == 0) break;
      release_if_free(state, job, each);
    }
  }
}

// After a bad end no task of a step that waits for the whole of this one is held any more.
void abandon_followers(State& state, Job& job, const Step& from,
                       std::vector<std::uint32_t>& ended) {
  for (const std::uint32_t follower : from.followers) {
    const Step& step = job.steps[follower];
    if (step.counts[at(held)] > 0) abandon(state, job, step.first, step.first + step.count, ended);
  }
}

}  // namespace

void hit_row(State& state, std::uint32_t row) {
  ++state.hits[row];
}

TaskDetail& touch(Job& job, std::uint32_t index) {
  Task& task = job.tasks[index];
  if (task.detail == 0) {
    job.details.emplace_back();
    task.detail = static_cast<std::uint32_t>(job.details.size());
  }
  return job.details[task.detail - 1];
}

void mark_job(State& state, Job& job) {
  job.last_lsn = state.lsn;
  state.dirty_jobs.insert(job.id);
}

void mark_changed(State& state, Job& job, std::uint32_t index) {
  if (job.watches.empty()) return;
  job.changes.note(index);
  state.dirty_watches.insert(job.awake.begin(), job.awake.end());
}

void move_task(State& state, Job& job, std::uint32_t index, std::uint32_t row, TaskState to) {
  const TaskRow& rule = task_rows[row];
  Task& task = job.tasks[index];
  const TaskState from = task.state;
  FRAMEBUS_CHECK(contains(rule.from, from), rule.event);
  FRAMEBUS_CHECK(contains(rule.to, to), rule.event);
  ++state.hits[row];
  const std::uint32_t step_index = job.step_of(index);
  Step& step = job.steps[step_index];
  recount(state, job, step, from, to);
  task.state = to;
  if (from == queued) step.queued.erase(index - step.first);
  if (to == queued) step.queued.insert(index - step.first);
  if (from == queued || to == queued) {
    if (step.ready == step.queued.empty()) refresh_step(state, job, step_index);
  }
  if (is_terminal(to)) {
    task.ended_lsn = state.lsn;
    if (TaskDetail* detail = job.detail_of(index)) retire_closed(*detail);
    job.ended.push_back({state.lsn, index});
    state.dirty_watches.insert(job.awake.begin(), job.awake.end());
  } else {
    task.ended_lsn = 0;
    mark_changed(state, job, index);
  }
  mark_job(state, job);
}

bool waits_met(const Job& job, Step& step) {
  while (step.waits_met < step.waits_for.size()) {
    const Step& before = job.steps[step.waits_for[step.waits_met]];
    if (before.counts[at(succeeded)] != before.count) return false;
    ++step.waits_met;
  }
  return true;
}

bool dependencies_met(const Job& job, std::uint32_t index) {
  const Step& step = job.steps[job.step_of(index)];
  for (std::size_t each = step.waits_met; each < step.waits_for.size(); ++each) {
    const Step& before = job.steps[step.waits_for[each]];
    if (before.counts[at(succeeded)] != before.count) return false;
  }
  // The latest first: it is usually the last to end, so that one look says no.
  const std::vector<std::uint32_t>& by_task = step.waits_for_by_task;
  return std::all_of(by_task.rbegin(), by_task.rend(), [&](std::uint32_t before) {
    return job.tasks[job.steps[before].first + index - step.first].state == succeeded;
  });
}

bool has_bad_end(const Step& step) {
  return step.counts[at(failed)] + step.counts[at(cancelled)] + step.counts[at(abandoned)] +
             step.counts[at(expired)] + step.counts[at(dead)] >
         0;
}

bool task_before_failed(const Job& job, const Step& step, std::uint32_t index) {
  const std::vector<std::uint32_t>& by_task = step.waits_for_by_task;
  return std::any_of(by_task.rbegin(), by_task.rend(), [&](std::uint32_t before) {
    return contains(sets::retryable,
                    job.tasks[job.steps[before].first + index - step.first].state);
  });
}

bool dependencies_failed(const Job& job, std::uint32_t index) {
  const Step& step = job.steps[job.step_of(index)];
  return task_before_failed(job, step, index) ||
         std::any_of(step.waits_for.begin(), step.waits_for.end(),
                     [&](std::uint32_t before) { return has_bad_end(job.steps[before]); });
}

void release_if_free(State& state, Job& job, std::uint32_t index) {
  const Task& task = job.tasks[index];
  if (task.state != held || task.paused || job.paused) return;
  if (dependencies_met(job, index)) move_task(state, job, index, 2, queued);
}

void settle_ended(State& state, Job& job, std::vector<std::uint32_t> ended) {
  const bool any_failed = std::any_of(ended.begin(), ended.end(), [&](std::uint32_t index) {
    return counts_as_failure(job.tasks[index].state);
  });
  std::set<std::uint32_t> settled;  // steps whose followers have been looked at as a whole
  for (std::size_t next = 0; next < ended.size(); ++next) {
    const std::uint32_t index = ended[next];
    const std::uint32_t from_index = job.step_of(index);
    const Step& from = job.steps[from_index];
    const std::uint32_t place = index - from.first;
    if (job.tasks[index].state == succeeded) {
      for (const std::uint32_t follower : from.followers_by_task) {
        release_if_free(state, job, job.steps[follower].first + place);
      }
      if (from.counts[at(succeeded)] == from.count) release_followers(state, job, from);
      continue;
    }
    for (const std::uint32_t follower : from.followers_by_task) {
      const std::uint32_t other = job.steps[follower].first + place;
      abandon(state, job, other, other + 1, ended);
    }
    if (from.followers.empty() || !settled.insert(from_index).second) continue;
    abandon_followers(state, job, from, ended);
  }
  if (!any_failed || !must_stop(job)) return;
  job.stopped = true;
  for (std::uint32_t index = 0; index < job.tasks.size(); ++index) {
    if (is_waiting(job.tasks[index].state)) move_task(state, job, index, 33, abandoned);
  }
}

}  // namespace framebus::broker
