// The words of states, kinds and errors: those of docs/PROTOCOL.md, in tables and in --json alike.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "client/output/style.h"
#include "libmsg/schema/messages.h"

namespace framebus::client {

inline constexpr std::array<TaskState, 12> all_task_states = {
    TaskState::held,       TaskState::queued,     TaskState::leased,    TaskState::running,
    TaskState::retry_wait, TaskState::cancelling, TaskState::succeeded, TaskState::failed,
    TaskState::cancelled,  TaskState::abandoned,  TaskState::expired,   TaskState::dead};

// A number a newer broker may send and this client does not know is "unknown".
std::string_view word_of(TaskState state);
std::string_view word_of(JobState state);
std::string_view word_of(WorkerState state);
std::string_view word_of(AttemptEnd end);
std::string_view word_of(JobAction action);
std::string_view word_of(EventKind kind);
std::string_view word_of(WorkerAction action);

Style style_of(TaskState state);
Style style_of(JobState state);
Style style_of(WorkerState state);

bool is_terminal(TaskState state);
bool is_terminal(JobState state);
// Ended by an error, a crash or its deadline; not by a person or a dependency.
bool is_failure(TaskState state);

// The name in the error table of a wire number ("not_found"); "internal" for an unknown one.
std::string error_name(const WireError& error);

std::uint32_t count_of(const std::vector<StateCount>& counts, TaskState state);

}  // namespace framebus::client
