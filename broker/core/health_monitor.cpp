#include "broker/core/health_monitor.h"

#include <algorithm>

#include "broker/core/lease.h"
#include "broker/core/ready.h"
#include "broker/core/sticky.h"
#include "broker/core/transition.h"

namespace framebus::broker {
namespace {

constexpr std::size_t status_bytes_max = 256;
constexpr std::uint32_t omissions_allowed = 1;

void set_session(Worker& worker, SessionState to) {
  if (worker.state == to) return;
  FRAMEBUS_CHECK(is_allowed(worker.state, to), "no such row in the session table");
  worker.state = to;
}

void take_vitals(Turn& turn, Worker& worker, const Heartbeat& message) {
  State& state = turn.state;
  worker.heartbeat_at = turn.now();
  worker.sequence = message.sequence;
  worker.load = message.load;
  worker.reason = message.reason.substr(0, limits::name_bytes_max);
  worker.credit = std::min(message.credit, worker.info.slots + worker.info.prefetch);
  const bool was_draining = worker.state == SessionState::draining;
  worker.said_draining = message.draining;
  const bool drains = message.draining || worker.order != WorkerAction::none;
  set_session(worker, drains ? SessionState::draining : SessionState::ready);
  if (!drains || was_draining) return;
  if (!worker.leases.empty()) hit_row(state, 26);
  turn.note(1, "worker " + worker.name + " drains");
}

// Row 8 for a lease that the heartbeat lists, and what its phase says. `round`: marks it as listed.
void renew(Turn& turn, Worker& worker, const LeaseKey& key, Lease& lease,
           const AttemptStatus& status) {
  State& state = turn.state;
  Job& job = *state.find_job(key.task.job);
  hit_row(state, 8);
  lease.until = turn.now() + state.options.lease;
  lease.omitted = 0;
  lease.listed = true;
  if (lease.permille != status.progress_permille || lease.status != status.status) {
    lease.progress_at = turn.now();
    lease.permille = std::min(status.progress_permille, 1000u);
    lease.status = status.status.substr(0, status_bytes_max);
  }
  lease.phase = status.phase;
  if (job.tasks[key.task.index].state != TaskState::leased) return;
  if (status.phase == AttemptPhase::running) {
    return start_attempt(turn, key.task, status.token);  // its Started has been overtaken
  }
  if (status.phase != AttemptPhase::starting) {
    lease.starting_since = {};
  } else if (lease.starting_since == TimePoint{}) {
    lease.starting_since = turn.now();
    arm_lease(state, worker.info.id, key, lease);
  }
}

// A lost attempt that its own worker still lists goes on, when nobody else was granted the task.
bool readopt(Turn& turn, Worker& worker, const AttemptStatus& status, AbortList& aborts) {
  const Job* job = turn.state.find_job(status.task.job);
  if (job != nullptr && status.task.index < job->tasks.size()) {
    const Attempt* attempt = find_attempt(job->detail_of(status.task.index), status.token);
    // One that was told to stop because it did not start is not taken back.
    if (attempt != nullptr && attempt->end == AttemptEnd::not_started) {
      if (status.phase != AttemptPhase::reporting) {
        aborts.add(worker.session, status.task, status.token);
      }
      return false;
    }
  }
  return claim_attempt(turn, worker, {status.task, status.token, status.phase}, aborts);
}

void take_list(Turn& turn, Worker& worker, const Heartbeat& message, AbortList& aborts) {
  std::uint32_t prefetched = 0;
  std::uint32_t strangers = 0;
  for (auto& [key, lease] : worker.leases) ++lease.omitted;
  for (const AttemptStatus& status : message.attempts) {
    const LeaseKey key{status.task, status.token.epoch, status.token.grant};
    auto entry = worker.leases.find(key);
    if (entry == worker.leases.end()) {
      const bool adopted = readopt(turn, worker, status, aborts);
      // One that only waits for its answer takes no slot.
      if (!adopted && status.phase != AttemptPhase::reporting) ++strangers;
      continue;
    }
    if (status.phase == AttemptPhase::queued) ++prefetched;
    renew(turn, worker, key, entry->second, status);
  }
  worker.strangers = strangers;
  if (prefetched > 0) {
    turn.state.with_prefetch.insert(worker.info.id);
  } else {
    turn.state.with_prefetch.erase(worker.info.id);
  }
}

// Rows 7 and 9: what two heartbeats in a row did not list. An Assign may still be on its way.
void lose_omitted(Turn& turn, Worker& worker) {
  std::vector<LeaseKey> lost;
  for (auto& [key, lease] : worker.leases) {
    const bool may_be_on_its_way = !turn.state.is_durable(lease.assign_lsn) ||
                                   lease.sent_at + turn.state.options.heartbeat > turn.now();
    if (may_be_on_its_way) lease.omitted = 0;
    if (lease.omitted > omissions_allowed) lost.push_back(key);
  }
  for (const LeaseKey& key : lost) lose_attempt(turn, key, Loss::omitted);
}

}  // namespace

void on_heartbeat(Turn& turn, SessionId session, const Heartbeat& message) {
  State& state = turn.state;
  Worker& worker = *state.worker_of(session);
  ++state.counters.heartbeats;
  if (message.attempts.size() > limits::attempts_listed_max) {
    ++state.counters.malformed;
    return turn.refuse(session, 0,
                       refuse_bound(state.refusals, Bound::attempts_listed,
                                    limits::attempts_listed_max, message.attempts.size(),
                                    "Heartbeat.attempts"));
  }
  turn.send(session, HeartbeatAck{message.sequence});
  take_vitals(turn, worker, message);
  prepare_again(turn, worker);
  AbortList aborts;
  take_list(turn, worker, message, aborts);
  lose_omitted(turn, worker);
  aborts.send(turn, AbortReason::superseded);
  refresh_worker(state, worker);
}

void on_worker_due(Turn& turn, const WorkerId& id) {
  State& state = turn.state;
  Worker* worker = state.find_worker(id);
  if (worker == nullptr || !worker->is_connected()) return;
  const TimePoint suspect_at = worker->heartbeat_at + state.options.suspect_after;
  const TimePoint lost_at = worker->heartbeat_at + state.options.lease;
  if (lost_at <= turn.now()) {
    const SessionId session = worker->session;
    set_session(*worker, SessionState::suspect);
    lose_session(turn, session, Loss::lease_expired, "silent for a lease");
    turn.out.emplace_back(CloseSession{session, "no heartbeat for a lease"});
    return;
  }
  TimePoint next = suspect_at;
  if (suspect_at <= turn.now()) {
    if (worker->state != SessionState::suspect) {
      turn.note(2, "worker " + worker->name + " is silent: nothing is granted to it meanwhile");
    }
    set_session(*worker, SessionState::suspect);
    refresh_worker(state, *worker);
    next = lost_at;
  }
  state.timers.arm({next, TimerKind::worker, {}, id, 0, 0});
}

void on_synced(Turn& turn, std::uint64_t lsn) {
  State& state = turn.state;
  state.durable_lsn = std::max(state.durable_lsn, std::min(lsn, state.lsn));
  std::deque<UnsyncedAssign>& unsynced = state.unsynced_assigns;
  while (!unsynced.empty() && state.is_durable(unsynced.front().lsn)) {
    const UnsyncedAssign assign = unsynced.front();
    unsynced.pop_front();
    Worker* worker = state.find_worker(assign.worker);
    if (worker == nullptr) continue;
    const auto entry = worker->leases.find(assign.lease);
    if (entry == worker->leases.end()) continue;
    entry->second.sent_at = turn.now();
    entry->second.until = turn.now() + state.options.lease;
  }
}

void on_stall(Turn& turn, Duration stalled) {
  State& state = turn.state;
  ++state.counters.stalls;
  for (auto& [id, worker] : state.workers) {
    worker.heartbeat_at = std::min(turn.now(), worker.heartbeat_at + stalled);
    for (auto& [key, lease] : worker.leases) {
      lease.until += stalled;
      lease.progress_at += stalled;
      if (lease.starting_since != TimePoint{}) lease.starting_since += stalled;
      lease.stop_by += stalled;
    }
  }
}

}  // namespace framebus::broker
