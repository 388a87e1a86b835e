// Messages from the core to the sockets: encoded, in order for each session, bounded.
//
// A peer whose socket is full gets an outbox; one whose outbox is full is dropped (slow_consumer)
// and told so as soon as it reads again. What could not be handed over comes back as events for the
// core: SendFailed, then PeerLost. No message disappears: see DeliveryCounters.
// Thread rule: the broker loop's thread.
#pragma once

#include <array>
#include <map>
#include <set>
#include <vector>

#include "broker/core/event.h"
#include "broker/shell/session_table.h"

namespace framebus::broker {

// made = handed_over + refused + outstanding + dropped_with_session, always.
struct DeliveryCounters {
  std::uint64_t made = 0;                  // messages that were to be sent
  std::uint64_t handed_over = 0;           // taken by the socket
  std::uint64_t refused = 0;               // the socket knows that the peer is gone
  std::uint64_t outstanding = 0;           // in an outbox now
  std::uint64_t dropped_with_session = 0;  // waited in its outbox, or came when it had ended
  std::uint64_t slow_consumers = 0;        // sessions ended because they do not read
  std::uint64_t too_large = 0;             // an Error went out in place of each
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
  // Ends a session that can not go on; its peer is told with no_session when it listens, so that it
  // connects anew.
  void drop(SessionId session, const std::string& reason);
  // Its session was ended, and it is being told so; nothing new begins on this connection.
  bool has_farewell(const PeerKey& peer) const { return farewells_.contains(peer); }
  // The connection is gone, and nobody is there to be told why its session ended.
  void forget_farewell(const PeerKey& peer);
  // Tries the outboxes again.
  void flush();
  // Tries again to tell dropped peers why; once a second is enough.
  void say_farewells();
  bool has_unsent() const { return !unsent_.empty(); }
  // Events for the core since the last call.
  std::vector<Event> take_events();
  const DeliveryCounters& counters() const { return counters_; }
  // Counts the outboxes and CHECKs the equation above; O(sessions with an outbox).
  void check_conservation() const;

 private:
  struct Farewell {
    WireFrames frames;
    unsigned tries = 0;
  };
  void drop_slow_consumer(PeerSession& session);
  bool try_farewell(const PeerKey& peer, const Farewell& farewell);
  WireFrames encode_bounded(const Message& message, bool checksum, std::size_t& bytes);
  // False when the session has been ended.
  bool flush_session(PeerSession& session);

  SessionTable& sessions_;
  Routers routers_;
  std::size_t outbox_bytes_max_;
  std::set<SessionId> unsent_;   // sessions with an outbox
  std::set<SessionId> closing_;  // of those, to be closed when it is empty
  std::map<PeerKey, Farewell> farewells_;
  std::vector<Event> events_;
  DeliveryCounters counters_;
};

}  // namespace framebus::broker
