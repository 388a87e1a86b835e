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

struct Session {
  SessionId id;
  PeerKey peer;
  bool checksum = true;  // as its Welcome said
  std::deque<UnsentMessage> outbox;
  std::size_t outbox_bytes = 0;
};

class SessionTable {
 public:
  // A new session with a number never used before by this process.
  Session& add(const PeerKey& peer);
  Session* find(const PeerKey& peer);
  Session* find(SessionId id);
  void remove(SessionId id);
  std::size_t size() const { return sessions_.size(); }
  std::map<SessionId, Session>& all() { return sessions_; }

 private:
  std::uint64_t next_id_ = 1;
  std::map<SessionId, Session> sessions_;
  std::map<PeerKey, SessionId> by_peer_;
};

}  // namespace framebus::broker
