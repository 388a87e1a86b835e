// From placements to Assign messages (row 4), and prefetched attempts that are asked back.
#include <algorithm>

#include "broker/core/lease.h"
#include "broker/core/scheduler.h"
#include "broker/core/token.h"
#include "libmsg/schema/sweep.h"

namespace framebus::broker {
namespace {

constexpr std::size_t assign_bytes_max = 4 * limits::MiB;
constexpr std::uint32_t reclaim_workers_looked_at = 16;

// The Assigns of one plan, one list for each worker; at-most-once attempts apart, since theirs wait
// for the sync of their records.
class Assigns {
 public:
  explicit Assigns(Turn& turn) : turn_(turn) {}

  void add(SessionId session, const Job& job, std::uint32_t index, const Token& token,
           std::uint64_t lsn) {
    const std::uint32_t step = job.step_of(index);
    const StepSpec& spec = job.spec.steps[step];
    Pending& pending = pending_[{session, spec.at_most_once}];
    AttemptSpec attempt;
    attempt.task = {job.id, index};
    attempt.token = token;
    attempt.step = step_place(pending, job, step);
    attempt.index = index - job.steps[step].first;
    attempt.attempt = job.detail_of(index)->grants;
    if (!spec.task_params.empty()) attempt.params = spec.task_params[attempt.index];
    if (!spec.axes.empty()) attempt.params = sweep_params(spec.axes, attempt.index);
    pending.bytes += 80 + attempt.params.size();
    pending.assign.attempts.push_back(std::move(attempt));
    if (spec.at_most_once) pending.after_lsn = lsn;
    if (pending.bytes > assign_bytes_max) flush(session, pending);
  }

  void flush_all() {
    for (auto& [key, pending] : pending_) flush(key.first, pending);
  }

 private:
  struct Pending {
    Assign assign;
    std::size_t bytes = 0;
    std::uint64_t after_lsn = 0;
  };

  std::uint32_t step_place(Pending& pending, const Job& job, std::uint32_t step) {
    auto& steps = pending.assign.steps;
    for (std::uint32_t place = 0; place < steps.size(); ++place) {
      if (steps[place].job == job.id && steps[place].step == step) return place;
    }
    const StepSpec& spec = job.spec.steps[step];
    steps.push_back({job.id, step, spec.name, spec.type, spec.params, spec.inputs, spec.timeout_ms,
                     spec.progress_timeout_ms, spec.at_most_once});
    pending.bytes +=
        200 + spec.name.size() + spec.type.size() + spec.params.size() + bytes_of(spec.inputs);
    return static_cast<std::uint32_t>(steps.size() - 1);
  }

  void flush(SessionId session, Pending& pending) {
    if (pending.assign.attempts.empty()) return;
    if (pending.after_lsn != 0) {
      Worker& worker = *turn_.state.worker_of(session);
      for (const AttemptSpec& each : pending.assign.attempts) {
        const LeaseKey key{each.task, each.token.epoch, each.token.grant};
        worker.leases.at(key).assign_lsn = pending.after_lsn;
        if (turn_.state.is_durable(pending.after_lsn)) continue;
        turn_.state.unsynced_assigns.push_back({pending.after_lsn, worker.info.id, key});
      }
    }
    turn_.send(session, std::move(pending.assign), pending.after_lsn);
    pending = {};
  }

  Turn& turn_;
  std::map<std::pair<SessionId, bool>, Pending> pending_;
};

void lapse_exclusions(Turn& turn, Job& job, const std::string& type) {
  ++turn.state.counters.exclusions_lapsed;
  job.notice = "every worker that can run '" + type +
               "' had failed at it repeatedly; they are all tried again";
  turn.note(2, "job " + to_string(job.id) + ": " + job.notice);
}

void grant(Turn& turn, const Placement& placement, Assigns& assigns) {
  State& state = turn.state;
  Job& job = *state.find_job(placement.task.job);
  const Worker& worker = state.workers.at(placement.worker);
  if (placement.lapse) {
    lapse_exclusions(turn, job, job.spec.steps[job.step_of(placement.task.index)].type);
  }
  const Token token = make_token(state.key, placement.task, state.options.epoch, state.next_grant,
                                 placement.worker);
  const std::uint64_t lsn =
      turn.persist(TaskGranted{
      placement.task, token, placement.worker, worker.name, false, placement.lapse});
  ++state.counters.grants;
  assigns.add(worker.session, job, placement.task.index, token, lsn);
}

// Slots of this shape's workers that nothing queued will fill, looking at a few of them.
std::uint32_t idle_slots(const State& state, const Shape& shape) {
  std::uint32_t idle = 0;
  std::uint32_t looked_at = 0;
  for (const Seat& seat : shape.seats) {
    if (++looked_at > reclaim_workers_looked_at) break;
    const Worker& worker = state.workers.at(seat.worker);
    if (worker.has_idle_slot()) idle += worker.info.slots - worker.in_flight();
  }
  return idle;
}

// How many idle slots each shape still has to offer in this call.
struct Reclaiming {
  Turn& turn;
  std::map<ShapeId, std::uint32_t> room;

  std::uint32_t& room_of(ShapeId id) {
    const Shape& shape = turn.state.shapes.at(id);
    const auto [entry, is_new] = room.try_emplace(id, 0);
    if (is_new && shape.turns.empty()) entry->second = idle_slots(turn.state, shape);
    return entry->second;
  }

  void ask_back(Worker& victim) {
    if (victim.has_idle_slot()) return;  // its own slot takes what it has prefetched
    AbortList aborts;
    for (auto& [key, lease] : victim.leases) {
      const Job& job = *turn.state.find_job(key.task.job);
      if (lease.phase != AttemptPhase::queued || !lease.listed) continue;
      if (job.tasks[key.task.index].state != TaskState::leased) continue;
      std::uint32_t& idle = room_of(job.steps[job.step_of(key.task.index)].shape);
      if (idle == 0) continue;
      --idle;
      if (lease.reclaiming) continue;
      // It may be starting at this moment, and what has started once is over by an Abort.
      if (job.spec.steps[job.step_of(key.task.index)].at_most_once) continue;
      lease.reclaiming = true;
      const TaskDetail* detail = job.detail_of(key.task.index);
      aborts.add(turn.state, key.task, *find_attempt(detail, Token{key.epoch, key.grant, {}}));
    }
    aborts.send(turn, AbortReason::reclaimed);
  }
};

}  // namespace

void schedule(Turn& turn) {
  State& state = turn.state;
  state.plan_again = false;
  if (state.open_shapes.empty()) return;
  Assigns assigns(turn);
  std::uint32_t granted = 0;
  while (granted < grants_per_call) {
    const auto placement = plan_next(state);
    if (!placement) break;
    grant(turn, *placement, assigns);
    ++granted;
  }
  state.plan_again = granted == grants_per_call;
  assigns.flush_all();
}

void reclaim(Turn& turn) {
  State& state = turn.state;
  if (state.with_prefetch.empty() || state.plan_again) return;
  const bool any_idle = std::any_of(state.shapes.begin(), state.shapes.end(), [](const auto& each) {
    return !each.second.seats.empty() && each.second.turns.empty();
  });
  if (!any_idle) return;
  Reclaiming reclaiming{turn, {}};
  std::uint32_t looked_at = 0;
  for (const WorkerId& id : state.with_prefetch) {
    if (++looked_at > reclaim_workers_looked_at) break;
    if (Worker* victim = state.find_worker(id)) reclaiming.ask_back(*victim);
  }
}

}  // namespace framebus::broker
