#include "broker/core/tables.h"

namespace framebus::broker {

using enum TaskState;
using enum Durability;

const std::array<TaskRow, task_row_count + 1> task_rows{{
    {0, 0, "", 0, none, ""},
    {1, 0, "valid Submit", states(queued, held), synced, "SubmitOk"},
    {2, states(held), "dependencies met, resume", states(queued), written, ""},
    {3, sets::waiting, "deadline passed", states(expired), synced, ""},
    {4, states(queued), "grant", states(leased), written, "new token, Assign"},
    {5, states(leased), "the send failed", states(queued), written, "not an attempt"},
    {6, states(leased), "Started", states(running), written, ""},
    {7, states(leased), "not started in time, or omitted twice", states(queued, failed), written,
     "Abort, infrastructure count + 1"},
    {8, states(leased, running, cancelling), "heartbeat lists it", 0, none, "lease renewed"},
    {9, states(running), "omitted twice", states(retry_wait, failed), written,
     "infrastructure count + 1"},
    {10, states(leased, running), "lease expired, worker lost or gone",
     states(queued, retry_wait, failed), written,
     "back-off from the 3rd time; never started: a loss only if it may have been in a slot"},
    {11, sets::open, "result ok", states(succeeded), synced, "ResultsOk, Event"},
    {12, sets::open, "retryable error, attempts left", states(retry_wait, failed), synced,
     "back-off; a late error of a waiting task counts nothing"},
    {13, sets::open, "permanent error", states(failed), synced, "ResultsOk, Event"},
    {14, sets::open, "attempts, crashes or losses used up", states(dead), synced, "dead letter"},
    {15, sets::open, "result with a retired token", 0, none, "ResultRejected(fenced)"},
    {16, sets::terminal, "its recorded result again", 0, none, "ResultsOk(duplicate)"},
    {17, sets::terminal, "any other result", 0, none, "ResultRejected(terminal)"},
    {18, states(retry_wait), "back-off over", states(queued), written, ""},
    {19, sets::waiting, "cancel", states(cancelled), synced, "reply"},
    {20, states(leased, running), "cancel", states(cancelling), synced, "Abort, grace, kill"},
    {21, states(cancelling), "result ok", states(succeeded), synced, "first durable record wins"},
    {22, states(cancelling), "Aborted, error, lease expired",
     states(cancelled, retry_wait, failed, dead), synced, "user: cancelled; timeout: 12 or failed"},
    {23, sets::terminal, "cancel", 0, none, "reply names the state"},
    {24, states(running), "timeout or progress timeout", states(cancelling), written, "Abort"},
    {25, sets::retryable, "retry by a person", states(queued, held), synced, "counters reset"},
    {26, states(leased, running, cancelling), "worker drains", 0, none, "no new grants"},
    {27, 0, "primary disconnects", 0, none, "jobs belong to a key"},
    {28, 0, "Watch from a cursor", 0, none, "replay, then live"},
    {29, states(held), "a dependency ended not succeeded", states(abandoned), synced, ""},
    {30, states(held, queued, retry_wait, leased, running), "Hello lists it",
     states(leased, running), written, "token adopted"},
    {31, 0, "result of an unknown task", 0, none, "ResultRejected(unknown)"},
    {32, states(queued, retry_wait), "pause", states(held), written, ""},
    {33, sets::waiting, "the job stops after failures", states(abandoned), synced, ""},
}};

std::string_view word(TaskState state) {
  static constexpr std::array<std::string_view, task_state_count> words{
      "held",      "queued", "leased",    "running",   "retry_wait", "cancelling",
      "succeeded", "failed", "cancelled", "abandoned", "expired",    "dead"};
  const auto index = static_cast<std::size_t>(state);
  return index < words.size() ? words[index] : "unknown";
}

std::string_view word(JobState state) {
  static constexpr std::array<std::string_view, 7> words{
      "open", "queued", "running", "paused", "succeeded", "failed", "cancelled"};
  const auto index = static_cast<std::size_t>(state);
  return index < words.size() ? words[index] : "unknown";
}

}  // namespace framebus::broker
