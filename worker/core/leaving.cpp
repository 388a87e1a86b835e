// Leaving on purpose: draining (finish what runs, hand the results over), stopping (now), and what
// an administrator orders.
//
// A drain that this host asked for (a signal) ends the worker and can not be taken back. One that
// an administrator ordered keeps the worker connected, without work, until resume, restart or
// remove.
#include "worker/core/state.h"

namespace framebus::worker {

// No attempt waits or runs; what is left are results that the broker has not confirmed.
bool has_only_results(const State& s) {
  for (const auto& [key, attempt] : s.attempts)
    if (attempt.phase != AttemptPhase::reporting) return false;
  return true;
}

namespace {

void begin_drain(State& s, Actions& out) {
  if (s.draining) return;
  s.draining = true;
  out.emplace_back(Note{1, "draining: no new work; " + std::to_string(slots_used(s)) +
                               " attempts run, " + std::to_string(s.queue.size()) +
                               " waiting ones are handed back"});
  hand_back_queue(s);
  if (s.link == Link::ready) send_heartbeat(s, out);  // says so before the next grant
}

void resume(State& s, Actions& out) {
  if (!s.draining || !s.is_ordered) return;
  s.draining = false;
  s.departure = Departure::none;
  s.leave_by.reset();
  out.emplace_back(Note{1, "resumed"});
  if (s.link == Link::ready) send_heartbeat(s, out);  // work may come at once
}

void stop_now(State& s, const std::string& reason, Actions& out) {
  for (const auto& [key, attempt] : s.attempts)
    if (attempt.phase == AttemptPhase::starting || attempt.phase == AttemptPhase::running)
      out.emplace_back(CancelAttempt{id_of(key), reason});
  flush(s, out);
  finish(s, 0, reason, out);
}

}  // namespace

void on_drain(State& s, Actions& out) {
  s.departure = Departure::exit;
  s.is_ordered = false;
  begin_drain(s, out);
}

void on_order(State& s, const Order& order, Actions& out) {
  const bool leaves_already = s.departure == Departure::exit && !s.is_ordered;
  const std::string why = order.reason.empty() ? "" : ": " + order.reason;
  switch (order.action) {
    case WorkerAction::none:
      return;
    case WorkerAction::remove:
      out.emplace_back(Note{2, "removed by an administrator" + why});
      return stop_now(s, "removed by an administrator" + why, out);
    case WorkerAction::resume:
      return resume(s, out);
    case WorkerAction::drain:
    case WorkerAction::restart:
      if (leaves_already) return;
      out.emplace_back(Note{1, "an administrator wants it" + why});
      s.is_ordered = true;
      if (order.action == WorkerAction::restart) s.departure = Departure::restart;
      return begin_drain(s, out);
  }
}

void on_stop(State& s, Actions& out) {
  stop_now(s, "the worker stops", out);
}

// A result that nobody takes within drain_report_wait is lost with this process; its task runs
// again.
void tick_leaving(State& s, Actions& out) {
  if (s.departure == Departure::none || !has_only_results(s)) return;
  const bool restart = s.departure == Departure::restart;
  if (s.attempts.empty()) {
    flush(s, out);
    return finish(s, 0, restart ? "drained, starting anew" : "drained", out, restart);
  }
  if (!s.leave_by) s.leave_by = s.now + s.options.drain_report_wait;
  if (s.now < *s.leave_by) return;
  out.emplace_back(Note{2, "leaving with " + std::to_string(s.attempts.size()) +
                               " results that the broker has not confirmed"});
  finish(s, 0, "drained, unconfirmed results left", out, restart);
}

}  // namespace framebus::worker
