// The worker core's door: dispatch by event, the next deadline, the invariants.
#include "worker/core/core.h"

#include <algorithm>

#include "libmsg/base/check.h"
#include "worker/core/state.h"

namespace framebus::worker {
namespace {

constexpr std::int64_t timeout_ms_max = 10LL * 365 * 24 * 3600 * 1000;  // later than any clock

void on_tick(State& s, Actions& out) {
  tick_connection(s, out);
  tick_silence(s, out);
  tick_commands(s, out);
  tick_attempts(s, out);
  start_queued(s, out);
  flush(s, out);
  tick_leaving(s, out);
}

struct Dispatch {
  State& s;
  Actions& out;
  void operator()(const Connected& event) { on_connected(s, event, out); }
  void operator()(const Closed& event) { on_closed(s, event, out); }
  void operator()(const Received& event) { on_message(s, event, out); }
  void operator()(const ExecutorStarted& event) { on_executor_started(s, event); }
  void operator()(const ExecutorUnavailable& event) { on_executor_unavailable(s, event, out); }
  void operator()(const ExecutorLog& event) { on_executor_log(s, event); }
  void operator()(const CommandFinished& event) { on_command_finished(s, event, out); }
  void operator()(const ExecutorProgress& event) { on_executor_progress(s, event); }
  void operator()(const ExecutorFinished& event) { on_executor_finished(s, event, out); }
  void operator()(const LoadSampled& event) {
    const std::uint32_t latency_us = s.load.latency_us;
    s.load = event.load;
    s.load.latency_us = latency_us;
  }
  void operator()(const DrainRequested&) { on_drain(s, out); }
  void operator()(const StopRequested&) { on_stop(s, out); }
  void operator()(const Tick&) { on_tick(s, out); }
};

TimePoint deadline_of_link(const State& s) {
  if (s.link == Link::idle) return s.connect_at;
  if (s.link == Link::connecting) return s.handshake_until;
  return std::min(s.heartbeat_at, s.heard_at + s.lease);
}

TimePoint deadline_of_attempt(const State& s, const Attempt& attempt) {
  TimePoint at = TimePoint::max();
  if (attempt.phase == AttemptPhase::reporting) return at;
  if (attempt.stop) return attempt.stop->give_up_at;
  at = s.heard_at + (attempt.step.at_most_once ? s.lease : s.options.orphan_timeout);
  if (attempt.phase != AttemptPhase::running) return at;
  const auto after = [](std::int64_t ms, TimePoint since) {
    return since + milliseconds(std::min(ms, timeout_ms_max));
  };
  if (attempt.step.timeout_ms > 0)
    at = std::min(at, after(attempt.step.timeout_ms, attempt.started_at));
  if (attempt.step.progress_timeout_ms > 0)
    at = std::min(at, after(attempt.step.progress_timeout_ms, attempt.progress_at));
  return at;
}

void check_conservation(const State& s) {
  const AttemptTally& tally = s.tally;
  FRAMEBUS_CHECK(
      tally.received == tally.confirmed + tally.rejected + tally.handed_back + s.attempts.size(),
      "every attempt taken is held, confirmed, rejected or handed back");
  std::size_t kept = 0;
  for (const auto& [key, log] : s.logs) {
    std::size_t bytes = 0;
    std::uint64_t offset = 0;
    for (const LogPiece& piece : log.pieces) {
      FRAMEBUS_CHECK(piece.offset >= offset && !piece.bytes.empty(), "pieces lie in order");
      offset = piece.offset + piece.bytes.size();
      bytes += piece.bytes.size();
    }
    FRAMEBUS_CHECK(offset <= log.end && bytes == log.bytes, "a log's pieces are its bytes");
    FRAMEBUS_CHECK(log.acked <= log.sent && log.sent <= log.end, "confirmed after it was sent");
    FRAMEBUS_CHECK(log.is_over || s.attempts.contains(key), "only a closed log has no attempt");
    kept += bytes;
  }
  FRAMEBUS_CHECK(kept == s.log_bytes && kept <= s.options.log_bytes_max, "logs keep their bound");
  FRAMEBUS_CHECK(s.commands.size() <= s.options.commands_max, "commands keep their bound");
}

}  // namespace

Core::Core(const Options& options, std::uint64_t seed)
    : state_(std::make_unique<State>(options, seed)) {
  state_->heartbeat = options.heartbeat;
  state_->lease = options.lease;
  state_->connect_at = TimePoint{};
}

Core::~Core() = default;

const State& Core::state() const {
  return *state_;
}

void Core::step(TimePoint now, const Event& event, Actions& out) {
  State& s = *state_;
  if (s.link == Link::ended) return;
  s.now = std::max(s.now, now);
  std::visit(Dispatch{s, out}, event);
}

std::optional<TimePoint> Core::next_wakeup() const {
  const State& s = *state_;
  if (s.link == Link::ended) return std::nullopt;
  if (has_something_to_flush(s)) return s.now;
  const bool is_leaving = s.departure != Departure::none;
  if (is_leaving && (s.attempts.empty() || (has_only_results(s) && !s.leave_by))) return s.now;
  TimePoint at = deadline_of_link(s);
  if (const auto log_at = log_deadline(s)) at = std::min(at, *log_at);
  for (const auto& [number, command] : s.commands)
    if (!command.is_answered) at = std::min(at, command.deadline);
  if (s.link == Link::ready && !s.progressed.empty()) at = std::min(at, s.progress_after);
  for (const auto& [key, attempt] : s.attempts) at = std::min(at, deadline_of_attempt(s, attempt));
  if (s.leave_by) at = std::min(at, *s.leave_by);
  return at;
}

void Core::check_invariants() const {
  const State& s = *state_;
  FRAMEBUS_CHECK(slots_used(s) <= s.options.info.slots,
                 "more attempts on slots than there are slots");
  std::size_t queued = 0, bytes_known = 0;
  for (const auto& [key, attempt] : s.attempts) {
    FRAMEBUS_CHECK(attempt.result.has_value() == (attempt.phase == AttemptPhase::reporting),
                   "a result exactly while reporting");
    FRAMEBUS_CHECK(!attempt.stop || (attempt.phase != AttemptPhase::queued &&
                                     attempt.phase != AttemptPhase::reporting),
                   "only a started attempt can be stopped");
    FRAMEBUS_CHECK(!s.lingering.contains(key) || attempt.phase == AttemptPhase::reporting,
                   "a given-up attempt only reports");
    if (attempt.phase == AttemptPhase::queued) {
      ++queued;
      FRAMEBUS_CHECK(std::count(s.queue.begin(), s.queue.end(), key) == 1,
                     "a waiting attempt is in the queue once");
    }
    if (attempt.result) bytes_known += 1;
  }
  FRAMEBUS_CHECK(queued == s.queue.size(), "the queue holds waiting attempts only");
  FRAMEBUS_CHECK((bytes_known == 0) == (s.unreported_bytes == 0),
                 "the count of unreported bytes follows the results");
  FRAMEBUS_CHECK(queued == 0 || s.link == Link::ended || is_preparing(s) ||
                     slots_used(s) == s.options.info.slots,
                 "nothing waits while a slot is free");
  check_conservation(s);
}

}  // namespace framebus::worker
