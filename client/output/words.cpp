#include "client/output/words.h"

#include "libmsg/base/error.h"

namespace framebus::client {
namespace {

template <std::size_t N, class E>
std::string_view pick(const std::string_view (&words)[N], E value) {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? words[index] : "unknown";
}

}  // namespace

std::string_view word_of(TaskState state) {
  static constexpr std::string_view words[] = {"held",       "queued",     "leased",    "running",
                                               "retry_wait", "cancelling", "succeeded", "failed",
                                               "cancelled",  "abandoned",  "expired",   "dead"};
  return pick(words, state);
}

std::string_view word_of(JobState state) {
  static constexpr std::string_view words[] = {"open",      "queued", "running",  "paused",
                                               "succeeded", "failed", "cancelled"};
  return pick(words, state);
}

std::string_view word_of(WorkerState state) {
  static constexpr std::string_view words[] = {"connecting", "ready",    "loading", "busy",
                                               "lagging",    "draining", "lost"};
  return pick(words, state);
}

std::string_view word_of(AttemptEnd end) {
  static constexpr std::string_view words[] = {
      "open",          "ok",          "error",   "crashed",    "worker_lost",
      "lease_expired", "not_started", "aborted", "superseded", "timeout"};
  return pick(words, end);
}

std::string_view word_of(JobAction action) {
  static constexpr std::string_view words[] = {"none",   "cancel", "pause",
                                               "resume", "retry",  "set_priority"};
  return pick(words, action);
}

std::string_view word_of(EventKind kind) {
  static constexpr std::string_view words[] = {"none", "job", "task", "progress", "live"};
  return pick(words, kind);
}

std::string_view word_of(WorkerAction action) {
  static constexpr std::string_view words[] = {"none", "drain", "resume", "restart", "remove"};
  return pick(words, action);
}

Style style_of(TaskState state) {
  switch (state) {
    case TaskState::held:
      return Style::held;
    case TaskState::queued:
    case TaskState::retry_wait:
      return Style::waiting;
    case TaskState::leased:
    case TaskState::running:
    case TaskState::cancelling:
      return Style::running;
    case TaskState::succeeded:
      return Style::done;
    case TaskState::failed:
    case TaskState::expired:
    case TaskState::dead:
      return Style::failed;
    case TaskState::cancelled:
    case TaskState::abandoned:
      return Style::dim;
  }
  return Style::plain;
}

Style style_of(JobState state) {
  switch (state) {
    case JobState::open:
    case JobState::queued:
      return Style::waiting;
    case JobState::running:
      return Style::running;
    case JobState::paused:
      return Style::held;
    case JobState::succeeded:
      return Style::done;
    case JobState::failed:
      return Style::failed;
    case JobState::cancelled:
      return Style::dim;
  }
  return Style::plain;
}

Style style_of(WorkerState state) {
  switch (state) {
    case WorkerState::ready:
      return Style::done;
    case WorkerState::busy:
      return Style::running;
    case WorkerState::connecting:
    case WorkerState::loading:
      return Style::waiting;
    case WorkerState::draining:
      return Style::held;
    case WorkerState::lagging:
    case WorkerState::lost:
      return Style::failed;
  }
  return Style::plain;
}

bool is_terminal(TaskState state) {
  return state >= TaskState::succeeded;
}
bool is_failure(TaskState state) {
  return state == TaskState::failed || state == TaskState::dead || state == TaskState::expired;
}

bool is_terminal(JobState state) {
  return state >= JobState::succeeded;
}

std::string error_name(const WireError& error) {
  return std::string(error_info(static_cast<Code>(error.code)).name);
}

std::uint32_t count_of(const std::vector<StateCount>& counts, TaskState state) {
  std::uint32_t count = 0;
  for (const StateCount& each : counts)
    if (each.state == state) count += each.count;
  return count;
}

}  // namespace framebus::client
