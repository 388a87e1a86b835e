// Heartbeats: what they say, what an acknowledgement teaches, and what silence means.
//
// Silence is measured from the last Welcome or HeartbeatAck. After one lease the broker may have
// granted our attempts to others, so at_most_once attempts end here; the others go on for
// orphan_timeout and keep their results (docs/PROTOCOL.md, "guarantees").
#include <algorithm>

#include "worker/core/jitter.h"
#include "worker/core/state.h"

namespace framebus::worker {
namespace {

constexpr std::size_t beats_kept_max = 64;

std::string credit_reason(const State& s) {
  if (s.draining) return "draining";
  if (s.now < s.unable_until) return "no executor can be started: " + s.unable_reason;
  if (s.unreported_bytes >= s.options.unreported_bytes_max)
    return std::to_string(s.unreported_bytes / limits::MiB) + " MiB of results wait for the broker";
  if (!s.lingering.empty())
    return std::to_string(s.lingering.size()) + " slots are held by attempts that do not end";
  return "";
}

// `at_most_once_only`: after a lease; otherwise the broker is given up altogether.
void stop_all(State& s, bool at_most_once_only, StopReason reason, const std::string& text,
              Actions& out) {
  std::vector<AttemptKey> queued, started;
  for (const auto& [key, attempt] : s.attempts) {
    if (at_most_once_only && !attempt.step.at_most_once) continue;
    if (attempt.phase == AttemptPhase::queued) queued.push_back(key);
    if ((attempt.phase == AttemptPhase::starting || attempt.phase == AttemptPhase::running) &&
        !attempt.stop)
      started.push_back(key);
  }
  for (const AttemptKey& key : queued) drop_queued(s, key);
  // The broker may have given these up: what must not run twice has no time left.
  const Duration grace = at_most_once_only ? Duration{0} : s.options.cancel_grace;
  for (const AttemptKey& key : started)
    stop_attempt(s, key, Stop{reason, s.now + grace, text}, out);
  if (!queued.empty() || !started.empty())
    out.emplace_back(Note{2, text + ": ended " + std::to_string(started.size()) +
                                 " attempts, dropped " + std::to_string(queued.size())});
}

}  // namespace

// Attempts this worker would hold in all; the broker subtracts what it has granted.
std::uint32_t credit_of(const State& s) {
  if (!takes_work(s) || s.unreported_bytes >= s.options.unreported_bytes_max) return 0;
  const auto stuck = static_cast<std::uint32_t>(s.lingering.size());
  if (stuck >= s.options.info.slots) return 0;
  return s.options.info.slots - stuck + s.options.info.prefetch;
}

void send_heartbeat(State& s, Actions& out) {
  Heartbeat beat;
  beat.sequence = ++s.sequence;
  beat.credit = credit_of(s);
  beat.draining = s.draining;
  beat.reason = credit_reason(s);
  beat.load = s.load;
  for (const auto& [key, attempt] : s.attempts)
    beat.attempts.push_back({key.task, key.token, attempt.phase, attempt.permille, attempt.status});
  s.beats.emplace_back(beat.sequence, s.now);
  if (s.beats.size() > beats_kept_max) s.beats.pop_front();
  s.heartbeat_at = s.now + jittered(s.random, s.heartbeat, 10);
  out.emplace_back(Send{s.connection, std::move(beat)});
}

void on_heartbeat_ack(State& s, const HeartbeatAck& ack) {
  const auto sent = std::find_if(s.beats.begin(), s.beats.end(),
                                 [&](const auto& beat) { return beat.first == ack.sequence; });
  if (sent == s.beats.end()) return;  // never sent in this session: no sign of life
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(s.now - sent->second).count();
  s.load.latency_us =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(micros, 1, 4'000'000'000));
  s.beats.erase(s.beats.begin(), sent + 1);
  s.heard_at = s.now;
  s.failures = 0;
}

void tick_silence(State& s, Actions& out) {
  if (!s.was_welcomed || s.attempts.empty()) return;
  const Duration silent = s.now - s.heard_at;
  if (silent >= s.options.orphan_timeout)
    stop_all(s, false, StopReason::orphaned, "the broker has been silent for the orphan timeout",
             out);
  else if (silent >= s.lease)
    stop_all(s, true, StopReason::broker_silent, "the broker has been silent for a lease", out);
}

}  // namespace framebus::worker
