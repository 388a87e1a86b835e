// See session_table.h.
#include "broker/shell/session_table.h"

namespace framebus::broker {

PeerSession& SessionTable::add(const PeerKey& peer) {
  const SessionId id{next_id_++};
  by_peer_[peer] = id;
  PeerSession& session = sessions_[id];
  session.id = id;
  session.peer = peer;
  return session;
}

PeerSession* SessionTable::find(const PeerKey& peer) {
  const auto found = by_peer_.find(peer);
  return found == by_peer_.end() ? nullptr : find(found->second);
}

PeerSession* SessionTable::find(SessionId id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : &found->second;
}

void SessionTable::remove(SessionId id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  by_peer_.erase(found->second.peer);
  sessions_.erase(found);
}

}  // namespace framebus::broker
