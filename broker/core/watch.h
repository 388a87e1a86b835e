// Watches: Watch, EventsOk, Unwatch, and the pump that turns changed state into Events (row 28).
//
// A watch walks its job's log of ended tasks from its cursor; replay and live are the same walk.
// Job states, changes and progress are told as they are when their turn comes, not as they were.
#pragma once

#include "broker/core/turn.h"

namespace framebus::broker {

void on_watch(Turn& turn, SessionId session, const Watch& message);
void on_events_ok(Turn& turn, SessionId session, const EventsOk& message);
void on_unwatch(Turn& turn, SessionId session, const Unwatch& message);

// The job's summary is to be told to all who watch it.
void tell_watches(State& state, Job& job);

// Everyone who watches the job, or all jobs, has been sent all there is to say of one that ended.
// O(watches).
bool all_are_told(const State& state, const Job& job);

void drop_watches_of_session(State& state, SessionId session);
// Tells each watcher that the job has left memory.
void drop_watches_of_job(Turn& turn, JobId job);

// Sends what the windows of the dirty watches allow, at most `watch_messages_per_step` messages;
// the rest stays dirty for the next step (next_wakeup() is now). Cost: what is sent.
void pump_watches(Turn& turn);

}  // namespace framebus::broker
