// A task as the core remembers it: 16 bytes until its first grant, then a TaskDetail as well.
//
// Plain data of State (state.h). Only apply() changes what is not marked volatile; volatile members
// are lost in a restart and set anew by begin(). Times are the broker's and survive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/record.h"
#include "broker/core/tables.h"
#include "libmsg/base/ids.h"
#include "libmsg/base/time.h"

namespace framebus::broker {

struct Task {
  TaskState state = TaskState::held;
  bool paused = false;          // by a person, this task alone
  std::uint32_t detail = 0;     // 1 + index into Job::details; 0: never touched
  std::uint64_t ended_lsn = 0;  // of the record that ended it; 0 while not terminal
};

// One grant of a task, open or in its history.
struct Attempt {
  std::uint64_t epoch = 0;
  std::uint64_t grant = 0;
  std::uint32_t identity = 0;  // index into State::identities
  AttemptState state = AttemptState::granted;
  AttemptEnd end = AttemptEnd::still_open;
  Blame blame = Blame::none;
  bool started = false;
  bool has_log = false;  // volatile: somebody may follow its log
  TimePoint granted_at{};
  std::int64_t run_ms = 0;
  std::unique_ptr<WireError> error;  // when it ended badly

  bool is_leased() const { return state <= AttemptState::stopping; }
  bool is_live() const { return state <= AttemptState::closed_live; }
  bool is(const Token& token) const { return epoch == token.epoch && grant == token.grant; }
};

struct LastError {
  WireError error;
  std::string log_tail;
};

// What only troubled tasks have. The dead letter keeps the last three errors.
struct Trouble {
  std::vector<std::uint32_t> crashed_identities;  // distinct
  std::vector<LastError> errors;                  // the last 3, oldest first
};

struct Outcomes {
  Bytes result;
  std::vector<BlobRef> blobs;
};

struct TaskDetail {
  std::vector<Attempt> attempts;  // oldest first, at most attempts_kept_per_task_max
  std::unique_ptr<Trouble> trouble;
  std::unique_ptr<Outcomes> outcome;  // succeeded with a result
  std::uint32_t tries = 0;            // attempts ended by an error of the task or a timeout
  std::uint32_t crashes = 0;
  std::uint32_t losses = 0;  // infrastructure
  std::uint32_t grants = 0;  // in all, for people
  std::uint32_t retry_delay_ms = 0;
  CancelReason cancel = CancelReason::none;
  TimePoint retry_at{};       // state retry_wait
  TimePoint may_run_until{};  // volatile; at_most_once: a lost worker may still run it
};

inline constexpr std::size_t last_errors_kept = 3;
inline constexpr std::size_t log_tail_bytes_kept = 16 * 1024;
// Of an attempt that succeeded: for a glance, where nobody has to find an error.
inline constexpr std::size_t log_tail_bytes_kept_of_success = 1024;

}  // namespace framebus::broker
