// What can happen to the broker core. The shell (or the simulator) makes these; see core.h.
#pragma once

#include <string>
#include <variant>
#include <vector>

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

using Event = std::variant<PeerHello, PeerLost, SendFailed, Received, StorePressure, Tick>;

std::string to_string(const Event& event);

}  // namespace framebus::broker
