#include "broker/core/administer.h"

#include "broker/core/ready.h"
#include "broker/core/session.h"
#include "broker/core/summary.h"
#include "broker/core/transition.h"

namespace framebus::broker {
namespace {

std::string_view word(WorkerAction action) {
  switch (action) {
    case WorkerAction::drain:
      return "drains";
    case WorkerAction::resume:
      return "resumes";
    case WorkerAction::restart:
      return "restarts";
    default:
      return "removes";
  }
}

std::string because(const std::string& reason) {
  return reason.empty() ? "" : " (" + reason + ")";
}

void note_order(Turn& turn, const std::string& by, const Administer& message,
                const std::string& name) {
  ++turn.state.counters.orders;
  turn.note(message.action == WorkerAction::remove ? 2 : 1,
            "audit: " + by + " " + std::string(word(message.action)) + " worker " + name +
                because(message.reason));
}

void hold_back(Turn& turn, Worker& worker, const Administer& message, const std::string& by) {
  worker.order = message.action;
  worker.order_reason =
      (message.action == WorkerAction::drain ? "drained by " : "to be restarted by ") + by +
      because(message.reason);
  if (worker.state == SessionState::ready) {
    worker.state = SessionState::draining;
    if (!worker.leases.empty()) hit_row(turn.state, 26);
  }
}

void lift(Worker& worker) {
  worker.order = WorkerAction::none;
  worker.order_reason.clear();
  if (worker.state == SessionState::draining && !worker.said_draining) {
    worker.state = SessionState::ready;
  }
}

void allow_back(State& state, const WorkerId& id) {
  const auto entry = state.removed.find(id);
  if (entry == state.removed.end()) return;
  state.timers.disarm({entry->second.until, TimerKind::removed_worker, {}, id, 0, 0});
  state.removed.erase(entry);
}

void block(State& state, const WorkerId& id, const std::string& name, const std::string& by,
           const std::string& reason) {
  allow_back(state, id);
  if (state.removed.size() >= removed_workers_max) allow_back(state, state.removed.begin()->first);
  const TimePoint until = state.now + removed_for;
  state.removed[id] = {name, by, reason, until};
  state.timers.arm({until, TimerKind::removed_worker, {}, id, 0, 0});
}

// Leave now and for good: its attempts go to others, its id is refused for a while.
void remove(Turn& turn, Worker& worker, const Administer& message, const std::string& by) {
  State& state = turn.state;
  const WorkerId id = worker.info.id;
  const std::string reason = "removed by " + by + because(message.reason);
  block(state, id, worker.name, by, message.reason);
  ++state.counters.workers_removed;
  if (worker.is_connected()) {
    const SessionId session = worker.session;
    turn.send(session, Order{WorkerAction::remove, message.reason});
    lose_session(turn, session, Loss::goodbye, reason);
    turn.out.emplace_back(CloseSession{session, reason});
    return;
  }
  // What it held before a restart of the broker, and has not come back for.
  std::vector<LeaseKey> held;
  for (const auto& [key, lease] : worker.leases) held.push_back(key);
  for (const LeaseKey& key : held) lose_attempt(turn, key, Loss::goodbye);
  worker.reason = reason;
}

WorkerSummary summarize_removed(const State& state, const WorkerId& id) {
  WorkerSummary out;
  out.info.id = id;
  out.state = WorkerState::lost;
  const auto entry = state.removed.find(id);
  if (entry == state.removed.end()) {
    out.reason = "may come back";
  } else {
    out.reason = "removed by " + entry->second.by + because(entry->second.reason);
  }
  return out;
}

Status check(const Administer& message) {
  if (message.action < WorkerAction::drain || message.action > WorkerAction::remove) {
    return fail(Code::invalid_argument,
                "action: found " + std::to_string(static_cast<int>(message.action)) +
                    ", allowed are 1 (drain), 2 (resume), 3 (restart), 4 (remove)");
  }
  if (message.reason.size() > limits::name_bytes_max) {
    return fail(Code::invalid_argument, "reason: has " + std::to_string(message.reason.size()) +
                                            " bytes, allowed are " +
                                            std::to_string(limits::name_bytes_max));
  }
  return {};
}

}  // namespace

void on_administer(Turn& turn, SessionId session, const Administer& message) {
  State& state = turn.state;
  if (const Status valid = check(message); !valid) {
    return turn.refuse(session, message.request, valid.error());
  }
  Worker* worker = state.find_worker(message.worker);
  const bool was_removed = state.removed.contains(message.worker);
  const bool is_about_removed =
      message.action == WorkerAction::resume || message.action == WorkerAction::remove;
  if (worker == nullptr && !(was_removed && is_about_removed)) {
    return turn.refuse(session, message.request, Code::not_found,
                       "worker " + to_string(message.worker) + ": there is no such worker here");
  }
  const std::string by = state.sessions.at(session).principal;
  note_order(turn, by, message, worker != nullptr ? worker->name : to_string(message.worker));
  AdministerOk reply{message.request, {}};
  if (message.action == WorkerAction::resume) allow_back(state, message.worker);
  if (worker == nullptr) {
    reply.worker = summarize_removed(state, message.worker);
    turn.send(session, std::move(reply));
    return;
  }
  if (message.action == WorkerAction::remove) {
    const bool was_connected = worker->is_connected();
    remove(turn, *worker, message, by);
    reply.worker = summarize_worker(state, *worker);
    if (!was_connected) on_forget_worker_due(turn, message.worker);
  } else {
    message.action == WorkerAction::resume ? lift(*worker) : hold_back(turn, *worker, message, by);
    if (worker->is_connected()) {
      turn.send(worker->session, Order{message.action, message.reason});
      refresh_worker(state, *worker);
    }
    reply.worker = summarize_worker(state, *worker);
  }
  turn.send(session, std::move(reply));
}

Status check_removed(const State& state, const WorkerId& worker) {
  const auto entry = state.removed.find(worker);
  if (entry == state.removed.end() || entry->second.until <= state.now) return {};
  return fail(Code::permission_denied,
              "worker " + to_string(worker) + " was removed by " + entry->second.by +
                  because(entry->second.reason) + "; `framebus worker resume` lets it come back",
              to_ms(entry->second.until - state.now));
}

void on_removal_over(State& state, const WorkerId& worker) {
  const auto entry = state.removed.find(worker);
  if (entry != state.removed.end() && entry->second.until <= state.now) state.removed.erase(entry);
}

void end_order(State& state, SessionId session) {
  Worker* worker = state.worker_of(session);
  if (worker == nullptr) return;
  worker->order = WorkerAction::none;
  worker->order_reason.clear();
}

void keep_order(Worker& worker, const WorkerInfo& now) {
  // A worker known from the journal only has no process number yet.
  const bool is_same_process =
      worker.info.pid == 0 || (worker.info.pid == now.pid && worker.info.host == now.host);
  if (is_same_process) return;
  worker.order = WorkerAction::none;
  worker.order_reason.clear();
}

void repeat_order(Turn& turn, const Worker& worker) {
  if (worker.order == WorkerAction::none) return;
  turn.send(worker.session, Order{worker.order, worker.order_reason});
}

}  // namespace framebus::broker
