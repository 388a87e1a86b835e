// Core::check_invariants(): what must hold between steps, said once more in another way than the
// code that keeps it. O(state); tests and the simulator only.
#include <algorithm>

#include "broker/core/commands.h"
#include "broker/core/conservation.h"
#include "broker/core/core.h"
#include "broker/core/filter.h"
#include "broker/core/invariants.h"
#include "broker/core/lease.h"
#include "broker/core/transition.h"

namespace framebus::broker {
namespace {

using enum TaskState;

// Counted anew from the tasks.
struct Sums {
  StateCounts active{};
  std::uint64_t open_tasks = 0;
  std::uint64_t spec_bytes = 0;
  std::uint64_t outcome_bytes = 0;
  std::uint32_t active_jobs = 0;
  std::map<PrincipalId, std::uint32_t> running;
  std::map<PrincipalId, std::uint32_t> jobs;
  std::map<ShapeId, std::uint32_t> steps;
  std::vector<std::uint64_t> limits;
  std::size_t leases = 0;
};

void check_attempts(const State& state, const Job& job, std::uint32_t index, Sums& sums) {
  const TaskState now_in = job.tasks[index].state;
  const TaskDetail* detail = job.detail_of(index);
  std::uint32_t leased_count = 0;
  bool started = false;
  std::pair<std::uint64_t, std::uint64_t> last{0, 0};
  if (detail != nullptr) {
    FRAMEBUS_CHECK(detail->attempts.size() <= limits::attempts_kept_per_task_max,
                   "history bounded");
    for (const Attempt& attempt : detail->attempts) {
      const std::pair number{attempt.epoch, attempt.grant};
      FRAMEBUS_CHECK(last < number, "tokens grow");
      FRAMEBUS_CHECK(attempt.epoch < state.options.epoch || attempt.grant < state.next_grant,
                     "no token was given out twice");
      last = number;
      FRAMEBUS_CHECK(!is_terminal(now_in) || !attempt.is_live(), "ended tasks have no live grant");
      if (!attempt.is_leased()) continue;
      ++leased_count;
      started = started || attempt.started;
      FRAMEBUS_CHECK(attempt.end == AttemptEnd::still_open, "a leased attempt has not ended");
      const Worker* worker = state.find_worker(worker_of(state, attempt));
      FRAMEBUS_CHECK(worker != nullptr && worker->leases.contains(key_of({job.id, index}, attempt)),
                     "a leased attempt has a lease");
    }
  }
  FRAMEBUS_CHECK(is_in_flight(now_in) == (leased_count > 0),
                 "leased, running, cancelling: a lease");
  FRAMEBUS_CHECK(now_in != running || started, "running tasks have started");
  sums.leases += leased_count;
}

void check_task(const State& state, const Job& job, std::uint32_t index, Sums& sums) {
  const Task& task = job.tasks[index];
  const Step& step = job.steps[job.step_of(index)];
  FRAMEBUS_CHECK(step.queued.contains(index - step.first) == (task.state == queued),
                 "queued tasks and no others are in the queue");
  FRAMEBUS_CHECK((task.ended_lsn != 0) == is_terminal(task.state), "ended tasks know their record");
  FRAMEBUS_CHECK(task.ended_lsn <= state.lsn, "no record of the future");
  if (task.state == queued) {
    FRAMEBUS_CHECK(!task.paused && !job.paused && dependencies_met(job, index),
                   "queued tasks may run");
    FRAMEBUS_CHECK(!job.stopped && !job.deadline_passed, "nothing waits in a job that is over");
  }
  if (task.state == held) {
    FRAMEBUS_CHECK(task.paused || job.paused || !dependencies_met(job, index),
                   "something holds it");
    FRAMEBUS_CHECK(!dependencies_failed(job, index), "it is not waiting in vain");
  }
  check_attempts(state, job, index, sums);
}

void check_ended(const Job& job) {
  std::uint64_t last = 0;
  std::size_t current = 0;
  for (const EndedTask& ended : job.ended) {
    FRAMEBUS_CHECK(last <= ended.lsn, "the log of ended tasks is in record order");
    last = ended.lsn;
    if (job.tasks[ended.index].ended_lsn == ended.lsn) ++current;
  }
  FRAMEBUS_CHECK(current == job.tasks.size() - job.open_tasks(), "one terminal record each");
  FRAMEBUS_CHECK(job.ended.size() <= 2 * current, "the log of ended tasks is bounded");
}

void check_outcomes(const Job& job) {
  std::uint64_t bytes = 0;
  for (const TaskDetail& detail : job.details) {
    if (detail.outcome) bytes += bytes_of(*detail.outcome);
    if (!detail.trouble) continue;
    for (const LastError& each : detail.trouble->errors) bytes += bytes_of(each);
  }
  FRAMEBUS_CHECK(bytes == job.outcome_bytes, "bytes of a job's outcomes");
}

void check_job(const State& state, const Job& job, Sums& sums) {
  StateCounts counts{};
  const std::size_t leases_before = sums.leases;
  for (std::uint32_t index = 0; index < job.tasks.size(); ++index) {
    ++counts[static_cast<std::size_t>(job.tasks[index].state)];
    check_task(state, job, index, sums);
  }
  FRAMEBUS_CHECK(counts == job.counts, "tasks by state");
  FRAMEBUS_CHECK(job.failures == counts[static_cast<std::size_t>(failed)] +
                                     counts[static_cast<std::size_t>(dead)],
                 "failures");
  FRAMEBUS_CHECK(job.in_flight == sums.leases - leases_before, "open leases of the job");
  StateCounts of_steps{};
  for (const Step& step : job.steps) {
    for (std::size_t each = 0; each < task_state_count; ++each) of_steps[each] += step.counts[each];
    FRAMEBUS_CHECK(step.queued.size() == step.counts[static_cast<std::size_t>(queued)],
                   "queue size");
    const bool room = job.spec.max_parallel == 0 || job.in_flight < job.spec.max_parallel;
    FRAMEBUS_CHECK(step.ready == (room && !step.queued.empty()), "ready steps may be served");
    ++sums.steps[step.shape];
  }
  FRAMEBUS_CHECK(of_steps == job.counts, "steps add up to their job");
  FRAMEBUS_CHECK(job.announced == job.state(), "the job's state was told");
  check_ended(job);
  check_outcomes(job);
  sums.running[job.principal] += job.in_flight;
  ++sums.jobs[job.principal];
  sums.open_tasks += job.open_tasks();
  if (is_ended(job.state())) return;
  ++sums.active_jobs;
  sums.spec_bytes += job.spec_bytes;
  sums.outcome_bytes += job.outcome_bytes;
  for (std::size_t each = 0; each < task_state_count; ++each) sums.active[each] += counts[each];
}

void check_worker(const State& state, const Worker& worker, Sums& sums) {
  FRAMEBUS_CHECK(worker.is_connected() || worker.state == SessionState::closed,
                 "no session: closed");
  if (worker.is_connected()) {
    const auto session = state.sessions.find(worker.session);
    FRAMEBUS_CHECK(session != state.sessions.end() && session->second.worker == worker.info.id,
                   "a connected worker has its session");
    FRAMEBUS_CHECK(worker.credit <= worker.info.slots + worker.info.prefetch, "credit is bounded");
  } else {
    FRAMEBUS_CHECK(worker.shapes.empty(), "only connected workers are chosen");
  }
  std::uint32_t alone = 0;
  for (const auto& [key, lease] : worker.leases) {
    const Job* job = state.find_job(key.task.job);
    FRAMEBUS_CHECK(job != nullptr, "a lease belongs to a job");
    alone += lease.alone ? 1 : 0;
    const Attempt* attempt =
        find_attempt(job->detail_of(key.task.index), Token{key.epoch, key.grant, {}});
    FRAMEBUS_CHECK(attempt != nullptr && attempt->is_leased(), "a lease belongs to an attempt");
    FRAMEBUS_CHECK(!lease.alone || !attempt->started, "what has started is alone no more");
    FRAMEBUS_CHECK(
        lease.armed != TimePoint{} && lease.armed <= lease.until + state.options.lease * 100,
        "a lease has its timer");
    for (const auto& [limit, amount] : job->steps[job->step_of(key.task.index)].limits) {
      sums.limits[limit] += amount;
    }
  }
  FRAMEBUS_CHECK(alone == worker.alone, "leases that are alone");
  sums.leases -= worker.leases.size();
  for (const Membership& member : worker.shapes) {
    const Shape& shape = state.shapes.at(member.shape);
    FRAMEBUS_CHECK(shape.fitting.contains(worker.info.id), "it is known to fit");
    FRAMEBUS_CHECK(member.seated == worker.may_be_granted(), "credit and a seat go together");
    FRAMEBUS_CHECK(!member.seated || shape.seats.contains(member.seat), "its seat is there");
  }
}

void check_shapes(const State& state, const Sums& sums) {
  for (const auto& [id, shape] : state.shapes) {
    const auto steps = sums.steps.find(id);
    FRAMEBUS_CHECK(shape.steps == (steps == sums.steps.end() ? 0 : steps->second),
                   "steps of a shape");
    FRAMEBUS_CHECK(shape.turns.size() == shape.ready.size(),
                   "a turn for each principal that waits");
    for (const auto& [running, principal] : shape.turns) {
      FRAMEBUS_CHECK(state.principals.at(principal).running == running, "turns are up to date");
    }
    const bool open = !shape.seats.empty() && !shape.turns.empty();
    FRAMEBUS_CHECK(open == state.open_shapes.contains(id), "open shapes");
    for (const auto& [worker_id, worker] : state.workers) {
      const bool fits =
          worker.is_connected() && !first_failure(worker.info, shape.type, shape.needs);
      FRAMEBUS_CHECK(fits == shape.fitting.contains(worker_id), "who fits");
    }
  }
}

void check_watches(const State& state) {
  for (const auto& [key, watch] : state.watches) {
    const auto session = state.sessions.find(key.first);
    FRAMEBUS_CHECK(session != state.sessions.end() && session->second.watches.contains(key.second),
                   "a watch belongs to a session");
    FRAMEBUS_CHECK(watch.sequence - watch.confirmed <= state.options.event_window, "window kept");
    if (!watch.job.is_none()) {
      const Job& job = state.jobs.at(watch.job);
      FRAMEBUS_CHECK(job.watches.contains(key), "its job knows it");
      const bool has_room = watch.sequence - watch.confirmed < state.options.event_window;
      FRAMEBUS_CHECK(has_room == job.awake.contains(key) || state.dirty_watches.contains(key),
                     "watches with room are awake, no others");
    }
  }
  std::map<std::string, std::uint32_t> of_principal;
  for (const auto& [id, session] : state.sessions) {
    if (!session.watches.empty()) {
      of_principal[session.principal] += static_cast<std::uint32_t>(session.watches.size());
    }
  }
  FRAMEBUS_CHECK(of_principal == state.watches_of, "watches of a principal");
  for (const auto& [id, job] : state.jobs) {
    FRAMEBUS_CHECK(job.changes.size() <= ChangeLog::changes_kept, "changes are bounded");
    FRAMEBUS_CHECK(!job.watches.empty() || job.changes.size() + job.progressed.size() == 0,
                   "changes are kept for watches only");
  }
  FRAMEBUS_CHECK(state.dirty_jobs.empty(), "the step was finished");
}

void check_commands(const State& state) {
  std::uint64_t asks = 0;
  std::uint64_t waiting_bytes = 0;
  std::size_t of_sessions = 0;
  for (const auto& [id, session] : state.sessions) of_sessions += session.commands.size();
  FRAMEBUS_CHECK(of_sessions == state.commands.size(), "a command belongs to one session");
  for (const auto& [id, command] : state.commands) {
    FRAMEBUS_CHECK(id < state.next_command, "commands are numbered");
    FRAMEBUS_CHECK(state.sessions.at(command.primary).commands.at(command.request) == id,
                   "its session knows it");
    FRAMEBUS_CHECK(command.answers.empty(), "answers are told at the end of their step");
    FRAMEBUS_CHECK(command.is_waiting == command.asked.empty(), "it waits for somebody");
    for (const WorkerId& worker : command.asked) {
      FRAMEBUS_CHECK(state.workers.at(worker).asked.contains(id), "who is asked knows it");
    }
    asks += command.asked.size() + (command.is_waiting ? 1 : 0);
    waiting_bytes += command.payload.size();
    if (!command.is_waiting) continue;
    const CommandRing& ring = state.rings.at(command_of(command.verb));
    FRAMEBUS_CHECK(ring.waiting.contains(id) && ring.members.empty(),
                   "it waits because there is no worker");
  }
  FRAMEBUS_CHECK(asks == state.asks && waiting_bytes == state.waiting_bytes, "asks in sum");
  FRAMEBUS_CHECK(state.answered.empty() && state.rings_to_serve.empty(), "the step was finished");
  FRAMEBUS_CHECK(state.ended_logs.empty(), "the step was finished");
}

// The commands a worker was asked, what it has to prepare, and whether it is found by `next`.
void check_asked(const State& state, const Worker& worker) {
  std::uint64_t bytes = 0;
  for (const CommandId id : worker.asked) {
    FRAMEBUS_CHECK(state.commands.at(id).asked.contains(worker.info.id), "it was asked");
    bytes += state.commands.at(id).payload_bytes;
  }
  FRAMEBUS_CHECK(bytes == worker.asked_bytes, "bytes of what it was asked");
  FRAMEBUS_CHECK(worker.is_connected() || worker.asked.empty(), "who is gone answers nothing");
  std::uint32_t loading = 0;
  for (const auto& [verb, load] : worker.loads) {
    FRAMEBUS_CHECK(load.load_id == state.sticky.at(verb).load_id, "the newest of each name");
    if (!load.is_ready) ++loading;
  }
  FRAMEBUS_CHECK(loading == worker.loading, "what it prepares");
  FRAMEBUS_CHECK(worker.is_connected() || worker.loads.empty(), "only who is here prepares");
  FRAMEBUS_CHECK(worker.order == WorkerAction::none || worker.state != SessionState::ready,
                 "who was told to drain does");
  FRAMEBUS_CHECK(!worker.in_rings || worker.takes_commands(), "only who is in order is next");
  for (const std::string& verb : worker.info.commands) {
    const auto ring = state.rings.find(verb);
    const bool is_in = ring != state.rings.end() && ring->second.members.contains(worker.info.id);
    FRAMEBUS_CHECK(is_in == worker.in_rings, "a ring for each of its commands");
  }
}

}  // namespace

void Core::check_invariants() const {
  const State& state = *state_;
  if (!state.began) return;
  Sums sums;
  sums.limits.resize(state.limits.size());
  for (const auto& [id, job] : state.jobs) check_job(state, job, sums);
  FRAMEBUS_CHECK(sums.active == state.counts, "tasks of active jobs by state");
  FRAMEBUS_CHECK(sums.open_tasks == state.open_tasks, "open tasks");
  FRAMEBUS_CHECK(sums.active_jobs == state.active_jobs, "active jobs");
  for (const auto& [id, upload] : state.uploads) sums.spec_bytes += upload.bytes;
  FRAMEBUS_CHECK(sums.spec_bytes == state.open_spec_bytes, "bytes of open specs");
  FRAMEBUS_CHECK(sums.outcome_bytes == state.open_outcome_bytes, "bytes of open jobs' outcomes");
  std::uint64_t finished_bytes = 0;
  for (const auto& [id, job] : state.jobs) finished_bytes += job.finished_bytes;
  FRAMEBUS_CHECK(finished_bytes == state.finished_bytes, "bytes of finished jobs");
  std::uint32_t connected = 0;
  for (const auto& [id, worker] : state.workers) {
    check_worker(state, worker, sums);
    check_asked(state, worker);
    if (worker.is_connected()) ++connected;
  }
  FRAMEBUS_CHECK(sums.leases == 0, "every lease is held by exactly one worker");
  FRAMEBUS_CHECK(connected == state.connected_workers, "connected workers");
  for (std::size_t each = 0; each < state.limits.size(); ++each) {
    FRAMEBUS_CHECK(sums.limits[each] == state.limits[each].used, "named limits in use");
  }
  for (const auto& [id, principal] : state.principals) {
    FRAMEBUS_CHECK(principal.running == sums.running[id], "running attempts of a principal");
    FRAMEBUS_CHECK(principal.jobs == sums.jobs[id], "jobs of a principal");
  }
  check_shapes(state, sums);
  check_watches(state);
  check_commands(state);
  check_kept(state);
  const std::vector<std::string> faults = conservation_faults(state);
  FRAMEBUS_CHECK(faults.empty(), faults.front());
}

}  // namespace framebus::broker
