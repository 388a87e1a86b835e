// Commands: requests to workers that are no tasks (messages 44 to 47). Volatile; every worker asked
// is answered for exactly once: by its reply, or by worker_lost, deadline_exceeded, cancelled
// (superseded), shutdown.
//
//   all    every connected worker; one that does not list the command is answered not_found, so
//          that a barrier never lies
//   next   the next in turn of those that list it and are in order; waits for one until the
//   deadline named  as all, but one that is not connected is answered worker_lost at once
//
// A worker that is too far behind with its answers is asked no more: `next` passes it over, for the
// others it is answered resource_exhausted.
//
// Sticky commands are in sticky.h. Costs: O(log) for each worker asked and each answer.
#pragma once

#include <string>

#include "broker/core/turn.h"

namespace framebus::broker {

void on_command(Turn& turn, SessionId session, const Command& message);
void on_command_reply(Turn& turn, SessionId session, const CommandReply& message);
void on_command_due(Turn& turn, CommandId id);
void on_run_failed(Turn& turn, SessionId session, const RunCommand& message);

// A verb is the name of a command, or that and more behind a ':' ("prepare:scene"): several sticky
// states of one command.
std::string command_of(const std::string& verb);
// Whether the worker says that it knows the command of this verb.
bool knows(const Worker& worker, const std::string& verb);

// What this worker was asked and has not answered is answered by `error`.
void lose_asks(Turn& turn, Worker& worker, const WireError& error);
// Its primary is gone: nobody is told any more. Late replies are counted.
void drop_commands_of_session(State& state, SessionId session);
// Answers everything that waits with Code::shutdown.
void stop_commands(Turn& turn);

// The worker is one of those asked, and is to be answered for.
void begin_ask(State& state, CommandId id, CommandState& command, Worker& worker);
// The one answer of a worker that was asked. False: it was not, or was answered before.
bool end_ask(State& state, CommandId id, const WorkerId& worker, WireError error,
             Bytes payload = {});

// Enters or removes the worker where target `next` looks, after anything that decides it.
// O(commands it knows), when that changes.
void refresh_rings(State& state, Worker& worker);
void leave_rings(State& state, Worker& worker);

// Ends a step: hands waiting commands to workers that came, and sends the answers of the step.
void pump_commands(Turn& turn);

}  // namespace framebus::broker
