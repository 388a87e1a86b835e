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

// ---- what has to do with the disk beside the records; none of it delays a Send --------------------

// Append to an attempt's log; its token was checked. `offset` may lie before or behind what is there
// (a repeat, or a part the worker had to give up).
struct StoreLog {
  TaskRef task;
  std::uint64_t epoch = 0;
  std::uint64_t grant = 0;
  std::uint64_t offset = 0;
  Bytes bytes;
  bool operator==(const StoreLog&) const = default;
};

// An attempt with a log is over: whoever follows it may be told.
struct LogEnded {
  TaskRef task;
  std::uint64_t epoch = 0;
  std::uint64_t grant = 0;
  bool operator==(const LogEnded&) const = default;
};

// Answer this LogRead with a LogData. `open`: the attempt is not over, so a follower may wait.
struct ReadLog {
  SessionId session;
  LogRead read;  // task, epoch and grant are those of an attempt; grant 0: there is none yet
  bool open = false;
  bool operator==(const ReadLog&) const = default;
};

// The job is gone for good (no archive has it): so may be its logs.
struct DropLogs {
  JobId job;
  bool operator==(const DropLogs&) const = default;
};

// Upsert this piece of a finished job; answered by Archived. At most one piece is out at a time.
// The records it was made of must be durable before the archive commits: `after_lsn`.
struct Archive {
  JobImage piece;
  std::uint64_t after_lsn = 0;
  bool operator==(const Archive&) const = default;
};

// Fetch an archived job; answered by ArchiveLoaded.
struct LoadArchived {
  JobId job;
  bool operator==(const LoadArchived&) const = default;
};

// Answer this Query (kind archive) from the archive.
struct ListArchived {
  SessionId session;
  Query query;
  bool operator==(const ListArchived&) const = default;
};

// No job in memory names these blobs; the shell drops those that no archived job names either.
struct DropBlobs {
  std::vector<BlobHash> blobs;
  bool operator==(const DropBlobs&) const = default;
};

using Action = std::variant<Persist, Send, CloseSession, Note, StoreLog, LogEnded, ReadLog, DropLogs,
                            Archive, LoadArchived, ListArchived, DropBlobs>;
using Actions = std::vector<Action>;

std::string to_string(const Action& action);

}  // namespace framebus::broker
