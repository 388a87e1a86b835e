#include "broker/core/router.h"

#include "broker/core/act.h"
#include "broker/core/administer.h"
#include "broker/core/archive.h"
#include "broker/core/blob_uses.h"
#include "broker/core/commands.h"
#include "broker/core/health_monitor.h"
#include "broker/core/logs.h"
#include "broker/core/query.h"
#include "broker/core/scheduler.h"
#include "broker/core/sticky.h"
#include "broker/core/uploads.h"
#include "broker/core/watch.h"

namespace framebus::broker {
namespace {

template <class M, class... Others>
concept OneOf = (std::is_same_v<M, Others> || ...);

// What is answered once, for the Ledger.
template <class M>
concept Request = OneOf<M, Submit, SubmitOpen, SubmitPart, SubmitCommit, Act, Query, Watch, LogRead,
                        Command, Administer>;
template <class M>
concept FromPrimary = Request<M> || OneOf<M, EventsOk, Unwatch>;
template <class M>
concept FromWorker =
    OneOf<M, Heartbeat, Started, Progress, Results, Aborted, Log, CommandReply, Ready>;
// About one job, which may be in the archive.
template <class M>
concept MayBeParked = OneOf<M, Query, Act, Watch, LogRead>;

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
  void run(const SubmitOpen& message) { on_submit_open(turn, from(), message); }
  void run(const SubmitPart& message) { on_submit_part(turn, from(), message); }
  void run(const SubmitCommit& message) { on_submit_commit(turn, from(), message, event.missing); }
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
  void run(const Log& message) { on_log(turn, from(), message); }
  void run(const LogRead& message) { on_log_read(turn, from(), message); }
  void run(const Command& message) { on_command(turn, from(), message); }
  void run(const CommandReply& message) { on_command_reply(turn, from(), message); }
  void run(const Ready& message) { on_ready(turn, from(), message); }
  void run(const Administer& message) { on_administer(turn, from(), message); }

  // Every request is answered, refused, kept for later or handed on by its handler.
  template <class M>
  void handle(const M& message) {
    run(message);
    if (std::exchange(turn.state.in_request, false)) ++turn.state.ledger.requests_forgotten;
  }

  template <class M>
  void operator()(const M& message) {
    if constexpr (std::is_same_v<M, Goodbye>) {
      end_order(turn.state, from());
      lose_session(turn, from(), Loss::goodbye,
                   "said goodbye: " + message.reason.substr(0, limits::name_bytes_max));
      turn.out.emplace_back(CloseSession{from(), "goodbye"});
    } else if constexpr (FromPrimary<M> || FromWorker<M>) {
      const Role needed = FromPrimary<M> ? Role::primary : Role::worker;
      if (role == needed) {
        if constexpr (MayBeParked<M>) {
          if (park_request(turn, event)) return;
        }
        return handle(message);
      }
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

// Counts a request in, and lets the Turn know that it waits for its answer.
void receive(Turn& turn, const Message& message) {
  State& state = turn.state;
  state.in_request =
      std::visit([]<class M>(const M&) { return static_cast<bool>(Request<M>); }, message);
  if (state.in_request) ++state.ledger.requests_received;
}

void on_received(Turn& turn, const Received& event) {
  receive(turn, event.message);
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
    case TimerKind::archive_job:
      return on_archive_due(turn, timer.task.job);
    case TimerKind::archive_again:
      return;  // pump_archive() looks at the end of each step
    case TimerKind::drop_copy:
      return on_copy_due(turn, timer.task.job);
    case TimerKind::drop_uploads:
      return on_uploads_due(turn);
    case TimerKind::command:
      return on_command_due(turn, timer.grant);
    case TimerKind::removed_worker:
      return on_removal_over(turn.state, timer.worker);
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
    } else if (const auto* run = std::get_if<RunCommand>(&event.message)) {
      on_run_failed(turn, event.session, *run);
    } else if (const auto* prepare = std::get_if<Prepare>(&event.message)) {
      on_prepare_failed(turn, event.session, *prepare);
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
  void operator()(const Synced& event) { on_synced(turn, event.lsn); }
  void operator()(const Archived& event) { on_archived(turn, event); }
  void operator()(const ArchiveLoaded& event) { on_archive_loaded(turn, event); }
  void operator()(const BlobsOffered& event) { on_blobs_offered(turn, event.blobs); }
  void operator()(const Stopping&) {
    stop_commands(turn);
    fail_parked(turn, Code::shutdown, "the broker is shutting down");
  }
  void operator()(const Tick& event) {
    if (event.stalled > Duration{0}) on_stall(turn, event.stalled);
    while (const auto timer = turn.state.timers.take_due(turn.now())) fire(turn, *timer);
  }
};

}  // namespace

void route(Turn& turn, const Event& event) {
  std::visit(Events{turn}, event);
  pump_commands(turn);
  schedule(turn);
  reclaim(turn);
  settle_jobs(turn);
  pump_archive(turn);
  pump_watches(turn);
  drop_oldest(turn);  // whose watchers have just been told
  end_logs(turn);
}

void handle_parked(Turn& turn, const Received& event) {
  std::visit(
      [&]<class M>(const M& message) {
        if constexpr (MayBeParked<M>) Dispatch{turn, event, Role::primary}.handle(message);
      },
      event.message);
}

}  // namespace framebus::broker
