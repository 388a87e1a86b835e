// What the broker core wants done. The shell carries actions out in order; see core.h for the
// rules.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "broker/core/record.h"
#include "libmsg/base/ids.h"
#include "libmsg/schema/messages.h"

namespace framebus::broker {

// Append this record. `lsn` is its number: dense, counted by the core, the same that the store
// returns.
struct Persist {
  std::uint64_t lsn = 0;
  Record record;
  bool operator==(const Persist&) const = default;
};

// Hand this message to the peer, but not before every record up to `after_lsn` is durable (0: at
// once).
struct Send {
  SessionId session;
  Message message;
  std::uint64_t after_lsn = 0;
  bool operator==(const Send&) const = default;
};

// Close the connection after what was sent to it before.
struct CloseSession {
  SessionId session;
  std::string reason;
  bool operator==(const CloseSession&) const = default;
};

// A log line. Levels: 0 debug, 1 info, 2 warning, 3 error.
struct Note {
  int level = 1;
  std::string text;
  bool operator==(const Note&) const = default;
};

using Action = std::variant<Persist, Send, CloseSession, Note>;
using Actions = std::vector<Action>;

std::string to_string(const Action& action);

}  // namespace framebus::broker
