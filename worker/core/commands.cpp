// Commands and preparations: taken, started beside the loop, answered by their number.
//
// A command belongs to its connection: when that is lost the broker has answered for this worker,
// so what runs is cancelled and its outcome dropped. A preparation is state: it goes on, the newest
// of each name counts, and no task starts while one is under way. How many may be unfinished is
// bounded.
#include <algorithm>

#include "libmsg/base/error.h"
#include "worker/core/state.h"

namespace framebus::worker {
namespace {

constexpr std::int64_t retry_after_ms = 1000;
constexpr std::int64_t deadline_ms_max = 24LL * 3600 * 1000;

WireError wire_error(Code code, std::string text, std::int64_t retry_ms = 0) {
  return {static_cast<std::uint16_t>(code), std::move(text), retry_ms};
}

// "prepare:scene" is the command "prepare" for the name "scene".
std::string base_verb(const std::string& verb) {
  return verb.substr(0, verb.find(':'));
}

// Why this verb can not be carried out now; code 0 when it can.
WireError refusal(const State& s, const std::string& verb) {
  const auto& known = s.options.info.commands;
  if (std::find(known.begin(), known.end(), base_verb(verb)) == known.end()) {
    std::string text = "this worker has no command '" + verb.substr(0, 64) + "'; it has:";
    for (const std::string& name : known) text += ' ' + name;
    return wire_error(Code::not_found, std::move(text));
  }
  if (s.commands.size() >= s.options.commands_max)
    return wire_error(Code::resource_exhausted,
                      std::to_string(s.commands.size()) + " commands are not finished; at most " +
                          std::to_string(s.options.commands_max) + " are taken",
                      retry_after_ms);
  return {};
}

void start(State& s, PendingCommand command, Bytes payload, Actions& out) {
  const std::uint64_t number = ++s.last_command;
  out.emplace_back(StartCommand{number, command.verb, std::move(payload), command.load_id});
  s.commands.emplace(number, std::move(command));
}

void cancel(std::uint64_t number, PendingCommand& command, Actions& out) {
  if (command.is_answered) return;
  command.is_answered = true;
  out.emplace_back(CancelCommand{number});
}

void answer(State& s, const PendingCommand& command, WireError error, Bytes payload, Actions& out) {
  if (s.link != Link::ready) return;
  if (command.load_id != 0)
    out.emplace_back(Send{
        s.connection, Ready{command.load_id, command.verb, std::move(error), std::move(payload)}});
  else
    out.emplace_back(
        Send{s.connection, CommandReply{command.command, std::move(error), std::move(payload)}});
}

}  // namespace

void on_run_command(State& s, const RunCommand& run, Actions& out) {
  PendingCommand command;
  command.command = run.command;
  command.verb = run.verb;
  if (run.deadline_ms > 0)
    command.deadline = s.now + milliseconds(std::min(run.deadline_ms, deadline_ms_max));
  if (WireError error = refusal(s, run.verb); error.code != 0)
    return answer(s, command, std::move(error), {}, out);
  start(s, std::move(command), run.payload, out);
}

void on_prepare(State& s, const Prepare& prepare, Actions& out) {
  PendingCommand command;
  command.load_id = prepare.load_id;
  command.verb = prepare.verb;
  const auto known = s.preparations.find(prepare.verb);
  if (known != s.preparations.end() && known->second.epoch == s.epoch) {
    Preparation& newest = known->second;
    if (prepare.load_id < newest.load_id) return;  // overtaken by a newer one
    if (prepare.load_id == newest.load_id) {
      if (newest.is_done) answer(s, command, newest.error, newest.payload, out);
      return;  // or answered when it is done
    }
  }
  if (known == s.preparations.end() && s.preparations.size() >= limits::sticky_commands_max)
    return answer(s, command,
                  wire_error(Code::resource_exhausted,
                             "at most " + std::to_string(limits::sticky_commands_max) +
                                 " names can be prepared"),
                  {}, out);
  if (WireError error = refusal(s, prepare.verb); error.code != 0)
    return answer(s, command, std::move(error), {}, out);
  for (auto& [number, older] : s.commands)
    if (older.load_id != 0 && older.verb == prepare.verb) cancel(number, older, out);
  s.preparations[prepare.verb] = {s.epoch, prepare.load_id, false, {}, {}};
  start(s, std::move(command), prepare.payload, out);
}

void on_command_finished(State& s, const CommandFinished& event, Actions& out) {
  const auto found = s.commands.find(event.number);
  if (found == s.commands.end()) return;
  const PendingCommand command = std::move(found->second);
  s.commands.erase(found);
  if (!command.is_answered) {
    if (command.load_id != 0) {
      Preparation& newest = s.preparations.at(command.verb);
      newest.is_done = true;
      newest.error = event.error;
      newest.payload = event.payload;
    }
    answer(s, command, event.error, event.payload, out);
  }
  start_queued(s, out);
}

// The connection is lost: the broker has answered for this worker.
void drop_commands(State& s, Actions& out) {
  for (auto& [number, command] : s.commands)
    if (command.load_id == 0) cancel(number, command, out);
}

void tick_commands(State& s, Actions& out) {
  for (auto& [number, command] : s.commands) {
    if (command.is_answered || s.now < command.deadline) continue;
    answer(s, command,
           wire_error(Code::deadline_exceeded,
                      "the command '" + command.verb + "' was not done within its deadline"),
           {}, out);
    cancel(number, command, out);
  }
}

bool is_preparing(const State& s) {
  return std::any_of(s.commands.begin(), s.commands.end(), [](const auto& each) {
    return each.second.load_id != 0 && !each.second.is_answered;
  });
}

}  // namespace framebus::worker
