// Messages from the core to the sockets: encoded, in order for each session, bounded.
//
// A peer whose socket is full gets an outbox; one whose outbox is full is dropped (slow_consumer).
// What could not be handed over comes back as events for the core: SendFailed, then PeerLost.
// Thread rule: the broker loop's thread.
#pragma once

#include <array>
#include <set>
#include <vector>

#include "broker/core/event.h"
#include "broker/shell/session_table.h"

namespace framebus::broker {

struct DeliveryCounters {
  std::uint64_t sent = 0;
  std::uint64_t send_failed = 0;
  std::uint64_t slow_consumers = 0;
  std::uint64_t too_large = 0;
};

class Delivery {
 public:
  using Routers = std::array<RouterSocket*, 2>;  // by Side

  Delivery(SessionTable& sessions, Routers routers, std::size_t outbox_bytes_max);

  // To a session; silently nothing if it is gone (the core has been told).
  void send(SessionId session, const Message& message);
  // To a connection without a session: at once or not at all.
  void reply(const PeerKey& peer, const Message& message);
  // Forgets the session after what was sent to it before.
  void close(SessionId session, const std::string& reason);
  // Ends a session whose connection is gone; what waited for it becomes SendFailed.
  void lost(SessionId session, const std::string& reason);
  // Tries the outboxes again.
  void flush();
  bool has_unsent() const { return !unsent_.empty(); }
  // Events for the core since the last call.
  std::vector<Event> take_events();
  const DeliveryCounters& counters() const { return counters_; }

 private:
  WireFrames encode_bounded(const Message& message, bool checksum, std::size_t& bytes);
  // False when the session has been ended.
  bool flush_session(PeerSession& session);

  SessionTable& sessions_;
  Routers routers_;
  std::size_t outbox_bytes_max_;
  std::set<SessionId> unsent_;   // sessions with an outbox
  std::set<SessionId> closing_;  // of those, to be closed when it is empty
  std::vector<Event> events_;
  DeliveryCounters counters_;
};

}  // namespace framebus::broker
