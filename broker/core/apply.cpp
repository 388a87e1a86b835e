#include "broker/core/apply.h"

#include <algorithm>

#include "broker/core/blob_uses.h"
#include "broker/core/lease.h"
#include "broker/core/sticky.h"
#include "broker/core/transition.h"

namespace framebus::broker {
namespace {

// An attempt that ends with its lease possibly open; `kept` says what it is afterwards.
void end_attempt(State& state, Job& job, std::uint32_t index, Attempt& attempt, AttemptEnd end,
                 std::int64_t run_ms, const WireError& error, AttemptState kept) {
  if (attempt.is_leased()) close_lease(state, job, index, attempt);
  if (attempt.state != kept) set_attempt(attempt, kept);
  attempt.end = end;
  attempt.run_ms = run_ms;
  if (error.code != 0) attempt.error = std::make_unique<WireError>(error);
}

void count_against_worker(State& state, Job& job, std::uint32_t index, const Attempt& attempt) {
  const WorkerId& id = worker_of(state, attempt);
  const std::string& type = job.spec.steps[job.step_of(index)].type;
  if (++job.failures_of[{type, id}] == exclude_after) ++state.counters.exclusions;
  if (Worker* worker = state.find_worker(id)) ++worker->tasks_failed;
}

void charge(State& state, Job& job, std::uint32_t index, Attempt& attempt, Blame blame) {
  TaskDetail& detail = *job.detail_of(index);
  attempt.blame = blame;
  switch (blame) {
    case Blame::none:
      return;
    case Blame::task:
      ++detail.tries;
      break;
    case Blame::infrastructure:
      ++detail.losses;
      break;
    case Blame::crash: {
      ++detail.crashes;
      if (!detail.trouble) detail.trouble = std::make_unique<Trouble>();
      auto& crashed = detail.trouble->crashed_identities;
      if (std::find(crashed.begin(), crashed.end(), attempt.identity) == crashed.end()) {
        crashed.push_back(attempt.identity);
      }
      break;
    }
  }
  count_against_worker(state, job, index, attempt);
}

// A worker that comes back with its attempt did not crash.
void forgive(TaskDetail& detail, Attempt& attempt) {
  if (attempt.blame == Blame::infrastructure && detail.losses > 0) --detail.losses;
  if (attempt.blame == Blame::crash) {
    if (detail.crashes > 0) --detail.crashes;
    if (detail.trouble) std::erase(detail.trouble->crashed_identities, attempt.identity);
  }
  attempt.blame = Blame::none;
  attempt.end = AttemptEnd::still_open;
  attempt.error.reset();
}

// What is kept of a task's ends counts for its job and, until settle_jobs() sees that one end, for
// all open ones.
void keep_outcome(State& state, Job& job, std::uint64_t more, std::uint64_t less = 0) {
  job.outcome_bytes += more - less;
  if (state.began && !is_ended(job.announced)) state.open_outcome_bytes += more - less;
}

void remember_error(State& state, Job& job, TaskDetail& detail, const WireError& error,
                    const std::string& log_tail) {
  if (error.code == 0 && log_tail.empty()) return;
  if (!detail.trouble) detail.trouble = std::make_unique<Trouble>();
  auto& errors = detail.trouble->errors;
  std::uint64_t less = 0;
  if (errors.size() >= last_errors_kept) {
    less = bytes_of(errors.front());
    errors.erase(errors.begin());
  }
  errors.push_back({error, log_tail});
  keep_outcome(state, job, bytes_of(errors.back()), less);
}

void apply_granted(State& state, const TaskGranted& record) {
  Job& job = *state.find_job(record.task.job);
  const std::uint32_t index = record.task.index;
  TaskDetail& detail = touch(job, index);
  if (!record.duplicate) retire_attempts(state, job, index, nullptr);
  Attempt attempt;
  attempt.epoch = record.token.epoch;
  attempt.grant = record.token.grant;
  attempt.identity = identify(state, record.worker, record.worker_name);
  attempt.granted_at = state.now;
  if (record.lapse) {
    const std::string& type = job.spec.steps[job.step_of(index)].type;
    std::erase_if(job.failures_of, [&](const auto& each) { return each.first.first == type; });
  }
  if (attempt.epoch == state.options.epoch) {
    state.next_grant = std::max(state.next_grant, attempt.grant + 1);
  }
  ++detail.grants;
  const Attempt& added = add_attempt(detail, std::move(attempt));
  if (!record.duplicate) move_task(state, job, index, 4, TaskState::leased);
  open_lease(state, job, index, added);
  const ShapeId shape = job.steps[job.step_of(index)].shape;
  state.shapes.at(shape).cursor = record.worker;
}

void apply_started(State& state, const TaskStarted& record) {
  Job& job = *state.find_job(record.task.job);
  Attempt* attempt = find_attempt(job.detail_of(record.task.index), record.token);
  FRAMEBUS_CHECK(attempt != nullptr && attempt->is_leased(), "started without a lease");
  set_attempt(*attempt, AttemptState::running);
  attempt->started = true;
  Lease& lease = lease_of(state, record.task, *attempt);
  lease.started_at = state.now;
  lease.progress_at = state.now;
  lease.phase = AttemptPhase::running;
  lease.starting_since = {};
  end_alone(state, *attempt, lease);
  move_task(state, job, record.task.index, 6, TaskState::running);
  if (state.began) {
    arm_lease(state, worker_of(state, *attempt), key_of(record.task, *attempt), lease);
  }
}

void apply_attempt_ended(State& state, const AttemptEnded& record) {
  Job& job = *state.find_job(record.task.job);
  const std::uint32_t index = record.task.index;
  TaskDetail* detail = job.detail_of(index);
  Attempt* attempt = find_attempt(detail, record.token);
  FRAMEBUS_CHECK(attempt != nullptr && attempt->is_live(), "an attempt ends that is not live");
  const AttemptState kept = record.reported    ? AttemptState::reported
                            : record.uncounted ? AttemptState::retired
                                               : AttemptState::closed_live;
  end_attempt(state, job, index, *attempt, record.end, record.run_ms, record.error, kept);
  charge(state, job, index, *attempt, record.blame);
  remember_error(state, job, *detail, record.error, record.log_tail);
  if (record.uncounted) {
    detail->attempts.erase(detail->attempts.begin() + (attempt - detail->attempts.data()));
    --detail->grants;
  }
  if (job.tasks[index].state == record.next) {
    mark_changed(state, job, index);
    mark_job(state, job);
    return;
  }
  detail->cancel = CancelReason::none;
  if (record.row == 0) {
    // A reclaimed or given-back attempt: as row 5, it was never run.
    move_task(state, job, index, 5, record.next);
  } else {
    move_task(state, job, index, record.row, record.next);
  }
  if (record.next == TaskState::retry_wait) {
    detail->retry_delay_ms = static_cast<std::uint32_t>(record.delay_ms);
    arm_retry(state, job, index);
  }
  if (job.paused || job.tasks[index].paused) move_task(state, job, index, 32, TaskState::held);
}

void apply_ended(State& state, const TaskEnded& record) {
  Job& job = *state.find_job(record.task.job);
  const std::uint32_t index = record.task.index;
  TaskDetail& detail = touch(job, index);
  Attempt* attempt = find_attempt(&detail, record.token);
  FRAMEBUS_CHECK(attempt != nullptr && attempt->is_live(), "a task is ended by a dead attempt");
  end_attempt(state, job, index, *attempt, record.end, record.run_ms, record.error,
              record.reported ? AttemptState::reported : AttemptState::retired);
  charge(state, job, index, *attempt, record.blame);
  if (record.state == TaskState::succeeded) {
    if (!record.result.empty() || !record.blobs.empty()) {
      detail.outcome = std::make_unique<Outcomes>(Outcomes{record.result, record.blobs});
      keep_outcome(state, job, bytes_of(*detail.outcome));
      use_blobs(state, record.blobs);
    }
    if (!record.log_tail.empty()) remember_error(state, job, detail, {}, record.log_tail);
    if (!job.failures_of.empty()) {
      job.failures_of.erase({job.spec.steps[job.step_of(index)].type, worker_of(state, *attempt)});
    }
    if (Worker* worker = state.find_worker(worker_of(state, *attempt))) ++worker->tasks_done;
  } else {
    remember_error(state, job, detail, record.error, record.log_tail);
    if (job.first_error.code == 0 && contains(sets::bad_end, record.state)) {
      job.first_error = record.error;
    }
  }
  retire_attempts(state, job, index, attempt);
  detail.cancel = CancelReason::none;
  move_task(state, job, index, record.row, record.state);
  settle_ended(state, job, {index});
}

void apply_cancelling(State& state, const TaskCancelling& record) {
  Job& job = *state.find_job(record.task.job);
  TaskDetail& detail = touch(job, record.task.index);
  Attempt* attempt = find_attempt(&detail, record.token);
  FRAMEBUS_CHECK(attempt != nullptr && attempt->is_leased(), "cancelling without a lease");
  detail.cancel = record.reason;
  remember_error(state, job, detail, record.error, "");
  set_attempt(*attempt, AttemptState::stopping);
  attempt->error = std::make_unique<WireError>(record.error);
  move_task(state, job, record.task.index, 24, TaskState::cancelling);
}

void apply_adopted(State& state, const GrantAdopted& record) {
  Job& job = *state.find_job(record.task.job);
  const std::uint32_t index = record.task.index;
  TaskDetail& detail = touch(job, index);
  retire_attempts(state, job, index, find_attempt(&detail, record.token));
  Attempt* attempt = find_attempt(&detail, record.token);
  const AttemptState to = record.running ? AttemptState::running : AttemptState::granted;
  if (attempt == nullptr) {
    Attempt added;
    added.epoch = record.token.epoch;
    added.grant = record.token.grant;
    added.identity = identify(state, record.worker, record.worker_name);
    added.granted_at = state.now;
    added.state = to;
    ++detail.grants;
    attempt = &add_attempt(detail, std::move(added));
  } else {
    FRAMEBUS_CHECK(attempt->state == AttemptState::closed_live, "adopted while it is open");
    forgive(detail, *attempt);
    set_attempt(*attempt, to);
  }
  attempt->started = attempt->started || record.running;
  if (attempt->epoch == state.options.epoch) {
    state.next_grant = std::max(state.next_grant, attempt->grant + 1);
  }
  move_task(state, job, index, 30, record.running ? TaskState::running : TaskState::leased);
  open_lease(state, job, index, *attempt);
}

struct Applier {
  State& state;
  std::uint32_t operator()(const JobAccepted& record) { return apply_job(state, record), 0; }
  std::uint32_t operator()(const TaskGranted& record) { return apply_granted(state, record), 0; }
  std::uint32_t operator()(const TaskStarted& record) { return apply_started(state, record), 0; }
  std::uint32_t operator()(const AttemptEnded& record) {
    return apply_attempt_ended(state, record), 0;
  }
  std::uint32_t operator()(const TaskEnded& record) { return apply_ended(state, record), 0; }
  std::uint32_t operator()(const TaskCancelling& record) {
    return apply_cancelling(state, record), 0;
  }
  std::uint32_t operator()(const GrantAdopted& record) { return apply_adopted(state, record), 0; }
  std::uint32_t operator()(const RetryDue& record) {
    Job& job = *state.find_job(record.task.job);
    move_task(state, job, record.task.index, 18, TaskState::queued);
    return 0;
  }
  std::uint32_t operator()(const JobActed& record) { return apply_deed(state, record); }
  std::uint32_t operator()(const JobForgotten& record) { return apply_forgotten(state, record), 0; }
  std::uint32_t operator()(const StickySet& record) { return apply_sticky(state, record), 0; }
  std::uint32_t operator()(const UploadOpened& record) { return apply_upload(state, record), 0; }
  std::uint32_t operator()(const UploadPart& record) { return apply_upload(state, record), 0; }
  std::uint32_t operator()(const UploadDropped& record) { return apply_upload(state, record), 0; }
  std::uint32_t operator()(const JobRevived& record) { return apply_revived(state, record), 0; }
  template <class NotYet>
  std::uint32_t operator()(const NotYet&) {
    FRAMEBUS_CHECK(false, "no handler makes such a record yet");
    return 0;
  }
};

}  // namespace

std::uint32_t apply(State& state, const Record& record) {
  return std::visit(Applier{state}, record);
}

}  // namespace framebus::broker
