#include "broker/core/sticky.h"

#include <algorithm>
#include <utility>

#include "broker/core/commands.h"
#include "broker/core/ready.h"

namespace framebus::broker {
namespace {

void send_prepare(Turn& turn, const Worker& worker, const std::string& verb, const Sticky& sticky) {
  turn.send(worker.session, Prepare{sticky.load_id, verb, sticky.payload}, sticky.lsn);
}

// The worker has to prepare this one; `command` waits for it, 0: nobody.
void begin_load(Turn& turn, Worker& worker, const std::string& verb, const Sticky& sticky,
                CommandId command) {
  const auto [entry, is_new] = worker.loads.try_emplace(verb);
  if (is_new || entry->second.is_ready) ++worker.loading;
  entry->second = {sticky.load_id, command, false, false, {}};
  send_prepare(turn, worker, verb, sticky);
}

}  // namespace

void set_sticky(Turn& turn, CommandId id, CommandState& command, const Bytes& payload) {
  State& state = turn.state;
  command.load_id = state.last_load_id + 1;
  command.after_lsn = turn.persist(StickySet{command.load_id, command.verb, payload});
  const Sticky& sticky = state.sticky.at(command.verb);
  turn.note(1, "sticky command '" + command.verb + "' is load " + std::to_string(command.load_id) +
                   " now, by " + state.sessions.at(command.primary).principal);
  for (auto& [worker_id, worker] : state.workers) {
    if (!worker.is_connected()) continue;
    begin_ask(state, id, command, worker);
    if (!knows(worker, command.verb)) {
      end_ask(state, id, worker_id,
              wire_error(Code::not_found, "worker " + worker.name + " does not know the command '" +
                                              command.verb + "'"));
      continue;
    }
    const auto older = worker.loads.find(command.verb);
    if (older != worker.loads.end()) {
      end_ask(state, older->second.command, worker_id,
              wire_error(Code::cancelled, "superseded by load " + std::to_string(command.load_id)));
    }
    begin_load(turn, worker, command.verb, sticky, id);
    refresh_worker(state, worker);
  }
}

void on_ready(Turn& turn, SessionId session, const Ready& message) {
  State& state = turn.state;
  Worker& worker = *state.worker_of(session);
  const auto entry = worker.loads.find(message.verb);
  if (entry == worker.loads.end() || entry->second.load_id != message.load_id ||
      entry->second.is_ready) {
    ++state.counters.readies_stale;
    return;
  }
  Load& load = entry->second;
  WireError error = message.error;
  Bytes payload = message.payload;
  if (payload.size() > limits::command_reply_bytes_max) {
    const Error refused =
        refuse_bound(state.refusals, Bound::command_reply_bytes, limits::command_reply_bytes_max,
                     payload.size(), "the worker's Ready");
    error = wire_error(refused.code, refused.message);
    payload.clear();
  }
  if (error.message.size() > limits::name_bytes_max) error.message.resize(limits::name_bytes_max);
  load.error = error;
  end_ask(state, std::exchange(load.command, 0), worker.info.id, error, std::move(payload));
  if (error.code != 0) {
    // A bound of the worker's passes: its Prepare comes again with the next heartbeat.
    load.is_unsent = error.code == static_cast<std::uint16_t>(Code::resource_exhausted);
    ++state.counters.loads_failed;
    turn.note(2, "worker " + worker.name + ": " + why_loading(worker));
    return;
  }
  load.is_ready = true;
  --worker.loading;
  refresh_worker(state, worker);
}

void on_prepare_failed(Turn& turn, SessionId session, const Prepare& message) {
  ++turn.state.counters.sends_failed;
  Worker* worker = turn.state.worker_of(session);
  if (worker == nullptr) return;
  const auto entry = worker->loads.find(message.verb);
  if (entry == worker->loads.end() || entry->second.load_id != message.load_id) return;
  entry->second.is_unsent = true;
}

void prepare_worker(Turn& turn, Worker& worker) {
  worker.loads.clear();
  worker.loading = 0;
  for (const auto& [verb, sticky] : turn.state.sticky) {
    if (knows(worker, verb)) begin_load(turn, worker, verb, sticky, 0);
  }
}

void prepare_again(Turn& turn, Worker& worker) {
  if (worker.loading == 0) return;
  for (auto& [verb, load] : worker.loads) {
    if (!std::exchange(load.is_unsent, false)) continue;
    send_prepare(turn, worker, verb, turn.state.sticky.at(verb));
  }
}

void apply_sticky(State& state, const StickySet& record) {
  state.last_load_id = std::max(state.last_load_id, record.load_id);
  state.sticky[record.command] = {record.load_id, state.lsn, record.payload};
}

bool has_failed_load(const Worker& worker) {
  if (worker.loading == 0) return false;
  return std::any_of(worker.loads.begin(), worker.loads.end(), [](const auto& each) {
    return !each.second.is_ready && each.second.error.code != 0;
  });
}

std::string why_loading(const Worker& worker) {
  std::string waits;
  for (const auto& [verb, load] : worker.loads) {
    if (load.is_ready) continue;
    if (load.error.code != 0) {
      return "could not prepare '" + verb + "' (load " + std::to_string(load.load_id) +
             "): " + load.error.message;
    }
    waits += (waits.empty() ? "prepares '" : ", '") + verb + "'";
  }
  return waits;
}

}  // namespace framebus::broker
