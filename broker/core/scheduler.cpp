#include "broker/core/scheduler.h"

#include <algorithm>
#include <tuple>

#include "broker/core/sticky.h"

namespace framebus::broker {
namespace {

constexpr std::uint32_t steps_tried_per_shape = 64;

struct Choice {
  WorkerId worker;
  bool lapse = false;
};

// The seat to be served next, ignoring exclusions: for roundrobin the first after the cursor among
// those with an idle slot, or among all when none has one.
std::set<Seat>::const_iterator first_seat(const Shape& shape) {
  const auto first = shape.seats.begin();
  if (shape.strategy != Strategy::roundrobin) return first;
  const auto next = shape.seats.upper_bound(Seat{first->full, 0, shape.cursor});
  return next == shape.seats.end() || next->full != first->full ? first : next;
}

// Whether it will take tasks by itself, sooner or later: one that drains, or that says it can take
// none, must not keep a job waiting.
bool is_eligible(const Worker& worker) {
  const bool drains = worker.said_draining || worker.order != WorkerAction::none;
  return !drains && worker.credit > 0 && !has_failed_load(worker);
}

std::optional<Choice> choose_worker(const State& state, const Shape& shape, const Job& job) {
  const auto first = first_seat(shape);
  if (job.failures_of.empty()) return Choice{first->worker, false};
  auto seat = first;
  do {
    if (!is_excluded(job, shape.type, seat->worker)) return Choice{seat->worker, false};
    if (++seat == shape.seats.end()) seat = shape.seats.begin();
  } while (seat != first);
  // Everyone with credit is excluded. Somebody else may only be busy: then it waits.
  const bool other =
      std::any_of(shape.fitting.begin(), shape.fitting.end(), [&](const WorkerId& worker) {
        return !is_excluded(job, shape.type, worker) && is_eligible(state.workers.at(worker));
      });
  if (other) return std::nullopt;
  return Choice{first->worker, true};
}

bool limits_allow(const State& state, const Shape& shape) {
  return std::all_of(shape.limits.begin(), shape.limits.end(), [&](const auto& limit) {
    const Limit& named = state.limits[limit.first];
    return named.amount - std::min(named.used, named.amount) >= limit.second;
  });
}

// What decides between candidates of different shapes.
using Turnkey = std::tuple<std::uint32_t, PrincipalId, ReadyStep>;

struct Candidate {
  Turnkey order;
  Placement placement;
};

std::optional<Candidate> best_of(const State& state, const Shape& shape) {
  std::uint32_t tried = 0;
  for (const auto& [running, principal] : shape.turns) {
    for (const ReadyStep& ready : shape.ready.at(principal)) {
      if (++tried > steps_tried_per_shape) return std::nullopt;
      const Job& job = state.jobs.at(ready.job);
      const auto choice = choose_worker(state, shape, job);
      if (!choice) continue;
      const Step& step = job.steps[ready.step];
      const TaskRef task{job.id, step.first + step.queued.first()};
      return Candidate{{running, principal, ready}, {task, choice->worker, choice->lapse}};
    }
  }
  return std::nullopt;
}

}  // namespace

bool is_excluded(const Job& job, const std::string& type, const WorkerId& worker) {
  if (job.failures_of.empty()) return false;
  const auto entry = job.failures_of.find({type, worker});
  return entry != job.failures_of.end() && entry->second >= exclude_after;
}

std::optional<Placement> plan_next(const State& state) {
  std::optional<Candidate> best;
  for (const ShapeId id : state.open_shapes) {
    const Shape& shape = state.shapes.at(id);
    if (!limits_allow(state, shape)) continue;
    // Cheap test first: the front of another shape often decides already.
    if (best && std::pair(shape.turns.begin()->first, shape.turns.begin()->second) >
                    std::pair(std::get<0>(best->order), std::get<1>(best->order))) {
      continue;
    }
    auto candidate = best_of(state, shape);
    if (candidate && (!best || candidate->order < best->order)) best = std::move(candidate);
  }
  if (!best) return std::nullopt;
  return best->placement;
}

}  // namespace framebus::broker
