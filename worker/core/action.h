// What the worker core wants done. The shell carries actions out in order; see core.h for the
// rules.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "libmsg/schema/messages.h"

namespace framebus::worker {

// Open a new connection. Answered by Connected or Closed of the same number. At most one is open.
struct Connect {
  std::uint64_t connection = 0;
  std::string url;
  bool operator==(const Connect&) const = default;
};

// Close that connection, after what was sent on it before. No event of it is wanted any more.
struct Disconnect {
  std::uint64_t connection = 0;
  std::string reason;
  bool operator==(const Disconnect&) const = default;
};

struct Send {
  std::uint64_t connection = 0;
  Message message;
  bool operator==(const Send&) const = default;
};

// The broker has accepted this worker; blobs travel by `bulk_endpoint` from now on.
struct Joined {
  SessionId session;
  std::uint64_t epoch = 0;
  std::string bulk_endpoint;
  bool operator==(const Joined&) const = default;
};

// Run this on a free slot; there is one. Answered by ExecutorStarted, then ExecutorFinished.
struct StartAttempt {
  AttemptSpec attempt;
  StepInfo step;
  bool operator==(const StartAttempt&) const = default;
};

// Ask a started attempt to end soon. It still answers ExecutorFinished.
struct CancelAttempt {
  AttemptId attempt;
  std::string reason;
  bool operator==(const CancelAttempt&) const = default;
};

// End a started attempt now, with every process that it began. It still answers ExecutorFinished.
struct KillAttempt {
  AttemptId attempt;
  std::string reason;
  bool operator==(const KillAttempt&) const = default;
};

// Carry out a command beside the loop; answered by CommandFinished of that number. `load_id` not 0:
// a preparation, whose payload stays valid for later tasks.
struct StartCommand {
  std::uint64_t number = 0;
  std::string verb;
  Bytes payload;
  std::uint64_t load_id = 0;
  bool operator==(const StartCommand&) const = default;
};

// Nobody waits for that command any more. It still answers CommandFinished.
struct CancelCommand {
  std::uint64_t number = 0;
  bool operator==(const CancelCommand&) const = default;
};

// The worker's life is over; nothing follows. `restart`: the program begins anew.
struct Exit {
  int code = 0;
  std::string reason;
  bool restart = false;
  bool operator==(const Exit&) const = default;
};

// A log line. Levels: 0 debug, 1 info, 2 warning, 3 error.
struct Note {
  int level = 1;
  std::string text;
  bool operator==(const Note&) const = default;
};

using Action = std::variant<Connect, Disconnect, Send, Joined, StartAttempt, CancelAttempt,
                            KillAttempt, StartCommand, CancelCommand, Exit, Note>;
using Actions = std::vector<Action>;

std::string to_string(const Action& action);

}  // namespace framebus::worker
