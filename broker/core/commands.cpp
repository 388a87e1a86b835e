#include "broker/core/commands.h"

#include <algorithm>

#include "broker/core/sticky.h"
#include "broker/core/task_manager.h"

namespace framebus::broker {
namespace {

constexpr std::int64_t no_worker_retry_ms = 1'000;
// Target `next` passes a worker over that has no room; the others answer for it.
bool has_room(const Worker& worker) {
  return worker.asked.size() < asks_per_worker_max &&
         worker.asked_bytes < asked_bytes_per_worker_max;
}

Status check_worker_room(State& state, const Worker& worker, std::size_t payload_bytes) {
  const std::string who = "worker " + worker.name + " is behind with its commands";
  const std::uint64_t asks = worker.asked.size() + 1;
  if (asks > asks_per_worker_max) {
    return fail(refuse_bound(state.refusals, Bound::worker_asks, asks_per_worker_max, asks, who));
  }
  const std::uint64_t bytes = worker.asked_bytes + payload_bytes;
  if (bytes > asked_bytes_per_worker_max) {
    return fail(refuse_bound(state.refusals, Bound::worker_asked_bytes, asked_bytes_per_worker_max,
                             bytes, who));
  }
  return {};
}

Duration deadline_of(const State& state, const Command& message) {
  return message.deadline_ms == 0 ? state.options.command_deadline
                                  : milliseconds(message.deadline_ms);
}

std::int64_t left_ms(const State& state, const CommandState& command) {
  return std::max<std::int64_t>(1, to_ms(command.deadline - state.now));
}

// An answer for a worker, asked or not; told at the end of the step.
void add_answer(State& state, CommandId id, CommandState& command, const WorkerId& worker,
                WireError error, Bytes payload) {
  const Worker* known = state.find_worker(worker);
  command.answers.push_back(
      {worker, known == nullptr ? "" : known->name, std::move(error), std::move(payload)});
  state.answered.insert(id);
  ++state.ledger.answers_given;
}

// One that is answered for without having been asked.
void answer_at_once(State& state, CommandId id, CommandState& command, const WorkerId& worker,
                    const Error& error) {
  ++state.ledger.answers_asked;
  add_answer(state, id, command, worker,
             wire_error(error.code, error.message, error.retry_after_ms), {});
}

void run_on(Turn& turn, CommandId id, CommandState& command, Worker& worker, Bytes payload) {
  begin_ask(turn.state, id, command, worker);
  worker.asked_bytes += payload.size();
  command.payload_bytes = payload.size();
  turn.send(worker.session,
            RunCommand{id, command.verb, std::move(payload), left_ms(turn.state, command)});
  refresh_rings(turn.state, worker);
}

void ask_connected(Turn& turn, CommandId id, CommandState& command, Worker& worker,
                   const Bytes& payload) {
  if (!knows(worker, command.verb)) {
    return answer_at_once(
        turn.state, id, command, worker.info.id,
        {Code::not_found,
         "worker " + worker.name + " does not know the command '" + command.verb + "'", 0});
  }
  const Status room = check_worker_room(turn.state, worker, payload.size());
  if (!room) return answer_at_once(turn.state, id, command, worker.info.id, room.error());
  run_on(turn, id, command, worker, payload);
}

void ask_all(Turn& turn, CommandId id, CommandState& command, const Bytes& payload) {
  for (auto& [worker_id, worker] : turn.state.workers) {
    if (worker.is_connected()) ask_connected(turn, id, command, worker, payload);
  }
}

void ask_named(Turn& turn, CommandId id, CommandState& command, const Command& message) {
  const std::set<WorkerId> named(message.workers.begin(), message.workers.end());
  for (const WorkerId& each : named) {
    Worker* worker = turn.state.find_worker(each);
    if (worker != nullptr && worker->is_connected()) {
      ask_connected(turn, id, command, *worker, message.payload);
      continue;
    }
    answer_at_once(turn.state, id, command, each,
                   {Code::worker_lost, "worker " + to_string(each) + " is not connected", 0});
  }
}

// The next of the ring after its cursor, which moves on.
Worker& take_turn(State& state, CommandRing& ring) {
  auto next = ring.members.upper_bound(ring.cursor);
  if (next == ring.members.end()) next = ring.members.begin();
  ring.cursor = *next;
  return state.workers.at(*next);
}

void ask_next(Turn& turn, CommandId id, CommandState& command, const Bytes& payload) {
  State& state = turn.state;
  CommandRing& ring = state.rings[command_of(command.verb)];
  if (!ring.members.empty() && ring.waiting.empty()) {
    return run_on(turn, id, command, take_turn(state, ring), payload);
  }
  ring.waiting.insert(id);
  command.is_waiting = true;
  command.payload = payload;
  state.waiting_bytes += payload.size();
  ++state.asks;
}

void stop_waiting(State& state, CommandId id, CommandState& command) {
  if (!std::exchange(command.is_waiting, false)) return;
  CommandRing& ring = state.rings.at(command_of(command.verb));
  ring.waiting.erase(id);
  if (ring.waiting.empty() && ring.members.empty()) state.rings.erase(command_of(command.verb));
  state.waiting_bytes -= command.payload.size();
  --state.asks;
}

// Its last answer is out, or nobody wants it any more.
void forget(State& state, std::map<CommandId, CommandState>::iterator entry) {
  const CommandState& command = entry->second;
  state.timers.disarm({command.deadline, TimerKind::command, {}, {}, 0, entry->first});
  const auto session = state.sessions.find(command.primary);
  if (session != state.sessions.end()) session->second.commands.erase(command.request);
  state.answered.erase(entry->first);
  state.commands.erase(entry);
}

// A command that no worker was asked: one error instead of answers.
void fail_waiting(Turn& turn, CommandId id, Code code, std::string text, std::int64_t retry_ms) {
  const auto entry = turn.state.commands.find(id);
  stop_waiting(turn.state, id, entry->second);
  turn.resume_request();
  turn.refuse(entry->second.primary, entry->second.request, code, std::move(text), retry_ms);
  forget(turn.state, entry);
}

Status check_shape(const State& state, const Session& peer, const Command& message) {
  if (state.stopping) return fail(Code::shutdown, "the broker is shutting down");
  if (peer.commands.contains(message.request)) {
    return fail(Code::already_exists, "request " + std::to_string(message.request) +
                                          " names a command that has not been answered");
  }
  if (message.verb.empty() || message.verb.size() > limits::name_bytes_max) {
    return fail(Code::invalid_argument, "verb: has " + std::to_string(message.verb.size()) +
                                            " bytes, allowed are 1 to " +
                                            std::to_string(limits::name_bytes_max));
  }
  if (message.target < CommandTarget::all || message.target > CommandTarget::named) {
    return fail(Code::invalid_argument, "target: found " +
                                            std::to_string(static_cast<int>(message.target)) +
                                            ", allowed are 1 (all), 2 (next), 3 (named)");
  }
  if ((message.target == CommandTarget::named) == message.workers.empty()) {
    return fail(Code::invalid_argument,
                "workers: are named for target 3, and for no other; found target " +
                    std::to_string(static_cast<int>(message.target)) + " and " +
                    std::to_string(message.workers.size()) + " names");
  }
  if (message.sticky && message.target != CommandTarget::all) {
    return fail(Code::invalid_argument, "sticky: is for target 1 (all) only");
  }
  if (message.deadline_ms < 0 || message.deadline_ms > to_ms(command_deadline_max)) {
    return fail(Code::invalid_argument,
                "deadline_ms: found " + std::to_string(message.deadline_ms) +
                    ", allowed are 0 to " + std::to_string(to_ms(command_deadline_max)));
  }
  return {};
}

Status check_room(State& state, const Session& peer, const Command& message) {
  const auto bound = [&](Bound which, std::uint64_t limit, std::uint64_t found,
                         std::string_view where = {}) -> Status {
    if (found <= limit) return {};
    return fail(refuse_bound(state.refusals, which, limit, found, where));
  };
  FRAMEBUS_TRY(bound(Bound::command_payload_bytes, limits::command_payload_bytes_max,
                     message.payload.size(), "payload"));
  FRAMEBUS_TRY(bound(Bound::commands_per_session, limits::commands_per_session_max,
                     peer.commands.size() + 1));
  const std::uint64_t asks = message.target == CommandTarget::all     ? state.connected_workers
                             : message.target == CommandTarget::named ? message.workers.size()
                                                                      : 1;
  FRAMEBUS_TRY(
      bound(Bound::command_requests, state.options.command_requests_max, state.asks + asks));
  FRAMEBUS_TRY(bound(Bound::command_fanout_bytes, limits::command_fanout_bytes_max,
                     asks * message.payload.size(), "payload times workers"));
  if (message.target == CommandTarget::next) {
    FRAMEBUS_TRY(bound(Bound::waiting_command_bytes, limits::waiting_command_bytes_max,
                       state.waiting_bytes + message.payload.size()));
  }
  if (!message.sticky) return {};
  FRAMEBUS_TRY(check_store(state, "the sticky command"));  // it is recorded
  std::uint64_t bytes = message.payload.size();
  std::uint64_t names = 1;
  for (const auto& [verb, sticky] : state.sticky) {
    if (verb == message.verb) continue;
    ++names;
    bytes += sticky.payload.size();
  }
  FRAMEBUS_TRY(bound(Bound::sticky_commands, limits::sticky_commands_max, names));
  FRAMEBUS_TRY(bound(Bound::sticky_bytes, limits::sticky_bytes_max, bytes));
  return {};
}

// The answers of this step, in pages; `true` when that was the last of them.
void send_answers(Turn& turn, std::map<CommandId, CommandState>::iterator entry) {
  CommandState& command = entry->second;
  const bool is_over = command.asked.empty() && !command.is_waiting;
  CommandDone page{command.request, {}, false, command.load_id};
  std::size_t bytes = 0;
  for (CommandAnswer& answer : command.answers) {
    const std::size_t size = 64 + answer.payload.size() + answer.error.message.size();
    const bool is_full =
        page.answers.size() >= answers_per_message_max || bytes + size > answer_bytes_per_message;
    if (is_full && !page.answers.empty()) {
      turn.send(command.primary, std::exchange(page, {command.request, {}, false, command.load_id}),
                command.after_lsn);
      bytes = 0;
    }
    bytes += size;
    page.answers.push_back(std::move(answer));
  }
  command.answers.clear();
  page.last = is_over;
  if (is_over || !page.answers.empty()) {
    turn.send(command.primary, std::move(page), command.after_lsn);
  }
  if (!is_over) return;
  ++turn.state.ledger.requests_answered;
  forget(turn.state, entry);
}

}  // namespace

std::string command_of(const std::string& verb) {
  return verb.substr(0, verb.find(':'));
}

bool knows(const Worker& worker, const std::string& verb) {
  const std::vector<std::string>& all = worker.info.commands;
  return std::find(all.begin(), all.end(), command_of(verb)) != all.end();
}

void begin_ask(State& state, CommandId id, CommandState& command, Worker& worker) {
  command.asked.insert(worker.info.id);
  worker.asked.insert(id);
  ++state.asks;
  ++state.ledger.answers_asked;
}

bool end_ask(State& state, CommandId id, const WorkerId& worker_id, WireError error,
             Bytes payload) {
  const auto entry = state.commands.find(id);
  if (entry == state.commands.end() || entry->second.asked.erase(worker_id) == 0) return false;
  Worker& worker = state.workers.at(worker_id);
  worker.asked.erase(id);
  worker.asked_bytes -= entry->second.payload_bytes;
  --state.asks;
  if (error.message.size() > limits::error_text_bytes_max) {
    error.message.resize(limits::error_text_bytes_max);
  }
  add_answer(state, id, entry->second, worker_id, std::move(error), std::move(payload));
  refresh_rings(state, worker);
  return true;
}

void on_command(Turn& turn, SessionId session, const Command& message) {
  State& state = turn.state;
  Session& peer = state.sessions.at(session);
  Status valid = check_shape(state, peer, message);
  if (valid) valid = check_room(state, peer, message);
  if (!valid) return turn.refuse(session, message.request, valid.error());
  turn.keep_request();
  ++state.counters.commands;
  const CommandId id = state.next_command++;
  CommandState& command = state.commands[id];
  command.primary = session;
  command.request = message.request;
  command.verb = message.verb;
  command.deadline = turn.now() + deadline_of(state, message);
  peer.commands.emplace(message.request, id);
  state.timers.arm({command.deadline, TimerKind::command, {}, {}, 0, id});
  state.answered.insert(id);  // with nobody to ask it is over at once
  if (message.sticky) return set_sticky(turn, id, command, message.payload);
  switch (message.target) {
    case CommandTarget::all:
      return ask_all(turn, id, command, message.payload);
    case CommandTarget::named:
      return ask_named(turn, id, command, message);
    default:
      return ask_next(turn, id, command, message.payload);
  }
}

void on_command_reply(Turn& turn, SessionId session, const CommandReply& message) {
  State& state = turn.state;
  const WorkerId worker = state.worker_of(session)->info.id;
  const auto entry = state.commands.find(message.command);
  const bool is_wanted = entry != state.commands.end() && entry->second.load_id == 0 &&
                         entry->second.asked.contains(worker);
  if (!is_wanted) {
    ++state.counters.command_replies_late;
    return;
  }
  ++state.counters.command_replies;
  if (message.payload.size() > limits::command_reply_bytes_max) {
    const Error error =
        refuse_bound(state.refusals, Bound::command_reply_bytes, limits::command_reply_bytes_max,
                     message.payload.size(), "the worker's reply");
    end_ask(state, message.command, worker, wire_error(error.code, error.message));
    return;
  }
  end_ask(state, message.command, worker, message.error, message.payload);
}

void on_command_due(Turn& turn, CommandId id) {
  State& state = turn.state;
  const auto entry = state.commands.find(id);
  if (entry == state.commands.end()) return;
  CommandState& command = entry->second;
  ++state.counters.commands_late;
  if (command.is_waiting) {
    return fail_waiting(turn, id, Code::no_worker,
                        "no worker that knows the command '" + command.verb +
                            "' was ready for it before its deadline",
                        no_worker_retry_ms);
  }
  const std::set<WorkerId> asked = command.asked;
  for (const WorkerId& worker : asked) {
    end_ask(state, id, worker,
            wire_error(Code::deadline_exceeded, "the worker did not answer before the deadline"));
  }
}

void on_run_failed(Turn& turn, SessionId session, const RunCommand& message) {
  ++turn.state.counters.sends_failed;
  const Worker* worker = turn.state.worker_of(session);
  if (worker == nullptr) return;
  end_ask(turn.state, message.command, worker->info.id,
          wire_error(Code::worker_lost, "the command could not be handed to the worker"));
}

void lose_asks(Turn& turn, Worker& worker, const WireError& error) {
  const std::set<CommandId> asked = worker.asked;
  for (const CommandId id : asked) end_ask(turn.state, id, worker.info.id, error);
}

void drop_commands_of_session(State& state, SessionId session) {
  const std::map<std::uint64_t, CommandId> commands = state.sessions.at(session).commands;
  for (const auto& [request, id] : commands) {
    const auto entry = state.commands.find(id);
    CommandState& command = entry->second;
    stop_waiting(state, id, command);
    for (const WorkerId& each : command.asked) {
      Worker& worker = state.workers.at(each);
      worker.asked.erase(id);
      worker.asked_bytes -= command.payload_bytes;
      --state.asks;
      ++state.ledger.answers_dropped;
      refresh_rings(state, worker);
    }
    ++state.ledger.requests_dropped;
    forget(state, entry);
  }
}

void stop_commands(Turn& turn) {
  State& state = turn.state;
  state.stopping = true;
  std::vector<CommandId> waiting;
  for (const auto& [id, command] : state.commands) {
    if (command.is_waiting) waiting.push_back(id);
  }
  for (const CommandId id : waiting) {
    fail_waiting(turn, id, Code::shutdown, "the broker is shutting down", 0);
  }
  for (auto& [id, command] : state.commands) {
    const std::set<WorkerId> asked = command.asked;
    for (const WorkerId& worker : asked) {
      end_ask(state, id, worker,
              wire_error(Code::shutdown, "the broker shut down before the worker answered"));
    }
  }
}

void refresh_rings(State& state, Worker& worker) {
  const bool belongs = worker.takes_commands() && has_room(worker);
  if (belongs == worker.in_rings) return;
  if (!belongs) return leave_rings(state, worker);
  worker.in_rings = true;
  for (const std::string& verb : worker.info.commands) {
    CommandRing& ring = state.rings[verb];
    ring.members.insert(worker.info.id);
    if (!ring.waiting.empty()) state.rings_to_serve.insert(verb);
  }
}

void leave_rings(State& state, Worker& worker) {
  if (!std::exchange(worker.in_rings, false)) return;
  for (const std::string& verb : worker.info.commands) {
    const auto entry = state.rings.find(verb);
    if (entry == state.rings.end()) continue;
    entry->second.members.erase(worker.info.id);
    if (entry->second.members.empty() && entry->second.waiting.empty()) state.rings.erase(entry);
  }
}

void pump_commands(Turn& turn) {
  State& state = turn.state;
  while (!state.rings_to_serve.empty()) {
    const std::string verb = state.rings_to_serve.extract(state.rings_to_serve.begin()).value();
    for (auto entry = state.rings.find(verb);
         entry != state.rings.end() && !entry->second.members.empty() &&
         !entry->second.waiting.empty();
         entry = state.rings.find(verb)) {
      const CommandId id = *entry->second.waiting.begin();
      CommandState& command = state.commands.at(id);
      Worker& worker = take_turn(state, entry->second);
      stop_waiting(state, id, command);
      Bytes payload = std::exchange(command.payload, {});
      run_on(turn, id, command, worker, std::move(payload));
    }
  }
  while (!state.answered.empty()) {
    const CommandId id = state.answered.extract(state.answered.begin()).value();
    send_answers(turn, state.commands.find(id));
  }
}

}  // namespace framebus::broker
