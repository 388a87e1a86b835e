// Keeps the scheduler's sets (shape.h) in step with jobs and workers. Called by apply() and by the
// handlers of sessions and heartbeats after whatever could matter to a placement.
#pragma once

#include "broker/core/state.h"

namespace framebus::broker {

// The shape of a step, made if it is new (then every connected worker is looked at, once).
ShapeId join_shape(State& state, const Job& job, std::uint32_t step);
// The step's job has left memory. Shapes without steps are kept while there are few.
void leave_shape(State& state, ShapeId shape);

// Enters or removes the step among those that may be served. O(log steps).
void refresh_step(State& state, Job& job, std::uint32_t step);
// After a change of priority, of max_parallel's room, of the whole job. O(steps).
void refresh_steps(State& state, Job& job);
// Takes every step out (before a priority changes). O(steps).
void withdraw_steps(State& state, Job& job);

// The worker has connected, or said other things about itself: which shapes does it fit?
void enlist_worker(State& state, Worker& worker);
void delist_worker(State& state, Worker& worker);
// Its credit, load or state has changed. O(shapes it fits * log workers).
void refresh_worker(State& state, Worker& worker);

// A lease of the principal was opened (+1) or closed (-1): its turn moves.
void change_running(State& state, PrincipalId principal, int by);

PrincipalId join_principal(State& state, const std::string& name);
void leave_principal(State& state, PrincipalId principal);

}  // namespace framebus::broker
