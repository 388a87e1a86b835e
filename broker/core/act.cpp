#include "broker/core/act.h"

#include <algorithm>
#include <set>

#include "broker/core/archive.h"
#include "broker/core/lease.h"
#include "broker/core/summary.h"
#include "broker/core/task_manager.h"
#include "broker/core/transition.h"

namespace framebus::broker {
namespace {

constexpr std::uint32_t priority_max = 100;

// Calls visit(index) for the tasks the action names.
template <class Visitor>
void each_named(const Job& job, const std::vector<std::uint32_t>& tasks, Visitor&& visit) {
  if (tasks.empty()) {
    for (std::uint32_t index = 0; index < job.tasks.size(); ++index) visit(index);
  } else {
    for (const std::uint32_t index : tasks) visit(index);
  }
}

// Tells the workers of what is being cancelled to stop, and gives them the grace.
void abort_cancelled(Turn& turn, Job& job, const std::vector<std::uint32_t>& tasks) {
  State& state = turn.state;
  if (job.in_flight == 0) return;
  AbortList aborts;
  each_named(job, tasks, [&](std::uint32_t index) {
    if (job.tasks[index].state != TaskState::cancelling) return;
    for (const Attempt& attempt : job.detail_of(index)->attempts) {
      if (!attempt.is_leased()) continue;
      const TaskRef task{job.id, index};
      Lease& lease = lease_of(state, task, attempt);
      lease.stop_by = turn.now() + state.options.cancel_grace + state.options.lease;
      arm_lease(state, worker_of(state, attempt), key_of(task, attempt), lease);
      aborts.add(state, task, attempt);
    }
  });
  aborts.send(turn, AbortReason::cancelled);
}

// An at-most-once task whose worker may still run it is not to be run a second time.
bool may_still_run(const State& state, const Job& job, std::uint32_t index) {
  if (!job.spec.steps[job.step_of(index)].at_most_once) return false;
  const TaskDetail* detail = job.detail_of(index);
  return detail != nullptr && detail->may_run_until > state.now;
}

// The tasks a retry applies to; `blocked` counts those that may still run.
std::vector<std::uint32_t> retry_list(const State& state, const Job& job, const Act& message,
                                      std::uint32_t& blocked) {
  std::vector<std::uint32_t> list;
  each_named(job, message.tasks, [&](std::uint32_t index) {
    if (contains(sets::retryable, job.tasks[index].state) && may_still_run(state, job, index)) {
      ++blocked;
    } else {
      list.push_back(index);
    }
  });
  return list;
}

Status check_act(const Job* job, const Act& message) {
  if (job == nullptr) {
    return fail(Code::not_found, "job " + to_string(message.job) + ": there is no such job here");
  }
  if (message.action < JobAction::cancel || message.action > JobAction::set_priority) {
    return fail(Code::invalid_argument, "action: found " +
                                            std::to_string(static_cast<int>(message.action)) +
                                            ", allowed are 1 to 5");
  }
  if (message.action == JobAction::set_priority && message.priority > priority_max) {
    return fail(Code::invalid_argument,
                "priority: found " + std::to_string(message.priority) + ", allowed are 0 to 100");
  }
  for (const std::uint32_t index : message.tasks) {
    if (index < job->tasks.size()) continue;
    return fail(Code::not_found, "task " + to_string(TaskRef{message.job, index}) +
                                     ": the job has " + std::to_string(job->tasks.size()) +
                                     " tasks, counted from 0");
  }
  return {};
}

// What a retry opens again, at most: the tasks named and, in steps that wait for others, those that
// were abandoned.
std::uint64_t tasks_reopened_by(const Job& job, const Act& message) {
  std::uint64_t count = 0;
  std::set<std::uint32_t> seen;
  each_named(job, message.tasks, [&](std::uint32_t index) {
    if (!contains(sets::retryable, job.tasks[index].state)) return;
    if (message.tasks.empty() || seen.insert(index).second) ++count;
  });
  if (count == 0 || message.tasks.empty()) return count;
  for (const Step& step : job.steps) {
    if (step.waits_for.empty() && step.waits_for_by_task.empty()) continue;
    count += step.counts[static_cast<std::size_t>(TaskState::abandoned)];
  }
  const auto ended = static_cast<std::uint64_t>(job.tasks.size() - job.open_tasks());
  return std::min(count, ended);
}

std::string_view name_of(JobAction action) {
  switch (action) {
    case JobAction::cancel:
      return "the cancel";
    case JobAction::pause:
      return "the pause";
    case JobAction::resume:
      return "the resume";
    case JobAction::retry:
      return "the retry";
    case JobAction::set_priority:
      return "the new priority";
    case JobAction::none:
      break;
  }
  return "the action";
}

// New work is taken as a Submit is; a cancel always, the others while the store has room for more
// than results.
Status check_room_for(State& state, const Job& job, const Act& message) {
  if (message.action == JobAction::cancel) return {};
  const std::string_view what = name_of(message.action);
  if (message.action != JobAction::retry) return check_store(state, what);
  const std::uint64_t tasks = tasks_reopened_by(job, message);
  if (tasks == 0) return check_store(state, what);
  const bool comes_back = is_ended(job.state());
  return check_room(state, tasks, comes_back ? job.spec_bytes : 0,
                    comes_back ? job.outcome_bytes : 0, what);
}

// Whether a cancel has anything to do. One that has not makes no record: it would be the one action
// that uses up a full disk.
bool cancels_any(const Job& job, const Act& message) {
  bool any = false;
  each_named(job, message.tasks, [&](std::uint32_t index) {
    const TaskState state = job.tasks[index].state;
    if (is_terminal(state)) return;
    any = any || state != TaskState::cancelling ||
          job.detail_of(index)->cancel != CancelReason::user;
  });
  return any;
}

// Nothing changes: an archived job is only read, and nothing but a retry changes one that has
// ended.
void answer_unchanged(Turn& turn, SessionId session, const Act& message, const Job& job) {
  ActOk reply{message.request, 0, 0, summarize_job(turn.state, job)};
  const std::set<std::uint32_t> named(message.tasks.begin(), message.tasks.end());
  if (message.action != JobAction::set_priority) {
    reply.unchanged = static_cast<std::uint32_t>(named.empty() ? job.tasks.size() : named.size());
  }
  if (message.action == JobAction::cancel) {
    each_named(job, message.tasks, [&](std::uint32_t index) {
      if (is_terminal(job.tasks[index].state)) hit_row(turn.state, 23);
    });
  }
  turn.send(session, std::move(reply), turn.state.lsn);
}

bool reopens_any(const Job& job, const Act& message) {
  bool any = false;
  each_named(job, message.tasks, [&](std::uint32_t index) {
    any = any || contains(sets::retryable, job.tasks[index].state);
  });
  return message.action == JobAction::retry && any;
}

}  // namespace

void on_act(Turn& turn, SessionId session, const Act& message) {
  State& state = turn.state;
  Job* job = state.find_job(message.job);
  if (const Status valid = check_act(job, message); !valid) {
    return turn.refuse(session, message.request, valid.error().code, valid.error().message);
  }
  const bool reopens = reopens_any(*job, message);
  if (job->from_archive && !reopens) return answer_unchanged(turn, session, message, *job);
  if (message.action == JobAction::cancel && !cancels_any(*job, message)) {
    return answer_unchanged(turn, session, message, *job);
  }
  if (const Status room = check_room_for(state, *job, message); !room) {
    return turn.refuse(session, message.request, room.error());
  }
  if (job->from_archive) job = &revive_job(turn, job->id);
  JobActed record;
  record.job = message.job;
  record.deed = static_cast<Deed>(message.action);
  record.tasks = message.tasks;
  std::sort(record.tasks.begin(), record.tasks.end());
  record.tasks.erase(std::unique(record.tasks.begin(), record.tasks.end()), record.tasks.end());
  if (message.action == JobAction::set_priority) {
    record.priority = message.priority;
    record.tasks.clear();
  }
  record.by = state.sessions.at(session).principal;
  if (message.action == JobAction::retry) {
    std::uint32_t blocked = 0;
    std::vector<std::uint32_t> list = retry_list(state, *job, message, blocked);
    if (blocked > 0 && list.empty()) {
      return turn.refuse(session, message.request, Code::failed_precondition,
                         "at_most_once: the worker that was lost may still run it; try again when "
                         "its lease is over",
                         to_ms(state.options.lease));
    }
    if (blocked > 0) record.tasks = std::move(list);
  }
  const auto named =
      static_cast<std::uint32_t>(record.tasks.empty() ? job->tasks.size() : record.tasks.size());
  const std::vector<std::uint32_t> tasks = record.tasks;
  const std::uint64_t lsn = turn.persist(std::move(record));
  const std::uint32_t changed = turn.changed;
  if (message.action == JobAction::cancel) abort_cancelled(turn, *job, tasks);
  ActOk reply{message.request, changed, named - std::min(named, changed), {}};
  if (message.action == JobAction::set_priority) reply.unchanged = 0;
  reply.job = summarize_job(state, *job);
  turn.send(session, std::move(reply), lsn);
}

}  // namespace framebus::broker
