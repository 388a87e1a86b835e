#include "broker/core/scheduler.h"

#include <algorithm>
#include <tuple>

#include "broker/core/lease.h"
#include "broker/core/sticky.h"

namespace framebus::broker {
namespace {

constexpr std::uint32_t steps_tried_per_shape = 64;
constexpr std::uint32_t tasks_tried_per_step = 16;  // of those that run alone
constexpr std::uint32_t seats_passed_max = 256;     // that do not suit

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

// Which seats a task may take.
struct Demand {
  bool alone = false;  // an idle slot of a worker that has no other such task (runs_alone())
  // Of the workers that fit these shapes only idle slots: somebody waits for one to become idle.
  const std::vector<ShapeId>* kept_idle = nullptr;
};

bool suits(const State& state, const Seat& seat, const Demand& demand) {
  if (demand.alone) return !seat.full && state.workers.at(seat.worker).alone == 0;
  if (!seat.full || demand.kept_idle == nullptr) return true;
  return std::none_of(demand.kept_idle->begin(), demand.kept_idle->end(), [&](ShapeId id) {
    return state.shapes.at(id).fitting.contains(seat.worker);
  });
}

std::optional<Choice> choose_worker(const State& state, const Shape& shape, const Job& job,
                                    const Demand& demand) {
  const auto first = first_seat(shape);
  if (first->full && demand.alone) return std::nullopt;  // idle ones come first
  if (job.failures_of.empty() && suits(state, *first, demand)) return Choice{first->worker, false};
  std::optional<WorkerId> excluded;
  std::uint32_t unsuited = 0;
  auto seat = first;
  do {
    if (!suits(state, *seat, demand)) {
      if (++unsuited > seats_passed_max) return std::nullopt;
    } else if (!is_excluded(job, shape.type, seat->worker)) {
      return Choice{seat->worker, false};
    } else if (!excluded) {
      excluded = seat->worker;
    }
    if (++seat == shape.seats.end()) seat = shape.seats.begin();
  } while (seat != first);
  if (!excluded) return std::nullopt;
  // Everyone with credit is excluded. Somebody else may only be busy: then it waits.
  const bool other =
      std::any_of(shape.fitting.begin(), shape.fitting.end(), [&](const WorkerId& worker) {
        return !is_excluded(job, shape.type, worker) && is_eligible(state.workers.at(worker));
      });
  if (other) return std::nullopt;
  return Choice{*excluded, true};
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

// One look at everything that waits.
struct Plan {
  const State& state;
  const std::vector<ShapeId>* kept_idle = nullptr;  // as in Demand
  // Tasks that wait for a slot of their own: no later one is prefetched where they could go.
  std::vector<std::pair<Turnkey, ShapeId>> waiting;
  std::optional<Candidate> best;

  std::optional<Placement> in_step(const Shape& shape, const ReadyStep& ready, bool& waits) {
    const Job& job = state.jobs.at(ready.job);
    const Step& step = job.steps[ready.step];
    std::uint32_t place = step.queued.first();
    for (std::uint32_t tried = 0; tried < tasks_tried_per_step; ++tried) {
      if (place == IndexSet::none) return std::nullopt;
      const std::uint32_t index = step.first + place;
      const bool alone = runs_alone(job.detail_of(index));
      const auto choice = choose_worker(state, shape, job, {alone, kept_idle});
      if (choice) return Placement{{job.id, index}, choice->worker, choice->lapse};
      if (!alone) return std::nullopt;
      waits = true;
      place = step.queued.first_from(place + 1);
    }
    return std::nullopt;
  }

  std::optional<Candidate> in_shape(ShapeId id, const Shape& shape) {
    std::uint32_t tried = 0;
    for (const auto& [running, principal] : shape.turns) {
      for (const ReadyStep& ready : shape.ready.at(principal)) {
        if (++tried > steps_tried_per_shape) return std::nullopt;
        bool waits = false;
        const Turnkey order{running, principal, ready};
        const auto placement = in_step(shape, ready, waits);
        if (waits) waiting.emplace_back(order, id);
        if (placement) return Candidate{order, *placement};
      }
    }
    return std::nullopt;
  }

  void look() {
    for (const ShapeId id : state.open_shapes) {
      const Shape& shape = state.shapes.at(id);
      if (!limits_allow(state, shape)) continue;
      // Cheap test first: the front of another shape often decides already.
      if (best && std::pair(shape.turns.begin()->first, shape.turns.begin()->second) >
                      std::pair(std::get<0>(best->order), std::get<1>(best->order))) {
        continue;
      }
      auto candidate = in_shape(id, shape);
      if (candidate && (!best || candidate->order < best->order)) best = std::move(candidate);
    }
  }

  // Whether it would wait in the queue of a worker that an earlier task needs an idle slot of.
  bool is_in_the_way() const {
    if (!best || waiting.empty()) return false;
    const WorkerId& worker = best->placement.worker;
    if (state.workers.at(worker).has_idle_slot()) return false;
    return std::any_of(waiting.begin(), waiting.end(), [&](const auto& each) {
      return each.first <= best->order && state.shapes.at(each.second).fitting.contains(worker);
    });
  }
};

std::optional<Placement> placement_of(const Plan& plan) {
  if (!plan.best) return std::nullopt;
  return plan.best->placement;
}

}  // namespace

bool is_excluded(const Job& job, const std::string& type, const WorkerId& worker) {
  if (job.failures_of.empty()) return false;
  const auto entry = job.failures_of.find({type, worker});
  return entry != job.failures_of.end() && entry->second >= exclude_after;
}

std::optional<Placement> plan_next(const State& state) {
  Plan plan{state, nullptr, {}, {}};
  plan.look();
  if (!plan.is_in_the_way()) return placement_of(plan);
  std::vector<ShapeId> kept_idle;
  for (const auto& [order, shape] : plan.waiting) kept_idle.push_back(shape);
  Plan second{state, &kept_idle, {}, {}};
  second.look();
  return placement_of(second);
}

}  // namespace framebus::broker
