// The one table of errors: code, wire number, who should do what, exit code, sentence.
//
// Codes are chosen by what the caller should do, not by where the error came from. Wire numbers are
// never reused. Everything else (the enum, CLI exit codes, docs/PROTOCOL.md) derives from this
// table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace framebus {

enum class RetryRule : std::uint8_t {
  never,     // the same request will fail again
  back_off,  // may succeed later; honour retry_after_ms
  fix_credentials,
  change_state,  // something else has to happen first
  ask_again,     // the outcome is unknown: repeat with the same id
  drop_work,     // somebody else owns it now
  task_policy,   // the task's own retry policy decides
  page_a_person,
};

// X(name, wire number, retry rule, exit code, sentence)
#define FRAMEBUS_ERRORS(X)                                                             \
  X(ok, 0, never, 0, "no error")                                                       \
  X(invalid_argument, 1, never, 2, "the request is wrong; fix it")                     \
  X(malformed_message, 2, never, 2, "the message could not be decoded")                \
  X(unsupported_version, 3, never, 2, "the peer speaks another protocol version")      \
  X(resource_exhausted, 4, back_off, 3, "a limit is reached; try again later")         \
  X(unavailable, 5, back_off, 3,                                                       \
    "the other side can not be reached or is not ready; try again later")              \
  X(unauthenticated, 6, fix_credentials, 4, "no valid credentials were given")         \
  X(permission_denied, 7, fix_credentials, 4, "these credentials do not allow this")   \
  X(not_found, 8, change_state, 5, "there is no such thing")                           \
  X(already_exists, 9, change_state, 5, "it exists already")                           \
  X(failed_precondition, 10, change_state, 5, "it is not in a state that allows this") \
  X(deadline_exceeded, 11, ask_again, 6, "no answer in time; the outcome is unknown")  \
  X(stale_epoch, 12, drop_work, 1, "the broker has been restarted since")              \
  X(stale_lease, 13, drop_work, 1, "the attempt's right to its slot has ended")        \
  X(cancelled, 14, task_policy, 1, "it was cancelled")                                 \
  X(task_failed, 15, task_policy, 1, "the task failed")                                \
  X(device_lost, 16, task_policy, 1, "the GPU was lost")                               \
  X(data_loss, 17, page_a_person, 70, "stored data is damaged")                        \
  X(internal, 18, page_a_person, 70, "a bug in framebus")                              \
  X(no_session, 19, drop_work, 1, "the peer must say Hello first")                     \
  X(no_worker, 20, back_off, 3, "no worker can take this")                             \
  X(worker_lost, 21, task_policy, 1, "the worker went away")                           \
  X(shutdown, 22, back_off, 3, "the program is shutting down")

enum class Code : std::uint16_t {
#define FRAMEBUS_X(name, number, retry, exit_code, sentence) name = number,
  FRAMEBUS_ERRORS(FRAMEBUS_X)
#undef FRAMEBUS_X
};

struct ErrorInfo {
  Code code;
  std::string_view name;
  RetryRule retry;
  int exit_code;
  std::string_view sentence;
};

// The table row of a code. An unknown number (a newer peer) gets the row of `internal`.
const ErrorInfo& error_info(Code code);

// One error: what went wrong in a sentence that names what, where, what is allowed and what to do.
struct Error {
  Code code = Code::internal;
  std::string message;
  std::int64_t retry_after_ms = 0;  // 0: no hint

  // Adds what was being done, outermost first: "append record 812: No space left on device".
  Error context(std::string_view what) const& {
    return {code, std::string(what) + ": " + message, retry_after_ms};
  }
  bool operator==(const Error&) const = default;
};

}  // namespace framebus
