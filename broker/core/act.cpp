#include "broker/core/act.h"

#include <algorithm>

#include "broker/core/archive.h"
#include "broker/core/lease.h"
#include "broker/core/summary.h"
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

// An archived job is only read: nothing but a retry changes a job that has ended.
void answer_of_copy(Turn& turn, SessionId session, const Act& message, const Job& job) {
  ActOk reply{message.request, 0, 0, summarize_job(turn.state, job)};
  const std::size_t named = message.tasks.empty() ? job.tasks.size() : message.tasks.size();
  if (message.action != JobAction::set_priority) {
    reply.unchanged = static_cast<std::uint32_t>(named);
  }
  if (message.action == JobAction::cancel) hit_row(turn.state, 23);
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
  if (job->from_archive) {
    if (!reopens_any(*job, message)) return answer_of_copy(turn, session, message, *job);
    job = &revive_job(turn, job->id);
  }
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
