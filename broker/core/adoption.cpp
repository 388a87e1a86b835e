// Row 30: attempts that a worker lists and the broker does not count as its leases.
//
//   its lease here                     -> renewed (told again to stop, if it is being cancelled)
//   token live, or newer than all known-> adopted; another holder is told to stop
//   anything else                      -> told to stop, unless it only waits to report: the answer
//   to
//                                         its result settles that
#include "broker/core/lease.h"
#include "broker/core/session.h"
#include "broker/core/token.h"
#include "broker/core/transition.h"

namespace framebus::broker {
namespace {

bool may_be_adopted(const State& state, const Job& job, const HeldAttempt& held,
                    const Attempt* known) {
  const TaskState now_in = job.tasks[held.task.index].state;
  if (is_terminal(now_in) || now_in == TaskState::cancelling) return false;
  if (held.token.epoch > state.options.epoch) return false;
  // The end of what it waits for was lost in a restart, with the grant: it has to run again first.
  if (now_in == TaskState::held && !dependencies_met(job, held.task.index)) return false;
  if (known != nullptr) return known->is_live();
  const Attempt* newest = newest_attempt(job.detail_of(held.task.index));
  return newest == nullptr || Token{newest->epoch, newest->grant, {}}.is_older_than(held.token);
}

bool refuse(State& state, const Worker& worker, const HeldAttempt& held, AbortList& aborts) {
  ++state.counters.adoptions_refused;
  if (held.phase != AttemptPhase::reporting) aborts.add(worker.session, held.task, held.token);
  return false;
}

}  // namespace

bool claim_attempt(Turn& turn, Worker& worker, const HeldAttempt& held, AbortList& aborts) {
  State& state = turn.state;
  const LeaseKey key{held.task, held.token.epoch, held.token.grant};
  Job* job = state.find_job(held.task.job);
  const auto entry = worker.leases.find(key);
  if (entry != worker.leases.end()) {
    entry->second.until = turn.now() + state.options.lease;
    entry->second.omitted = 0;
    if (job->tasks[held.task.index].state == TaskState::cancelling) {
      aborts.add(worker.session, held.task, held.token);
    }
    return true;
  }
  if (job == nullptr || held.task.index >= job->tasks.size()) {
    return refuse(state, worker, held, aborts);
  }
  if (!is_genuine(state.key, held.task, held.token, worker.info.id)) {
    ++state.counters.results_forged;
    return refuse(state, worker, held, aborts);
  }
  const TaskDetail* detail = job->detail_of(held.task.index);
  const Attempt* known = find_attempt(detail, held.token);
  if (!may_be_adopted(state, *job, held, known)) return refuse(state, worker, held, aborts);
  AbortList superseded;
  if (detail != nullptr) {
    for (const Attempt& other : detail->attempts) {
      if (&other != known && other.is_leased()) superseded.add(state, held.task, other);
    }
  }
  const bool running = held.phase == AttemptPhase::running || held.phase == AttemptPhase::reporting;
  ++state.counters.adopted;
  turn.persist(GrantAdopted{held.task, held.token, worker.info.id, worker.name, running});
  superseded.send(turn, AbortReason::superseded);
  return true;
}

}  // namespace framebus::broker
