#include "broker/core/session.h"

#include <algorithm>

#include "broker/core/administer.h"
#include "broker/core/archive.h"
#include "broker/core/commands.h"
#include "broker/core/event.h"
#include "broker/core/lease.h"
#include "broker/core/ready.h"
#include "broker/core/sticky.h"
#include "broker/core/transition.h"
#include "broker/core/uploads.h"
#include "broker/core/watch.h"

namespace framebus::broker {
namespace {


// For sentences about a peer; not every peer's address is known.
std::string from(const std::string& address) {
  return address.empty() ? "" : " from " + address;
}

Status check_texts(const std::string& field, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (text.size() <= limits::name_bytes_max) continue;
    return fail(Code::invalid_argument, field + ": has " + std::to_string(text.size()) +
                                            " bytes, allowed are " +
                                            std::to_string(limits::name_bytes_max));
  }
  return {};
}

Status bound(const std::string& field, std::uint64_t found, std::uint64_t least,
             std::uint64_t most) {
  if (found >= least && found <= most) return {};
  return fail(Code::invalid_argument, field + ": found " + std::to_string(found) +
                                          ", allowed are " + std::to_string(least) + " to " +
                                          std::to_string(most));
}

Status check_worker(State& state, const Hello& hello) {
  const WorkerInfo& info = hello.worker;
  if (info.id.is_none()) {
    return fail(Code::invalid_argument, "worker.id: is absent, a stable id is needed");
  }
  FRAMEBUS_TRY(bound("worker.slots", info.slots, 1, limits::slots_per_worker_max));
  FRAMEBUS_TRY(bound("worker.prefetch", info.prefetch, 0, limits::slots_per_worker_max));
  FRAMEBUS_TRY(bound("worker.task_types: number", info.task_types.size(), 1,
                     limits::task_types_per_worker_max));
  FRAMEBUS_TRY(
      bound("worker.devices: number", info.devices.size(), 0, limits::devices_per_worker_max));
  FRAMEBUS_TRY(bound("worker.labels: number", info.labels.size(), 0, limits::labels_max));
  if (hello.held.size() > limits::attempts_listed_max) {
    return fail(refuse_bound(state.refusals, Bound::attempts_listed, limits::attempts_listed_max,
                             hello.held.size(), "held"));
  }
  if (info.commands.size() > limits::commands_per_worker_max) {
    return fail(refuse_bound(state.refusals, Bound::commands_per_worker,
                             limits::commands_per_worker_max, info.commands.size(),
                             "worker.commands"));
  }
  FRAMEBUS_TRY(check_texts("worker.commands", info.commands));
  FRAMEBUS_TRY(check_texts("worker.task_types", info.task_types));
  FRAMEBUS_TRY(check_texts("worker.host, address", {info.host, info.address}));
  for (const Label& label : info.labels) {
    FRAMEBUS_TRY(check_texts("worker.labels", {label.key, label.value}));
  }
  for (const DeviceInfo& device : info.devices) {
    FRAMEBUS_TRY(check_texts(
        "worker.devices", {device.kind, device.uuid, device.pci_id, device.name, device.driver}));
  }
  return {};
}

Status check_hello(State& state, const Hello& hello) {
  if (hello.role != Role::primary && hello.role != Role::worker) {
    return fail(Code::invalid_argument, "role: found " +
                                            std::to_string(static_cast<int>(hello.role)) +
                                            ", allowed here are 1 (primary) and 2 (worker)");
  }
  FRAMEBUS_TRY(check_texts("program, principal", {hello.program, hello.principal}));
  if (state.sessions.size() >= state.options.sessions_max) {
    return fail(refuse_bound(state.refusals, Bound::sessions, state.options.sessions_max,
                             state.sessions.size() + 1));
  }
  if (hello.role == Role::primary) return {};
  FRAMEBUS_TRY(check_worker(state, hello));
  FRAMEBUS_TRY(check_removed(state, hello.worker.id));
  const Worker* known = state.find_worker(hello.worker.id);
  const bool is_new = known == nullptr || !known->is_connected();
  if (is_new && state.connected_workers >= state.options.max_workers) {
    return fail(refuse_bound(state.refusals, Bound::workers, state.options.max_workers,
                             state.connected_workers + 1));
  }
  return {};
}

void welcome(Turn& turn, const PeerHello& event) {
  const Options& options = turn.state.options;
  Welcome reply;
  reply.session = event.session;
  reply.minor = std::min(protocol_minor, event.hello.minor);
  reply.epoch = options.epoch;
  reply.ephemeral = options.ephemeral;
  reply.checksum = event.hello.checksum;
  reply.program = options.version;
  reply.bulk_endpoint = options.bulk_endpoint;
  reply.heartbeat_ms = to_ms(options.heartbeat);
  reply.lease_ms = to_ms(options.lease);
  turn.send(event.session, std::move(reply));
}

// The worker entity takes the new session over; what it held under an older one stays until the
// Hello's list has been looked at.
SessionId attach(Turn& turn, const PeerHello& event) {
  State& state = turn.state;
  const WorkerInfo& info = event.hello.worker;
  Worker& worker = state.workers[info.id];
  const SessionId older = worker.session;
  if (older.is_none()) ++state.connected_workers;
  lose_asks(turn, worker,
            wire_error(Code::worker_lost, "worker " + worker.name + " has connected anew"));
  delist_worker(state, worker);
  std::erase(state.lost_workers, info.id);
  keep_order(worker, info);
  worker.info = info;
  worker.name = (info.host.empty() ? to_string(info.id).substr(0, 8) : info.host) + ":" +
                std::to_string(info.pid);
  worker.session = event.session;
  worker.state = worker.order == WorkerAction::none ? SessionState::ready : SessionState::draining;
  worker.said_draining = false;
  worker.credit = info.slots + info.prefetch;
  worker.strangers = 0;
  worker.reason.clear();
  worker.sequence = 0;
  worker.heartbeat_at = worker.heard_at = turn.now();
  state.with_prefetch.erase(info.id);
  state.timers.arm(
      {turn.now() + state.options.suspect_after, TimerKind::worker, {}, info.id, 0, 0});
  ++state.counters.workers_joined;
  turn.note(1, "worker " + worker.name + " joined" + from(event.address) + " with " +
                   std::to_string(info.slots) + " slot(s)");
  return older;
}

bool has_started(const State& state, const LeaseKey& key) {
  const TaskDetail* detail = state.find_job(key.task.job)->detail_of(key.task.index);
  return find_attempt(detail, Token{key.epoch, key.grant, {}})->started;
}

// The attempts that may have been in a slot without having said so: workers start in the order of
// their grants, so these are the oldest that have not started, as many as slots were left.
std::set<LeaseKey> maybe_in_slots(const State& state, const Worker& worker) {
  std::uint32_t started = 0;
  std::vector<LeaseKey> waiting;
  for (const auto& [key, lease] : worker.leases) {
    if (has_started(state, key)) {
      ++started;
    } else {
      waiting.push_back(key);
    }
  }
  std::sort(waiting.begin(), waiting.end(), [](const LeaseKey& a, const LeaseKey& b) {
    return std::pair(a.epoch, a.grant) < std::pair(b.epoch, b.grant);
  });
  const std::uint32_t slots_left = worker.info.slots - std::min(worker.info.slots, started);
  if (waiting.size() > slots_left) waiting.resize(slots_left);
  return {waiting.begin(), waiting.end()};
}

// What the worker had before and does not list now is lost.
void lose_unlisted(Turn& turn, const WorkerId& id, const std::set<LeaseKey>& listed, Loss loss) {
  const Worker& worker = turn.state.workers.at(id);
  const std::set<LeaseKey> suspects = maybe_in_slots(turn.state, worker);
  std::vector<LeaseKey> lost;
  for (const auto& [key, lease] : worker.leases) {
    if (!listed.contains(key)) lost.push_back(key);
  }
  // One that was adopted may wait behind others all the same.
  const auto is_alone = [&](const LeaseKey& key) {
    return worker.leases.at(key).alone && suspects.contains(key);
  };
  std::map<LeaseKey, Place> places;
  const bool has_culprit =
      loss == Loss::worker_lost && std::any_of(lost.begin(), lost.end(), is_alone);
  for (const LeaseKey& key : lost) {
    const bool suspect = loss != Loss::goodbye && suspects.contains(key);
    places[key] = suspect ? Place::slot : Place::queue;
    if (!has_culprit) continue;
    if (is_alone(key)) {
      places[key] = Place::alone;
    } else if (has_started(turn.state, key)) {
      places[key] = Place::beside;
    }
  }
  for (const LeaseKey& key : lost) lose_attempt(turn, key, loss, places.at(key));
}

void join_worker(Turn& turn, const PeerHello& event) {
  State& state = turn.state;
  const WorkerId id = event.hello.worker.id;
  const SessionId older = attach(turn, event);
  if (!older.is_none()) {
    ++state.counters.sessions_replaced;
    drop_watches_of_session(state, older);
    state.sessions.erase(older);
    turn.out.emplace_back(CloseSession{older, "a newer connection of the same worker replaces it"});
  }
  Worker& worker = state.workers.at(id);
  AbortList aborts;
  std::set<LeaseKey> listed;
  for (const HeldAttempt& held : event.hello.held) {
    if (claim_attempt(turn, worker, held, aborts)) {
      listed.insert({held.task, held.token.epoch, held.token.grant});
    } else if (held.phase != AttemptPhase::reporting) {
      ++worker.strangers;
    }
  }
  lose_unlisted(turn, id, listed, Loss::worker_lost);
  aborts.send(turn, AbortReason::superseded);
  repeat_order(turn, worker);
  prepare_worker(turn, worker);
  enlist_worker(state, worker);
}

// Row 27: its jobs go on; its uploads wait a while for it to come back.
void lose_primary(State& state, const std::string& principal) {
  hit_row(state, 27);
  const auto connected = state.connected_primaries.find(principal);
  if (--connected->second > 0) return;
  state.connected_primaries.erase(connected);
  orphan_uploads(state, principal);
}

}  // namespace

void on_hello(Turn& turn, const PeerHello& event) {
  State& state = turn.state;
  Status valid = check_hello(state, event.hello);
  if (valid && state.sessions.contains(event.session)) {
    valid = fail(Code::already_exists, "this connection has said Hello before");
  }
  if (!valid) {
    ++state.counters.refused_hellos;
    const Error& error = valid.error();
    turn.send(event.session, Refused{wire_error(error.code, error.message, error.retry_after_ms)});
    turn.note(2, "Hello" + from(event.address) + " refused: " + error.message);
    if (!state.sessions.contains(event.session)) {
      turn.out.emplace_back(CloseSession{event.session, "refused: " + error.message});
    }
    return;
  }
  Session session;
  session.role = event.hello.role;
  session.principal = event.hello.principal.empty() ? "anonymous" : event.hello.principal;
  session.address = event.address;
  if (session.role == Role::worker) session.worker = event.hello.worker.id;
  if (session.role == Role::primary && ++state.connected_primaries[session.principal] == 1) {
    adopt_uploads(state, session.principal);
  }
  state.sessions.emplace(event.session, std::move(session));
  welcome(turn, event);
  if (event.hello.role == Role::worker) join_worker(turn, event);
}

void lose_session(Turn& turn, SessionId id, Loss loss, const std::string& reason) {
  State& state = turn.state;
  const auto entry = state.sessions.find(id);
  if (entry == state.sessions.end()) return;
  drop_watches_of_session(state, id);
  drop_commands_of_session(state, id);
  drop_parked_of(state, id);
  const Session session = entry->second;
  state.sessions.erase(entry);
  if (session.role != Role::worker) return lose_primary(state, session.principal);
  Worker& worker = state.workers.at(session.worker);
  FRAMEBUS_CHECK(is_allowed(worker.state, SessionState::closed), "session table");
  worker.state = SessionState::closed;
  worker.session = {};
  worker.reason = reason;
  worker.lost_at = turn.now();
  worker.strangers = 0;
  lose_asks(turn, worker,
            wire_error(Code::worker_lost, "worker " + worker.name + " is gone (" + reason + ")"));
  worker.loads.clear();
  worker.loading = 0;
  --state.connected_workers;
  ++state.counters.workers_left;
  delist_worker(state, worker);
  state.with_prefetch.erase(session.worker);
  turn.note(loss == Loss::goodbye ? 1 : 2, "worker " + worker.name + " is gone (" + reason +
                                               ") with " + std::to_string(worker.leases.size()) +
                                               " attempt(s)");
  lose_unlisted(turn, session.worker, {}, loss);
  state.lost_workers.push_back(session.worker);
  if (state.lost_workers.size() > lost_workers_max) {
    on_forget_worker_due(turn, state.lost_workers.front());
  }
  state.timers.arm(
      {turn.now() + 4 * state.options.lease, TimerKind::forget_worker, {}, session.worker, 0, 0});
}

void on_forget_worker_due(Turn& turn, const WorkerId& id) {
  State& state = turn.state;
  const Worker* worker = state.find_worker(id);
  if (worker == nullptr || worker->is_connected()) return;
  if (!worker->leases.empty()) {  // recovered ones, in their grace
    state.timers.arm({turn.now() + state.options.lease, TimerKind::forget_worker, {}, id, 0, 0});
    return;
  }
  std::erase(state.lost_workers, id);
  state.workers.erase(id);
}

}  // namespace framebus::broker
