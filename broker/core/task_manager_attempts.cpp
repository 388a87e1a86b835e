// The life of attempts between their grant and their result (rows 3, 5, 6, 10, 18, 22, 24).
#include <algorithm>

#include "broker/core/health_monitor.h"
#include "broker/core/lease.h"
#include "broker/core/ready.h"
#include "broker/core/task_manager.h"

namespace framebus::broker {
namespace {

using enum TaskState;

constexpr std::size_t status_bytes_max = 256;

// The open lease of this worker that an id from the wire names; nullptr otherwise. A forged MAC can
// not do more than name one's own lease.
Lease* own_lease(Worker& worker, TaskRef task, const Token& token) {
  const auto entry = worker.leases.find({task, token.epoch, token.grant});
  return entry == worker.leases.end() ? nullptr : &entry->second;
}

// The attempt ends as if it had never been: row 5, and what was given back before it ran.
void give_back(Turn& turn, TaskRef task, const Token& token, std::uint32_t row) {
  AttemptEnded record;
  record.task = task;
  record.token = token;
  record.row = row;
  record.end = AttemptEnd::aborted;
  record.next = queued;
  record.uncounted = true;
  turn.persist(std::move(record));
  const Job& job = *turn.state.find_job(task.job);
  if (!is_waiting(job.tasks[task.index].state)) return;
  if (job.deadline_passed) turn.persist(JobActed{task.job, Deed::expire, {task.index}, 0, ""});
  if (job.stopped) turn.persist(JobActed{task.job, Deed::stop, {task.index}, 0, ""});
}

void take_aborted(Turn& turn, Worker& worker, const AttemptId& id) {
  const Lease* lease = own_lease(worker, id.task, id.token);
  Job* job = turn.state.find_job(id.task.job);
  if (lease == nullptr) {
    if (worker.strangers > 0) --worker.strangers;
    const bool known = job != nullptr && id.task.index < job->tasks.size();
    TaskDetail* detail = known ? job->detail_of(id.task.index) : nullptr;
    const Attempt* attempt = find_attempt(detail, id.token);
    if (attempt != nullptr && worker_of(turn.state, *attempt) == worker.info.id) {
      detail->may_run_until = {};
    }
    return;
  }
  if (job->tasks[id.task.index].state == leased) {
    if (lease->reclaiming) ++turn.state.counters.reclaimed;
    return give_back(turn, id.task, id.token, 0);
  }
  // Asked back just as it started: that is nobody's fault.
  if (lease->reclaiming && job->tasks[id.task.index].state == running) {
    ++turn.state.counters.reclaimed;
    return give_back(turn, id.task, id.token, 10);
  }
  lose_attempt(turn, {id.task, id.token.epoch, id.token.grant}, Loss::given_back);
  job->detail_of(id.task.index)->may_run_until = {};
}

void begin_timeout(Turn& turn, const Worker& worker, const LeaseKey& key, const Lease& lease) {
  State& state = turn.state;
  const Job& job = *state.find_job(key.task.job);
  const StepSpec& spec = job.spec.steps[job.step_of(key.task.index)];
  const bool whole = spec.timeout_ms > 0 && timeout_of(state, lease, spec) <= turn.now();
  const std::int64_t bound = whole ? spec.timeout_ms : spec.progress_timeout_ms;
  const std::string what = whole ? "it ran longer than its timeout of "
                                 : "it made no progress for its progress_timeout of ";
  ++state.counters.timeouts;
  AbortList aborts;
  const Attempt* attempt =
      find_attempt(job.detail_of(key.task.index), Token{key.epoch, key.grant, {}});
  const AttemptId id = id_of(state, key.task, *attempt);
  aborts.add(state, key.task, *attempt);
  turn.persist(
      TaskCancelling{key.task, id.token, CancelReason::timeout,
                     wire_error(Code::deadline_exceeded, what + std::to_string(bound) + " ms")});
  Lease& open = lease_of(state, key.task, *attempt);
  open.stop_by = turn.now() + state.options.cancel_grace + state.options.lease;
  arm_lease(state, worker.info.id, key, open);
  aborts.send(turn, AbortReason::timeout);
}

}  // namespace

void start_attempt(Turn& turn, TaskRef task, const Token& token) {
  ++turn.state.counters.starts;
  turn.persist(TaskStarted{task, token});
}

void on_started(Turn& turn, SessionId session, const Started& message) {
  State& state = turn.state;
  Worker& worker = *state.worker_of(session);
  AbortList aborts;
  for (const AttemptId& id : message.attempts) {
    const Lease* lease = own_lease(worker, id.task, id.token);
    if (lease == nullptr) {
      aborts.add(session, id.task, id.token);
      continue;
    }
    const TaskState now_in = state.find_job(id.task.job)->tasks[id.task.index].state;
    if (now_in == leased) start_attempt(turn, id.task, id.token);
  }
  aborts.send(turn, AbortReason::superseded);
}

void on_progress(Turn& turn, SessionId session, const Progress& message) {
  State& state = turn.state;
  Worker& worker = *state.worker_of(session);
  for (const AttemptStatus& status : message.attempts) {
    Lease* lease = own_lease(worker, status.task, status.token);
    if (lease == nullptr) continue;
    lease->progress_at = turn.now();
    lease->permille = std::min(status.progress_permille, 1000u);
    lease->status = status.status.substr(0, status_bytes_max);
    Job& job = *state.find_job(status.task.job);
    if (job.watches.empty()) continue;
    job.progressed.note(status.task.index);
    state.dirty_watches.insert(job.awake.begin(), job.awake.end());
  }
}

void on_aborted(Turn& turn, SessionId session, const Aborted& message) {
  Worker& worker = *turn.state.worker_of(session);
  for (const AttemptId& id : message.attempts) take_aborted(turn, worker, id);
  refresh_worker(turn.state, worker);
}

void on_assign_failed(Turn& turn, SessionId session, const Assign& message) {
  State& state = turn.state;
  Worker* worker = state.worker_of(session);
  ++state.counters.sends_failed;
  if (worker == nullptr) return;
  // Its queue is full or it is going: nothing more for it before its next heartbeat.
  worker->credit = 0;
  refresh_worker(state, *worker);
  for (const AttemptSpec& each : message.attempts) {
    if (own_lease(*worker, each.task, each.token) == nullptr) continue;
    if (state.find_job(each.task.job)->tasks[each.task.index].state == leased) {
      give_back(turn, each.task, each.token, 5);
    } else {
      lose_attempt(turn, {each.task, each.token.epoch, each.token.grant}, Loss::given_back);
    }
  }
}

void on_retry_due(Turn& turn, TaskRef task) {
  Job* job = turn.state.find_job(task.job);
  if (job == nullptr || job->tasks[task.index].state != retry_wait) return;
  // A timer of an earlier wait may fire in a later one.
  if (job->detail_of(task.index)->retry_at > turn.now()) return;
  turn.persist(RetryDue{task});
}

void on_deadline_due(Turn& turn, JobId id) {
  Job* job = turn.state.find_job(id);
  if (job == nullptr || is_ended(job->state())) return;
  if (job->deadline_passed || job->deadline_lifted) return;
  if (job->accepted_at + milliseconds(job->spec.deadline_ms) > turn.now()) return;
  turn.note(2, "job " + to_string(id) + ": its deadline has passed");
  turn.persist(JobActed{id, Deed::expire, {}, 0, ""});
}

void on_lease_due(Turn& turn, const WorkerId& worker_id, const LeaseKey& key) {
  State& state = turn.state;
  Worker* worker = state.find_worker(worker_id);
  if (worker == nullptr) return;
  const auto entry = worker->leases.find(key);
  if (entry == worker->leases.end()) return;
  Lease& lease = entry->second;
  lease.armed = {};
  const Job& job = *state.find_job(key.task.job);
  if (lease_deadline(state, job, key.task.index, lease) > turn.now()) {
    return arm_lease(state, worker_id, key, lease);
  }
  if (lease.until <= turn.now() && !state.is_durable(lease.assign_lsn) && worker->is_connected()) {
    // Its Assign still waits for a slow sync: nobody can have listed it.
    lease.until = turn.now() + state.options.lease;
    return arm_lease(state, worker_id, key, lease);
  }
  if (lease.until <= turn.now()) {
    // All that a silent worker holds is lost together: what is charged depends on the whole.
    const bool is_silent =
        worker->is_connected() && worker->heartbeat_at + state.options.lease <= turn.now();
    if (is_silent) return on_worker_due(turn, worker_id);
    return lose_attempt(turn, key, Loss::lease_expired);
  }
  switch (job.tasks[key.task.index].state) {
    case leased:
      return lose_attempt(turn, key, Loss::not_started);
    case running:
      return begin_timeout(turn, *worker, key, lease);
    default:
      return lose_attempt(turn, key, Loss::given_back);
  }
}

}  // namespace framebus::broker
