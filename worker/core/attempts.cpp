// Attempts from Assign to the end of their executor: slots, queue, stops and timeouts.
//
// Thread-free: StartAttempt, CancelAttempt and KillAttempt are requests, ExecutorStarted and
// ExecutorFinished the answers. An attempt that does not end within its grace is killed. If even
// that does not end it (or the shell can not kill), it is given up: the broker is told and its slot
// counts as lingering. One of an at_most_once step is never given up, for it might still have
// effects.
#include <algorithm>

#include "libmsg/base/error.h"
#include "worker/core/state.h"

namespace framebus::worker {
namespace {

constexpr TimePoint never = TimePoint::max();
constexpr std::int64_t grace_ms_max = 3'600'000;

bool is_on_slot(const Attempt& attempt) {
  return attempt.phase == AttemptPhase::starting || attempt.phase == AttemptPhase::running;
}

std::int64_t micros_between(TimePoint from, TimePoint to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
}

TaskResult failed_result(const AttemptKey& key, Code code, std::string text) {
  TaskResult result;
  result.task = key.task;
  result.token = key.token;
  result.outcome = Outcome::error;
  result.error = {static_cast<std::uint16_t>(code), std::move(text), 0};
  return result;
}

bool is_known(const State& s, const AttemptKey& key) {
  return s.attempts.contains(key) || s.lingering.contains(key) ||
         std::find(s.ended.begin(), s.ended.end(), key) != s.ended.end();
}

// More than this can only be a broker that ignores credit; each is handed back at once.
std::size_t attempts_max(const State& s) {
  return 2 * (std::size_t{s.options.info.slots} + s.options.info.prefetch) + 16;
}

void accept(State& s, const AttemptSpec& spec, const StepInfo& step) {
  const AttemptKey key{spec.task, spec.token};
  if (is_known(s, key)) return;
  ++s.tally.received;
  const std::size_t unreported = static_cast<std::size_t>(
      std::count_if(s.attempts.begin(), s.attempts.end(),
                    [](const auto& each) { return each.second.phase == AttemptPhase::reporting; }));
  if (!takes_work(s) || s.attempts.size() - unreported >= attempts_max(s)) {
    ++s.tally.handed_back;
    s.aborted.push_back(id_of(key));
    return;
  }
  Attempt attempt;
  attempt.spec = spec;
  attempt.step = step;
  attempt.received_at = s.now;
  s.attempts.emplace(key, std::move(attempt));
  const auto& types = s.options.info.task_types;
  if (std::find(types.begin(), types.end(), step.type) == types.end()) {
    report(s, key,
           failed_result(key, Code::failed_precondition,
                         "this worker has no executor for task type '" + step.type + "'"));
    return;
  }
  s.queue.push_back(key);
}

// What a stopped attempt that ended without success has to say.
void end_stopped(State& s, const AttemptKey& key, TaskResult result) {
  const Stop stop = *s.attempts.at(key).stop;
  result.outcome = Outcome::error;
  result.result.clear();
  result.blobs.clear();
  switch (stop.reason) {
    case StopReason::aborted:
      forget(s, key, &AttemptTally::handed_back);
      s.aborted.push_back(id_of(key));
      return;
    case StopReason::timed_out:
      result.error = {static_cast<std::uint16_t>(Code::deadline_exceeded), stop.text, 0};
      break;
    case StopReason::broker_silent:
      result.error = {static_cast<std::uint16_t>(Code::worker_lost), stop.text, 0};
      result.permanent = true;
      break;
    case StopReason::orphaned:
      result.error = {static_cast<std::uint16_t>(Code::worker_lost), stop.text, 0};
      break;
  }
  report(s, key, std::move(result));
}

void check_timeouts(State& s, const AttemptKey& key, Attempt& attempt, Actions& out) {
  if (attempt.phase != AttemptPhase::running || attempt.stop) return;
  const auto passed = [&](std::int64_t ms, TimePoint since) {
    return ms > 0 && to_ms(s.now - since) >= ms;
  };
  std::string text;
  if (passed(attempt.step.timeout_ms, attempt.started_at))
    text = "timeout: ran longer than " + std::to_string(attempt.step.timeout_ms) + " ms";
  else if (passed(attempt.step.progress_timeout_ms, attempt.progress_at))
    text = "progress timeout: silent for more than " +
           std::to_string(attempt.step.progress_timeout_ms) + " ms";
  if (!text.empty())
    stop_attempt(s, key, Stop{StopReason::timed_out, s.now + s.options.cancel_grace, text}, out);
}

}  // namespace

std::uint32_t slots_used(const State& s) {
  const auto on_slots = std::count_if(s.attempts.begin(), s.attempts.end(),
                                      [](const auto& each) { return is_on_slot(each.second); });
  return static_cast<std::uint32_t>(on_slots) + static_cast<std::uint32_t>(s.lingering.size());
}

void on_assign(State& s, const Assign& assign, Actions& out) {
  for (const AttemptSpec& spec : assign.attempts) {
    if (spec.step >= assign.steps.size() || assign.steps[spec.step].job != spec.task.job) {
      out.emplace_back(
          Note{3, "Assign names a step that it does not carry, for task " + to_string(spec.task)});
      s.aborted.push_back({spec.task, spec.token});
      continue;
    }
    accept(s, spec, assign.steps[spec.step]);
  }
  start_queued(s, out);
}

// Not while a preparation is under way: it is the state that the next task must find.
void start_queued(State& s, Actions& out) {
  if (is_preparing(s)) return;
  std::uint32_t used = slots_used(s);
  while (used < s.options.info.slots && !s.queue.empty()) {
    const AttemptKey key = s.queue.front();
    s.queue.pop_front();
    Attempt& attempt = s.attempts.at(key);
    attempt.phase = AttemptPhase::starting;
    attempt.started_at = s.now;
    attempt.progress_at = s.now;
    out.emplace_back(StartAttempt{attempt.spec, attempt.step});
    ++used;
  }
}

void on_abort(State& s, const Abort& abort, Actions& out) {
  const Duration grace = milliseconds(std::clamp<std::int64_t>(abort.grace_ms, 0, grace_ms_max));
  for (const AttemptId& id : abort.attempts) {
    const AttemptKey key = key_of(id);
    const auto found = s.attempts.find(key);
    if (found == s.attempts.end()) {
      s.aborted.push_back(id);  // not here (any more): the broker may go on
      continue;
    }
    const Attempt& attempt = found->second;
    if (attempt.phase == AttemptPhase::reporting) continue;  // its result is on the way and decides
    if (attempt.phase == AttemptPhase::queued) {
      drop_queued(s, key);
      s.aborted.push_back(id);
      continue;
    }
    // Asked back for an idle slot elsewhere, but it began here meanwhile: that work is kept.
    if (abort.reason == AbortReason::reclaimed) continue;
    stop_attempt(s, key, Stop{StopReason::aborted, s.now + grace, "aborted by the broker"}, out);
  }
  start_queued(s, out);
}

// A later stop wins its reason only when the broker asked for it; the nearer moment always counts.
void stop_attempt(State& s, const AttemptKey& key, Stop stop, Actions& out) {
  Attempt& attempt = s.attempts.at(key);
  if (attempt.step.at_most_once && !s.options.executors_killable) stop.give_up_at = never;
  if (attempt.stop) {
    if (!attempt.stop->killed)
      attempt.stop->give_up_at = std::min(attempt.stop->give_up_at, stop.give_up_at);
    if (stop.reason == StopReason::aborted) attempt.stop->reason = StopReason::aborted;
    return;
  }
  out.emplace_back(CancelAttempt{id_of(key), stop.text});
  attempt.stop = std::move(stop);
}

void drop_queued(State& s, const AttemptKey& key) {
  s.queue.erase(std::remove(s.queue.begin(), s.queue.end(), key), s.queue.end());
  forget(s, key, &AttemptTally::handed_back);
}

void hand_back_queue(State& s) {
  while (!s.queue.empty()) {
    const AttemptKey key = s.queue.front();
    s.aborted.push_back(id_of(key));
    drop_queued(s, key);
  }
}

bool takes_work(const State& s) {
  return !s.draining && s.now >= s.unable_until;
}

// What waits goes back, too: another worker may be able to.
void on_executor_unavailable(State& s, const ExecutorUnavailable& event, Actions& out) {
  const AttemptKey key = key_of(event.attempt);
  s.lingering.erase(key);
  const auto found = s.attempts.find(key);
  if (found != s.attempts.end() && found->second.phase == AttemptPhase::starting) {
    forget(s, key, &AttemptTally::handed_back);
    s.aborted.push_back(event.attempt);
  }
  Duration wait = s.options.start_retry_base;
  for (std::uint32_t i = 0; i < s.start_failures && wait < s.options.start_retry_max; ++i)
    wait *= 2;
  wait = std::min(wait, s.options.start_retry_max);
  ++s.start_failures;
  s.unable_until = s.now + wait;
  s.unable_reason = event.reason.substr(0, limits::name_bytes_max);
  hand_back_queue(s);
  out.emplace_back(Note{3, "an executor could not be started, next try in " +
                               std::to_string(to_ms(wait)) + " ms: " + event.reason});
  if (s.link == Link::ready) send_heartbeat(s, out);  // says so before the next grant
}

void on_executor_started(State& s, const ExecutorStarted& event) {
  const auto found = s.attempts.find(key_of(event.attempt));
  if (found == s.attempts.end() || found->second.phase != AttemptPhase::starting) return;
  s.start_failures = 0;
  found->second.phase = AttemptPhase::running;
  found->second.started_at = s.now;
  found->second.progress_at = s.now;
  s.started.push_back(event.attempt);
}

void on_executor_progress(State& s, const ExecutorProgress& event) {
  const auto found = s.attempts.find(key_of(event.attempt));
  if (found == s.attempts.end() || found->second.phase != AttemptPhase::running) return;
  Attempt& attempt = found->second;
  attempt.progress_at = s.now;
  const std::uint32_t permille = std::min<std::uint32_t>(event.permille, 1000);
  if (permille == attempt.permille && event.status == attempt.status) return;
  attempt.permille = permille;
  attempt.status = event.status.substr(0, limits::name_bytes_max);
  s.progressed.insert(key_of(event.attempt));
}

void on_executor_finished(State& s, const ExecutorFinished& event, Actions& out) {
  const AttemptKey key = key_of(event.attempt);
  if (s.lingering.erase(key) == 1) return start_queued(s, out);
  const auto found = s.attempts.find(key);
  if (found == s.attempts.end() || !is_on_slot(found->second)) return;
  const Attempt& attempt = found->second;
  TaskResult result;
  result.task = key.task;
  result.token = key.token;
  result.outcome = event.outcome == Outcome::none ? Outcome::error : event.outcome;
  result.result = event.result;
  result.blobs = event.blobs;
  result.error = event.error;
  result.permanent = event.permanent;
  result.log_tail = event.log_tail;
  result.queue_us = micros_between(attempt.received_at, attempt.started_at);
  result.run_us = micros_between(attempt.started_at, s.now);
  // Work that was finished in spite of a stop counts; the broker decides by the token.
  if (attempt.stop && result.outcome != Outcome::ok)
    end_stopped(s, key, std::move(result));
  else
    report(s, key, std::move(result));
  start_queued(s, out);
}

void tick_attempts(State& s, Actions& out) {
  std::vector<AttemptKey> given_up;
  for (auto& [key, attempt] : s.attempts) {
    if (!is_on_slot(attempt)) continue;
    check_timeouts(s, key, attempt, out);
    if (!attempt.stop || s.now < attempt.stop->give_up_at) continue;
    if (!s.options.executors_killable || attempt.stop->killed) {
      given_up.push_back(key);
      continue;
    }
    attempt.stop->killed = true;
    attempt.stop->give_up_at = attempt.step.at_most_once ? never : s.now + s.options.kill_wait;
    out.emplace_back(KillAttempt{id_of(key), attempt.stop->text});
  }
  for (const AttemptKey& key : given_up) {
    out.emplace_back(Note{
        3, "task " + to_string(key.task) + " does not end; its slot stays taken until it does"});
    s.lingering.insert(key);
    end_stopped(s, key, failed_result(key, Code::cancelled, "did not end in time"));
  }
}

}  // namespace framebus::worker
