// Which connection is which session. Routing stays here: the core knows session numbers only.
// Thread rule: the broker loop's thread.
#pragma once

#include <deque>
#include <map>

#include "broker/shell/admission.h"
#include "libmsg/transport/transport.h"

namespace framebus::broker {

struct PeerKey {
  Side side = Side::primary;
  PeerId peer;
  auto operator<=>(const PeerKey&) const = default;
};

// A message that the socket would not take yet.
struct UnsentMessage {
  WireFrames frames;
  Message message;  // for SendFailed
  std::size_t bytes = 0;
};

struct PeerSession {
  SessionId id;
  PeerKey peer;
  bool checksum = true;  // as its Welcome said
  std::deque<UnsentMessage> outbox;
  std::size_t outbox_bytes = 0;
};

class SessionTable {
 public:
  // A new session with a number never used before by this process.
  PeerSession& add(const PeerKey& peer);
  PeerSession* find(const PeerKey& peer);
  PeerSession* find(SessionId id);
  void remove(SessionId id);
  std::size_t size() const { return sessions_.size(); }
  std::map<SessionId, PeerSession>& all() { return sessions_; }

 private:
  std::uint64_t next_id_ = 1;
  std::map<SessionId, PeerSession> sessions_;
  std::map<PeerKey, SessionId> by_peer_;
};

}  // namespace framebus::broker
