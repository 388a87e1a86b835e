#include "broker/core/router.h"

#include "broker/core/act.h"
#include "broker/core/health_monitor.h"
#include "broker/core/query.h"
#include "broker/core/scheduler.h"
#include "broker/core/watch.h"

namespace framebus::broker {
namespace {

template <class M>
concept FromPrimary =
    std::is_same_v<M, Submit> || std::is_same_v<M, Act> || std::is_same_v<M, Query> ||
    std::is_same_v<M, Watch> || std::is_same_v<M, EventsOk> || std::is_same_v<M, Unwatch>;
template <class M>
concept FromWorker = std::is_same_v<M, Heartbeat> || std::is_same_v<M, Started> ||
    std::is_same_v<M, Progress> || std::is_same_v<M, Results> || std::is_same_v<M, Aborted>;

template <class M>
std::uint64_t request_in(const M& message) {
  if constexpr (requires { message.request; }) {
    return message.request;
  } else {
    return 0;
  }
}

// One message of a known session.
struct Dispatch {
  Turn& turn;
  const Received& event;
  Role role;

  SessionId from() const { return event.session; }

  void run(const Submit& message) { on_submit(turn, from(), message, event.missing); }
  void run(const Act& message) { on_act(turn, from(), message); }
  void run(const Query& message) { on_query(turn, from(), message); }
  void run(const Watch& message) { on_watch(turn, from(), message); }
  void run(const EventsOk& message) { on_events_ok(turn, from(), message); }
  void run(const Unwatch& message) { on_unwatch(turn, from(), message); }
  void run(const Heartbeat& message) { on_heartbeat(turn, from(), message); }
  void run(const Started& message) { on_started(turn, from(), message); }
  void run(const Progress& message) { on_progress(turn, from(), message); }
  void run(const Results& message) { on_results(turn, from(), message); }
  void run(const Aborted& message) { on_aborted(turn, from(), message); }

  template <class M>
  void operator()(const M& message) {
    if constexpr (std::is_same_v<M, Goodbye>) {
      lose_session(turn, from(), Loss::goodbye,
                   "said goodbye: " + message.reason.substr(0, limits::name_bytes_max));
      turn.out.emplace_back(CloseSession{from(), "goodbye"});
    } else if constexpr (FromPrimary<M> || FromWorker<M>) {
      const Role needed = FromPrimary<M> ? Role::primary : Role::worker;
      if (role == needed) return run(message);
      turn.refuse(from(), request_in(message), Code::permission_denied,
                  std::string(M::name) + ": only a " + (FromPrimary<M> ? "primary" : "worker") +
                      " may send it");
    } else {
      ++turn.state.counters.malformed;
      turn.refuse(from(), request_in(message), Code::malformed_message,
                  std::string(M::name) + ": a broker does not take this message here");
    }
  }
};

void on_received(Turn& turn, const Received& event) {
  const auto session = turn.state.sessions.find(event.session);
  if (session == turn.state.sessions.end()) {
    const std::uint64_t request =
        std::visit([](const auto& message) { return request_in(message); }, event.message);
    return turn.refuse(event.session, request, Code::no_session, "say Hello first");
  }
  if (Worker* worker = turn.state.worker_of(event.session)) worker->heard_at = turn.now();
  std::visit(Dispatch{turn, event, session->second.role}, event.message);
}

void fire(Turn& turn, const Timer& timer) {
  switch (timer.kind) {
    case TimerKind::deadline:
      return on_deadline_due(turn, timer.task.job);
    case TimerKind::retry:
      return on_retry_due(turn, timer.task);
    case TimerKind::lease:
      return on_lease_due(turn, timer.worker, {timer.task, timer.epoch, timer.grant});
    case TimerKind::worker:
      return on_worker_due(turn, timer.worker);
    case TimerKind::forget_job:
      return on_forget_due(turn, timer.task.job);
    case TimerKind::forget_worker:
      return on_forget_worker_due(turn, timer.worker);
  }
}

struct Events {
  Turn& turn;

  void operator()(const PeerHello& event) { on_hello(turn, event); }
  void operator()(const PeerLost& event) {
    lose_session(turn, event.session, Loss::worker_lost, event.reason);
  }
  void operator()(const SendFailed& event) {
    if (const auto* assign = std::get_if<Assign>(&event.message)) {
      on_assign_failed(turn, event.session, *assign);
    }
  }
  void operator()(const Received& event) { on_received(turn, event); }
  void operator()(const StorePressure& event) {
    if (turn.state.store_full != event.full) {
      turn.note(event.full ? 3 : 1, event.full ? "the store is short of space: " + event.detail
                                               : "the store has space again");
    }
    turn.state.store_full = event.full;
    turn.state.store_detail = event.detail;
  }
  template <class NotYet>
  void operator()(const NotYet&) {}
  void operator()(const Tick& event) {
    if (event.stalled > Duration{0}) on_stall(turn, event.stalled);
    while (const auto timer = turn.state.timers.take_due(turn.now())) fire(turn, *timer);
  }
};

}  // namespace

void route(Turn& turn, const Event& event) {
  std::visit(Events{turn}, event);
  schedule(turn);
  reclaim(turn);
  settle_jobs(turn);
  pump_watches(turn);
}

}  // namespace framebus::broker
