// Sticky commands: the state that a worker must have before its next task (messages 48, 49).
//
// The newest of each name is recorded (StickySet) and sent as Prepare, after its record is durable,
// to every worker that lists it: to those that are connected, and to each that joins later, right
// after its Welcome. Until Ready of the newest load id of each name the worker is `loading`: it is
// granted nothing. A Ready of an older load id is ignored and counted; one with an error leaves it
// loading, the reason is shown, and a later Ready without an error lifts it.
#pragma once

#include "broker/core/turn.h"

namespace framebus::broker {

// Records the command and asks every connected worker; requests for an older one of the same name
// are answered `cancelled` for those that have not answered.
void set_sticky(Turn& turn, CommandId id, CommandState& command, const Bytes& payload);
void on_ready(Turn& turn, SessionId session, const Ready& message);
void on_prepare_failed(Turn& turn, SessionId session, const Prepare& message);

// A worker has joined: what it has to prepare.
void prepare_worker(Turn& turn, Worker& worker);
// Those whose Prepare could not be handed over get it again.
void prepare_again(Turn& turn, Worker& worker);

void apply_sticky(State& state, const StickySet& record);

// What it still prepares, or could not, in a sentence; empty when it is ready.
std::string why_loading(const Worker& worker);
// One of them could not be prepared: it stays loading until a person or the worker mends that.
bool has_failed_load(const Worker& worker);

}  // namespace framebus::broker
