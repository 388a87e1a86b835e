// The flat transition tables of task, attempt, session and job. Every change of such a state goes
// through a row here; row_hits() of the State counts how often each task row was taken.
//
//                    2                4                 6
//   1 -> held ------------> queued ----------> leased ----------> running
//         ^  <------------    ^   <-----------   |  <----------     |
//      25 |      32           |     5 7 10       |        10        | 9 12
//         |                18 |                  v 20               v
//     abandoned           retry_wait        cancelling <---- 20 24 (running)
//       (29)                                     | 21 22
//   any of these, by 3 11 13 14 19 29 33 ------> v
//   terminal: succeeded failed cancelled abandoned expired dead   --25--> queued or held
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "libmsg/schema/parts.h"

namespace framebus::broker {

inline constexpr std::size_t task_state_count = 12;

// A set of task states as bits.
using StateSet = std::uint16_t;
constexpr StateSet state_bit(TaskState state) {
  return static_cast<StateSet>(1u << static_cast<unsigned>(state));
}
template <class... States>
constexpr StateSet states(States... each) {
  return static_cast<StateSet>((0u | ... | state_bit(each)));
}
constexpr bool contains(StateSet set, TaskState state) {
  return (set & state_bit(state)) != 0;
}

namespace sets {
using enum TaskState;
inline constexpr StateSet waiting = states(held, queued, retry_wait);
inline constexpr StateSet in_flight = states(leased, running, cancelling);
inline constexpr StateSet open = waiting | in_flight;
inline constexpr StateSet terminal = states(succeeded, failed, cancelled, abandoned, expired, dead);
inline constexpr StateSet bad_end = states(failed, abandoned, expired, dead);
inline constexpr StateSet retryable = states(failed, cancelled, abandoned, expired, dead);
}  // namespace sets

constexpr bool is_terminal(TaskState state) {
  return contains(sets::terminal, state);
}
constexpr bool is_waiting(TaskState state) {
  return contains(sets::waiting, state);
}
constexpr bool is_in_flight(TaskState state) {
  return contains(sets::in_flight, state);
}

// How durable a row's record is before anybody is told.
enum class Durability : std::uint8_t {
  none,     // no record
  written,  // W: written now, synced with the next group
  synced,   // D: every reply about it waits for the sync
};

struct TaskRow {
  std::uint32_t row;
  StateSet from;  // 0: the task does not exist yet, or its state does not matter
  std::string_view event;
  StateSet to;  // 0: the state stays
  Durability durability;
  std::string_view effect;
};

// Rows 1 to 32 as numbered in docs/PROTOCOL.md; 33 is the job that stops (docs/decisions/0031).
inline constexpr std::uint32_t task_row_count = 33;
extern const std::array<TaskRow, task_row_count + 1> task_rows;  // by number; [0] is unused

// Attempts: from its grant to the end of its lease; a closed one may still be live (its result
// counts).
enum class AttemptState : std::uint8_t {
  granted,
  running,
  stopping,
  closed_live,
  retired,
  reported
};

struct AttemptRow {
  AttemptState from;
  std::string_view event;
  AttemptState to;
};
inline constexpr std::array attempt_rows{
    AttemptRow{AttemptState::granted, "Started", AttemptState::running},
    AttemptRow{AttemptState::granted, "cancel", AttemptState::stopping},
    AttemptRow{AttemptState::running, "cancel, timeout", AttemptState::stopping},
    AttemptRow{AttemptState::granted, "lost, omitted, not started", AttemptState::closed_live},
    AttemptRow{AttemptState::running, "lost, omitted", AttemptState::closed_live},
    AttemptRow{AttemptState::stopping, "lost", AttemptState::closed_live},
    AttemptRow{AttemptState::closed_live, "held by a worker that came back", AttemptState::granted},
    AttemptRow{AttemptState::closed_live, "held and running", AttemptState::running},
    AttemptRow{AttemptState::granted, "another grant, end of the task", AttemptState::retired},
    AttemptRow{AttemptState::running, "another grant, end of the task", AttemptState::retired},
    AttemptRow{AttemptState::stopping, "end of the task", AttemptState::retired},
    AttemptRow{AttemptState::closed_live, "another grant, end of the task", AttemptState::retired},
    AttemptRow{AttemptState::granted, "result recorded", AttemptState::reported},
    AttemptRow{AttemptState::running, "result recorded", AttemptState::reported},
    AttemptRow{AttemptState::stopping, "result recorded", AttemptState::reported},
    AttemptRow{AttemptState::closed_live, "result recorded", AttemptState::reported},
};

// Sessions of workers (a primary's is `ready` until it is closed).
enum class SessionState : std::uint8_t { ready, suspect, draining, closed };

struct SessionRow {
  SessionState from;
  std::string_view event;
  SessionState to;
};
inline constexpr std::array session_rows{
    SessionRow{SessionState::ready, "silent for suspect_after", SessionState::suspect},
    SessionRow{SessionState::draining, "silent for suspect_after", SessionState::suspect},
    SessionRow{SessionState::suspect, "Heartbeat", SessionState::ready},
    SessionRow{SessionState::ready, "Heartbeat, draining", SessionState::draining},
    SessionRow{SessionState::suspect, "Heartbeat, draining", SessionState::draining},
    SessionRow{SessionState::draining, "Heartbeat, not draining", SessionState::ready},
    SessionRow{SessionState::ready, "lost, Goodbye, replaced", SessionState::closed},
    SessionRow{SessionState::suspect, "lost, silent for a lease, replaced", SessionState::closed},
    SessionRow{SessionState::draining, "lost, Goodbye, replaced", SessionState::closed},
};

constexpr bool is_allowed(SessionState from, SessionState to) {
  for (const SessionRow& row : session_rows) {
    if (row.from == from && row.to == to) return true;
  }
  return false;
}

// Jobs: their state is derived from the counts of their tasks, in this order of questions.
//   tasks all terminal: any failed, dead, expired, abandoned -> failed; any cancelled -> cancelled;
//   else succeeded. Otherwise: paused by a person -> paused; any task in flight -> running; else
//   queued.
constexpr bool is_ended(JobState state) {
  return state >= JobState::succeeded;
}

std::string_view word(TaskState state);
std::string_view word(JobState state);

}  // namespace framebus::broker
