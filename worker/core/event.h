// What can happen to the worker core. The shell (or the simulator) makes these; see core.h.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/schema/messages.h"

namespace framebus::worker {

// The connection of that number (from a Connect action) can carry messages now.
struct Connected {
  std::uint64_t connection = 0;
  bool operator==(const Connected&) const = default;
};

// It is gone, or could not be made.
struct Closed {
  std::uint64_t connection = 0;
  std::string reason;
  bool operator==(const Closed&) const = default;
};

struct Received {
  std::uint64_t connection = 0;
  Message message;
  bool operator==(const Received&) const = default;
};

// The executor of this attempt has begun on its slot.
struct ExecutorStarted {
  AttemptId attempt;
  bool operator==(const ExecutorStarted&) const = default;
};

// The executor of this attempt could not be begun and nothing of it ran: no process, no memory. The
// answer to a StartAttempt in place of ExecutorStarted and ExecutorFinished.
struct ExecutorUnavailable {
  AttemptId attempt;
  std::string reason;
  bool operator==(const ExecutorUnavailable&) const = default;
};

// What a started attempt has written. `skipped_bytes` came before `bytes` and were given up.
struct ExecutorLog {
  AttemptId attempt;
  std::uint64_t skipped_bytes = 0;
  Bytes bytes;
  bool operator==(const ExecutorLog&) const = default;
};

struct ExecutorProgress {
  AttemptId attempt;
  std::uint32_t permille = 0;
  std::string status;
  bool operator==(const ExecutorProgress&) const = default;
};

// The executor has returned and its slot is free. Every StartAttempt is answered by exactly one of
// these (or of ExecutorUnavailable), cancelled, killed or not. `result` is at most
// limits::inline_result_bytes_max (more is a blob already).
struct ExecutorFinished {
  AttemptId attempt;
  Outcome outcome = Outcome::none;
  Bytes result;
  std::vector<BlobRef> blobs;
  WireError error;  // outcomes error and crashed
  bool permanent = false;
  std::string log_tail;
  bool operator==(const ExecutorFinished&) const = default;
};

// The command of that StartCommand is done, or not. `payload` is at most
// limits::command_reply_bytes_max.
struct CommandFinished {
  std::uint64_t number = 0;
  WireError error;
  Bytes payload;
  bool operator==(const CommandFinished&) const = default;
};

// A new measurement of the host; `latency_us` is filled in by the core.
struct LoadSampled {
  LoadReport load;
  bool operator==(const LoadSampled&) const = default;
};

// Take no more work, finish what runs, hand the results over, say Goodbye, exit.
struct DrainRequested {
  bool operator==(const DrainRequested&) const = default;
};

// Say Goodbye and exit now; what runs is cancelled and granted to others by the broker.
struct StopRequested {
  bool operator==(const StopRequested&) const = default;
};

// Time has passed; sent at next_wakeup() or later.
struct Tick {
  bool operator==(const Tick&) const = default;
};

using Event = std::variant<Connected, Closed, Received, ExecutorStarted, ExecutorUnavailable,
                           ExecutorLog, ExecutorProgress, ExecutorFinished, CommandFinished,
                           LoadSampled, DrainRequested, StopRequested, Tick>;

std::string to_string(const Event& event);

}  // namespace framebus::worker
