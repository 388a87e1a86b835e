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
//
// Rule of order: the shell hands over whatever waits for nothing any more, in the order the core
// made it; a message that waits delays no other. So two messages of a session may change places
// when the earlier waits for a later record, and where that would be wrong the core gives the later
// message an `after_lsn` at least as large:
//   Events of one watch, and the error that ends it: never less than that of the one before;
//   Abort of an attempt: never less than that of its own Assign (which waits when at_most_once).
// CloseSession goes after everything that the core made before it.
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
