// What can happen to the broker core. The shell (or the simulator) makes these; see core.h.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "broker/core/image.h"
#include "libmsg/base/ids.h"
#include "libmsg/base/time.h"
#include "libmsg/schema/messages.h"

namespace framebus::broker {

// A peer has said Hello. `session` is fresh, chosen by the shell, never reused while this process
// lives. The core answers Welcome or Refused + CloseSession.
struct PeerHello {
  SessionId session;
  Hello hello;
  std::string address;  // of the peer, for people
  bool operator==(const PeerHello&) const = default;
};

// The connection behind a session is gone (closed, killed, dropped by the shell).
struct PeerLost {
  SessionId session;
  std::string reason;
  bool operator==(const PeerLost&) const = default;
};

// A message the core asked for could not be handed to the peer's queue.
struct SendFailed {
  SessionId session;
  Message message;
  bool operator==(const SendFailed&) const = default;
};

// A decoded message of a session. `missing`: for a Submit, its inputs that are not in the blob
// store (the shell looks, the core has no disk).
struct Received {
  SessionId session;
  Message message;
  std::vector<BlobRef> missing;
  bool operator==(const Received&) const = default;
};

// The store is short of space (`full` true: refuse submits) or has recovered.
struct StorePressure {
  bool full = false;
  std::string detail;
  bool operator==(const StorePressure&) const = default;
};

// Time has passed; sent at next_wakeup() or later. `stalled`: how long the shell's loop was late,
// beyond what is normal; leases are extended by it.
struct Tick {
  Duration stalled{0};
  bool operator==(const Tick&) const = default;
};

// Everything up to this record is durable.
struct Synced {
  std::uint64_t lsn = 0;
  bool operator==(const Synced&) const = default;
};

// The archive has committed this piece of a job (see Archive), or could not.
struct Archived {
  JobId job;
  std::uint32_t first_task = 0;  // of the piece
  std::string error;             // empty: committed and synced
  bool operator==(const Archived&) const = default;
};

// Answer to LoadArchived: all pieces in order; none: the archive does not have the job, or `error`.
struct ArchiveLoaded {
  JobId job;
  std::vector<JobImage> pieces;
  std::string error;
  bool operator==(const ArchiveLoaded&) const = default;
};

// Old blobs of the store: which of them does no job in memory name? Answered by DropBlobs in the
// same step.
struct BlobsOffered {
  std::vector<BlobHash> blobs;
  bool operator==(const BlobsOffered&) const = default;
};

// The broker is about to end: whatever waits for an answer gets Code::shutdown.
struct Stopping {
  bool operator==(const Stopping&) const = default;
};

using Event = std::variant<PeerHello, PeerLost, SendFailed, Received, StorePressure, Tick, Synced,
                           Archived, ArchiveLoaded, BlobsOffered, Stopping>;

std::string to_string(const Event& event);

}  // namespace framebus::broker
