// What goes to the broker about attempts, gathered and sent in few messages.
//
// A result is kept until the broker confirms or rejects it, and is sent again on every new
// connection. Message sizes stay far below the wire limit: a message is closed at
// bytes_per_message.
#include <algorithm>

#include "worker/core/state.h"

namespace framebus::worker {
namespace {

constexpr std::size_t bytes_per_message = 2 * limits::MiB;
constexpr std::size_t ended_kept_max = 4096;

std::size_t size_of(const TaskResult& result) {
  return 256 + result.result.size() + result.log_tail.size() + result.error.message.size() +
         result.blobs.size() * 128;
}

void send_results(State& s, Actions& out) {
  Results message;
  std::size_t bytes = 0;
  const auto close = [&] {
    if (!message.results.empty()) out.emplace_back(Send{s.connection, std::move(message)});
    message = {};
    bytes = 0;
  };
  for (const AttemptKey& key : s.results) {
    const auto found = s.attempts.find(key);
    if (found == s.attempts.end() || !found->second.result) continue;
    const TaskResult& result = *found->second.result;
    if (bytes + size_of(result) > bytes_per_message ||
        message.results.size() >= limits::results_per_message_max)
      close();
    bytes += size_of(result);
    message.results.push_back(result);
  }
  close();
  s.results.clear();
}

void send_progress(State& s, Actions& out) {
  Progress message;
  for (const AttemptKey& key : s.progressed) {
    const auto found = s.attempts.find(key);
    if (found == s.attempts.end() || found->second.phase != AttemptPhase::running) continue;
    message.attempts.push_back(
        {key.task, key.token, AttemptPhase::running, found->second.permille, found->second.status});
  }
  s.progressed.clear();
  if (message.attempts.empty()) return;
  s.progress_after = s.now + s.options.progress_interval;
  out.emplace_back(Send{s.connection, std::move(message)});
}

}  // namespace

void report(State& s, const AttemptKey& key, TaskResult result) {
  Attempt& attempt = s.attempts.at(key);
  attempt.phase = AttemptPhase::reporting;
  attempt.stop.reset();
  s.unreported_bytes += size_of(result);
  attempt.result = std::move(result);
  s.results.push_back(key);
}

// By value: callers pass the key inside the map, which is gone half way through.
void forget(State& s, AttemptKey key, std::uint64_t AttemptTally::*ending) {
  const auto found = s.attempts.find(key);
  if (found == s.attempts.end()) return;
  if (found->second.result) s.unreported_bytes -= size_of(*found->second.result);
  s.attempts.erase(found);
  s.progressed.erase(key);
  ++(s.tally.*ending);
  close_log(s, key, ending != &AttemptTally::rejected);
  s.ended.push_back(key);
  if (s.ended.size() > ended_kept_max) s.ended.pop_front();
}

void on_results_ok(State& s, const ResultsOk& confirmed) {
  const auto confirm = [&](const AttemptId& id) {
    const auto found = s.attempts.find(key_of(id));
    if (found != s.attempts.end() && found->second.phase == AttemptPhase::reporting)
      forget(s, found->first, &AttemptTally::confirmed);
  };
  std::for_each(confirmed.attempts.begin(), confirmed.attempts.end(), confirm);
  std::for_each(confirmed.duplicates.begin(), confirmed.duplicates.end(), confirm);
}

void on_result_rejected(State& s, const ResultRejected& rejected, Actions& out) {
  const auto found = s.attempts.find(key_of(rejected.attempt));
  if (found == s.attempts.end() || found->second.phase != AttemptPhase::reporting) return;
  static constexpr const char* words[] = {"", "fenced", "the task has ended otherwise",
                                          "unknown to the broker", "not its token"};
  const auto reason = static_cast<std::size_t>(rejected.reason);
  out.emplace_back(Note{1, "result of task " + to_string(rejected.attempt.task) +
                               " was not taken: " + words[reason < 5 ? reason : 0]});
  forget(s, found->first, &AttemptTally::rejected);
}

void resend_results(State& s) {
  s.results.clear();
  for (const auto& [key, attempt] : s.attempts)
    if (attempt.phase == AttemptPhase::reporting) s.results.push_back(key);
}

bool has_something_to_flush(const State& s) {
  return s.link == Link::ready &&
         (!s.started.empty() || !s.results.empty() || !s.aborted.empty() || is_log_due(s));
}

// Started goes first, so that a result never overtakes the start of its own attempt; then its log.
void flush(State& s, Actions& out) {
  if (s.link != Link::ready) return;
  if (!s.started.empty()) out.emplace_back(Send{s.connection, Started{std::move(s.started)}});
  s.started.clear();
  if (!s.progressed.empty() && s.now >= s.progress_after) send_progress(s, out);
  if (is_log_due(s) || !s.results.empty() || !s.aborted.empty()) send_logs(s, out);
  if (!s.results.empty()) send_results(s, out);
  if (!s.aborted.empty()) out.emplace_back(Send{s.connection, Aborted{std::move(s.aborted)}});
  s.aborted.clear();
}

}  // namespace framebus::worker
