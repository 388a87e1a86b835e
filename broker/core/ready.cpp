#include "broker/core/ready.h"

#include <algorithm>

#include "broker/core/commands.h"
#include "broker/core/filter.h"
#include "broker/core/score.h"

namespace framebus::broker {
namespace {

constexpr std::size_t shapes_kept = 64;

void append(std::string& key, const std::string& text) {
  key += std::to_string(text.size());
  key += ':';
  key += text;
}

std::string key_of(const Shape& shape) {
  std::string key;
  append(key, shape.type);
  const Requirements& needs = shape.needs;
  for (const std::uint64_t number :
       {std::uint64_t{needs.gpus}, needs.gpu_memory_bytes, std::uint64_t{needs.compute_capability},
        std::uint64_t{needs.cpus}, needs.memory_bytes,
        static_cast<std::uint64_t>(shape.strategy)}) {
    key += std::to_string(number) + ',';
  }
  for (const Label& label : needs.labels) {
    append(key, label.key);
    append(key, label.value);
  }
  for (const auto& [limit, amount] : shape.limits) {
    key += std::to_string(limit) + '=' + std::to_string(amount) + ';';
  }
  return key;
}

void refresh_open(State& state, ShapeId id, const Shape& shape) {
  if (!shape.seats.empty() && !shape.turns.empty()) {
    state.open_shapes.insert(id);
  } else {
    state.open_shapes.erase(id);
  }
}

void refresh_seat(State& state, const Worker& worker, Membership& member) {
  Shape& shape = state.shapes.at(member.shape);
  const bool may_sit = worker.may_be_granted();
  const Seat seat = seat_of(worker, shape.strategy, state.options.load_weights);
  if (member.seated && (!may_sit || member.seat != seat)) {
    shape.seats.erase(member.seat);
    member.seated = false;
  }
  if (may_sit && !member.seated) {
    shape.seats.insert(seat);
    member.seat = seat;
    member.seated = true;
  }
  refresh_open(state, member.shape, shape);
}

void add_member(State& state, ShapeId id, Shape& shape, Worker& worker) {
  if (first_failure(worker.info, shape.type, shape.needs)) return;
  shape.fitting.insert(worker.info.id);
  worker.shapes.push_back({id, false, {}});
  refresh_seat(state, worker, worker.shapes.back());
}

void drop_shape(State& state, ShapeId id) {
  Shape& shape = state.shapes.at(id);
  for (const WorkerId& each : shape.fitting) {
    Worker& worker = state.workers.at(each);
    std::erase_if(worker.shapes, [&](const Membership& member) { return member.shape == id; });
  }
  state.shape_of.erase(key_of(shape));
  state.open_shapes.erase(id);
  state.shapes.erase(id);
}

void enter(State& state, Job& job, std::uint32_t index) {
  Step& step = job.steps[index];
  Shape& shape = state.shapes.at(step.shape);
  Principal& principal = state.principals.at(job.principal);
  shape.ready[job.principal].insert({100 - job.spec.priority, job.id, index});
  if (principal.ready_in[step.shape]++ == 0) {
    shape.turns.insert({principal.running, job.principal});
    refresh_open(state, step.shape, shape);
  }
  step.ready = true;
}

void leave(State& state, Job& job, std::uint32_t index) {
  Step& step = job.steps[index];
  Shape& shape = state.shapes.at(step.shape);
  Principal& principal = state.principals.at(job.principal);
  const auto entry = shape.ready.find(job.principal);
  entry->second.erase({100 - job.spec.priority, job.id, index});
  if (--principal.ready_in[step.shape] == 0) {
    principal.ready_in.erase(step.shape);
    shape.ready.erase(entry);
    shape.turns.erase({principal.running, job.principal});
    refresh_open(state, step.shape, shape);
  }
  step.ready = false;
}

}  // namespace

ShapeId join_shape(State& state, const Job& job, std::uint32_t index) {
  const StepSpec& spec = job.spec.steps[index];
  Shape shape;
  shape.type = spec.type;
  shape.needs = spec.requires_;
  shape.limits = job.steps[index].limits;
  shape.strategy = job.spec.strategy == Strategy::broker_default ? state.options.default_strategy
                                                                 : job.spec.strategy;
  const std::string key = key_of(shape);
  const auto [entry, is_new] = state.shape_of.try_emplace(key, state.next_shape);
  if (is_new) {
    const ShapeId id = state.next_shape++;
    Shape& added = state.shapes.emplace(id, std::move(shape)).first->second;
    for (auto& [worker_id, worker] : state.workers) {
      if (worker.is_connected()) add_member(state, id, added, worker);
    }
  }
  ++state.shapes.at(entry->second).steps;
  return entry->second;
}

void leave_shape(State& state, ShapeId id) {
  Shape& shape = state.shapes.at(id);
  if (--shape.steps == 0 && state.shapes.size() > shapes_kept) drop_shape(state, id);
}

void refresh_step(State& state, Job& job, std::uint32_t index) {
  const Step& step = job.steps[index];
  const bool has_room = job.spec.max_parallel == 0 || job.in_flight < job.spec.max_parallel;
  const bool should_be = !step.queued.empty() && has_room;
  if (should_be && !step.ready) enter(state, job, index);
  if (!should_be && step.ready) leave(state, job, index);
}

void refresh_steps(State& state, Job& job) {
  for (std::uint32_t index = 0; index < job.steps.size(); ++index) refresh_step(state, job, index);
}

void withdraw_steps(State& state, Job& job) {
  for (std::uint32_t index = 0; index < job.steps.size(); ++index) {
    if (job.steps[index].ready) leave(state, job, index);
  }
}

void enlist_worker(State& state, Worker& worker) {
  delist_worker(state, worker);
  for (auto& [id, shape] : state.shapes) add_member(state, id, shape, worker);
  refresh_rings(state, worker);
}

void delist_worker(State& state, Worker& worker) {
  leave_rings(state, worker);
  for (const Membership& member : worker.shapes) {
    Shape& shape = state.shapes.at(member.shape);
    shape.fitting.erase(worker.info.id);
    if (member.seated) shape.seats.erase(member.seat);
    refresh_open(state, member.shape, shape);
  }
  worker.shapes.clear();
}

void refresh_worker(State& state, Worker& worker) {
  for (Membership& member : worker.shapes) refresh_seat(state, worker, member);
  refresh_rings(state, worker);
}

void change_running(State& state, PrincipalId id, int by) {
  Principal& principal = state.principals.at(id);
  const std::uint32_t before = principal.running;
  principal.running = static_cast<std::uint32_t>(static_cast<std::int64_t>(before) + by);
  for (const auto& [shape_id, steps] : principal.ready_in) {
    Shape& shape = state.shapes.at(shape_id);
    shape.turns.erase({before, id});
    shape.turns.insert({principal.running, id});
  }
}

PrincipalId join_principal(State& state, const std::string& name) {
  const auto [entry, is_new] = state.principal_of.try_emplace(name, state.next_principal);
  if (is_new) state.principals[state.next_principal++].name = name;
  ++state.principals.at(entry->second).jobs;
  return entry->second;
}

void leave_principal(State& state, PrincipalId id) {
  Principal& principal = state.principals.at(id);
  if (--principal.jobs > 0) return;
  state.principal_of.erase(principal.name);
  state.principals.erase(id);
}

}  // namespace framebus::broker
