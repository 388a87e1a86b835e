// What a JobActed does to the tasks it names.
#include <set>

#include "broker/core/apply.h"
#include "broker/core/ended_log.h"
#include "broker/core/lease.h"
#include "broker/core/ready.h"
#include "broker/core/transition.h"

namespace framebus::broker {
namespace {

using enum TaskState;

struct Deeds {
  State& state;
  Job& job;
  const JobActed& record;
  std::uint32_t changed = 0;
  std::vector<std::uint32_t> ended;
  std::vector<std::uint32_t> reopened;
  std::vector<std::uint32_t> clear;  // by step: so many of Step::waits_for are

  void cancel(std::uint32_t index) {
    const TaskState from = job.tasks[index].state;
    if (is_terminal(from)) return hit_row(state, 23);
    ++changed;
    if (is_waiting(from)) {
      move_task(state, job, index, 19, cancelled);
      ended.push_back(index);
      return;
    }
    TaskDetail& detail = *job.detail_of(index);
    if (from == cancelling) {
      changed -= detail.cancel == CancelReason::user ? 1 : 0;
      detail.cancel = CancelReason::user;
      return;
    }
    detail.cancel = CancelReason::user;
    for (Attempt& attempt : detail.attempts) {
      if (attempt.is_leased()) set_attempt(attempt, AttemptState::stopping);
    }
    move_task(state, job, index, 20, cancelling);
  }

  void pause(std::uint32_t index) {
    const TaskState from = job.tasks[index].state;
    if (is_terminal(from)) return;
    if (!record.tasks.empty()) job.tasks[index].paused = true;
    if (from != queued && from != retry_wait) return;
    move_task(state, job, index, 32, held);
    ++changed;
  }

  void resume(std::uint32_t index) {
    job.tasks[index].paused = false;
    if (job.tasks[index].state != held) return;
    release_if_free(state, job, index);
    if (job.tasks[index].state == queued) ++changed;
  }

  // Opens an ended task again, unless what it waits for has ended badly and stays so.
  void reopen(std::uint32_t index) {
    if (!contains(sets::retryable, job.tasks[index].state)) return;
    const std::uint32_t step = job.step_of(index);
    if (!is_clear(step) || task_before_failed(job, job.steps[step], index)) return;
    retire_attempts(state, job, index, nullptr);
    if (TaskDetail* detail = job.detail_of(index)) {
      detail->tries = detail->crashes = detail->losses = 0;
      if (detail->trouble) detail->trouble->crashed_identities.clear();
    }
    job.tasks[index].paused = false;
    const bool free = !job.paused && dependencies_met(job, index);
    move_task(state, job, index, 25, free ? queued : held);
    ++changed;
    reopened.push_back(index);
  }

  // Whether no step that this one waits for as a whole has a task that ended badly. A retry only
  // opens tasks, so what was clear stays so: each dependency is passed once.
  bool is_clear(std::uint32_t step) {
    const std::vector<std::uint32_t>& before = job.steps[step].waits_for;
    if (before.empty()) return true;
    clear.resize(job.steps.size());
    std::uint32_t& next = clear[step];
    while (next < before.size() && !has_bad_end(job.steps[before[next]])) ++next;
    return next == before.size();
  }

  // Abandoned tasks that wait for a reopened one return to held; `named` is what was asked for, the
  // others are not counted. A step that waits for whole steps is looked at once, when the last of
  // them is clear.
  void revive_dependents(std::uint32_t named) {
    std::set<std::uint32_t> passed;
    std::set<std::uint32_t> looked_at;
    for (std::size_t next = 0; next < reopened.size(); ++next) {
      const std::uint32_t from_index = job.step_of(reopened[next]);
      const Step& from = job.steps[from_index];
      const std::uint32_t place = reopened[next] - from.first;
      for (const std::uint32_t follower : from.followers_by_task) {
        reopen_abandoned(job.steps[follower].first + place);
      }
      if (from.followers.empty() || has_bad_end(from) || !passed.insert(from_index).second) {
        continue;
      }
      for (const std::uint32_t follower : from.followers) {
        const Step& step = job.steps[follower];
        if (step.counts[static_cast<std::size_t>(abandoned)] == 0 || !is_clear(follower)) continue;
        if (!looked_at.insert(follower).second) continue;
        for (std::uint32_t each = 0; each < step.count; ++each) reopen_abandoned(step.first + each);
      }
    }
    changed = named;
  }

  void reopen_abandoned(std::uint32_t index) {
    if (job.tasks[index].state == abandoned) reopen(index);
  }

  void expire(std::uint32_t index) { end_waiting(index, 3, expired); }
  void stop(std::uint32_t index) { end_waiting(index, 33, abandoned); }

  void end_waiting(std::uint32_t index, std::uint32_t row, TaskState to) {
    if (!is_waiting(job.tasks[index].state)) return;
    move_task(state, job, index, row, to);
    ended.push_back(index);
    ++changed;
  }

  void each_task(void (Deeds::*deed)(std::uint32_t)) {
    if (record.tasks.empty()) {
      for (std::uint32_t index = 0; index < job.tasks.size(); ++index) (this->*deed)(index);
    } else {
      for (const std::uint32_t index : record.tasks) (this->*deed)(index);
    }
  }
};

void set_priority(State& state, Job& job, std::uint32_t priority) {
  withdraw_steps(state, job);
  job.spec.priority = priority;
  refresh_steps(state, job);
}

// A deadline that lies behind bounds nothing that a person has asked for afterwards.
void lift_deadline(const State& state, Job& job) {
  if (job.spec.deadline_ms == 0) return;
  if (job.accepted_at + milliseconds(job.spec.deadline_ms) <= state.now) job.deadline_lifted = true;
}

void run(Deeds& deeds) {
  Job& job = deeds.job;
  const bool whole = deeds.record.tasks.empty();
  switch (deeds.record.deed) {
    case Deed::cancel:
      return deeds.each_task(&Deeds::cancel);
    case Deed::pause:
      if (whole) job.paused = true;
      return deeds.each_task(&Deeds::pause);
    case Deed::resume:
      if (whole) job.paused = false;
      return deeds.each_task(&Deeds::resume);
    case Deed::retry:
      deeds.each_task(&Deeds::reopen);
      if (deeds.changed > 0) {
        job.stopped = false;
        job.deadline_passed = false;
        lift_deadline(deeds.state, job);
        job.first_error = {};
        job.failures_of.clear();
      }
      deeds.revive_dependents(deeds.changed);
      prune_ended(deeds.state, job);
      return;
    case Deed::set_priority:
      return set_priority(deeds.state, job, deeds.record.priority);
    case Deed::expire:
      job.deadline_passed = true;
      return deeds.each_task(&Deeds::expire);
    case Deed::stop:
      return deeds.each_task(&Deeds::stop);
    case Deed::none:
      return;
  }
}

}  // namespace

std::uint32_t apply_deed(State& state, const JobActed& record) {
  Job& job = *state.find_job(record.job);
  Deeds deeds{state, job, record, 0, {}, {}, {}};
  run(deeds);
  const std::uint32_t changed = deeds.changed;
  mark_job(state, job);
  settle_ended(state, job, std::move(deeds.ended));
  return changed;
}

}  // namespace framebus::broker
