// Leaving on purpose: draining (finish what runs, hand the results over) and stopping (now).
#include "worker/core/state.h"

namespace framebus::worker {

// No attempt waits or runs; what is left are results that the broker has not confirmed.
bool has_only_results(const State& s) {
  for (const auto& [key, attempt] : s.attempts)
    if (attempt.phase != AttemptPhase::reporting) return false;
  return true;
}

void on_drain(State& s, Actions& out) {
  if (s.draining) return;
  s.draining = true;
  out.emplace_back(Note{1, "draining: no new work; " + std::to_string(slots_used(s)) +
                               " attempts run, " + std::to_string(s.queue.size()) +
                               " waiting ones are handed back"});
  for (const AttemptKey& key : s.queue) {
    s.aborted.push_back(id_of(key));
    forget(s, key);
  }
  s.queue.clear();
  if (s.link == Link::ready) send_heartbeat(s, out);  // says so before the next grant
}

void on_stop(State& s, Actions& out) {
  for (const auto& [key, attempt] : s.attempts)
    if (attempt.phase == AttemptPhase::starting || attempt.phase == AttemptPhase::running)
      out.emplace_back(CancelAttempt{id_of(key), "the worker stops"});
  flush(s, out);
  finish(s, 0, "the worker stops", out);
}

// A result that nobody takes within drain_report_wait is lost with this process; its task runs
// again.
void tick_leaving(State& s, Actions& out) {
  if (!s.draining || !has_only_results(s)) return;
  if (s.attempts.empty()) {
    flush(s, out);
    return finish(s, 0, "drained", out);
  }
  if (!s.leave_by) s.leave_by = s.now + s.options.drain_report_wait;
  if (s.now < *s.leave_by) return;
  out.emplace_back(Note{2, "leaving with " + std::to_string(s.attempts.size()) +
                               " results that the broker has not confirmed"});
  finish(s, 0, "drained, unconfirmed results left", out);
}

}  // namespace framebus::worker
