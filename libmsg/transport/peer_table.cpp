#include "libmsg/transport/peer_table.h"

#include <algorithm>

namespace framebus {
namespace {

constexpr Duration probe_first_delay = milliseconds(5);
constexpr int probes_max = 8;  // 5 ms doubling: a suspicion lasts 1.3 s
constexpr Duration last_messages_wait = milliseconds(250);
constexpr Duration recent_ends_kept = seconds(10);  // longer than any message waits in the socket
constexpr Duration unwatched_probe_interval = milliseconds(100);

// Ids made by libzmq are five bytes, the first of them zero, and never used again.
bool is_made_by_libzmq(const std::string& routing_id) {
  return routing_id.size() == 5 && routing_id[0] == '\0';
}

}  // namespace

PeerId PeerTable::peer_of(const std::string& routing_id, int fd, TimePoint now) {
  if (const auto found = by_routing_id_.find(routing_id); found != by_routing_id_.end()) {
    const PeerId known = found->second;
    // An id that the peer chose itself may come back on a new connection, which is a new peer.
    if (is_made_by_libzmq(routing_id) || peers_.at(known.value).fd == fd) return known;
    mark_gone(known, now);
    by_routing_id_.erase(found);
  }
  const PeerId id{next_peer_++};
  peers_.emplace(id.value, Peer{routing_id, fd, false, false});
  by_routing_id_.emplace(routing_id, id);
  if (fd < 0) {
    ++unwatched_;
    return id;
  }
  by_fd_.emplace(fd, id);
  // The end of its connection may have been told before its first message was read.
  const auto ended = recent_ends_.find(fd);
  if (ended != recent_ends_.end() && now - ended->second < recent_ends_kept) suspect(id, now);
  return id;
}

const std::string* PeerTable::routing_id_of(PeerId id) const {
  const auto found = peers_.find(id.value);
  return found == peers_.end() || found->second.is_gone ? nullptr : &found->second.routing_id;
}

int PeerTable::fd_of(PeerId id) const {
  const auto found = peers_.find(id.value);
  return found == peers_.end() ? -1 : found->second.fd;
}

void PeerTable::forget(PeerId id) {
  const auto found = peers_.find(id.value);
  if (found == peers_.end()) return;
  const Peer& peer = found->second;
  const auto named = by_routing_id_.find(peer.routing_id);
  if (named != by_routing_id_.end() && named->second == id) by_routing_id_.erase(named);
  if (peer.fd < 0) --unwatched_;
  const auto [begin, end] = by_fd_.equal_range(peer.fd);
  const auto watched =
      std::find_if(begin, end, [&](const auto& each) { return each.second == id; });
  if (watched != end) by_fd_.erase(watched);
  peers_.erase(found);
}

void PeerTable::on_connection_ended(int fd, TimePoint now) {
  recent_ends_[fd] = now;
  const auto [begin, end] = by_fd_.equal_range(fd);
  for (auto it = begin; it != end; ++it) suspect(it->second, now);
}

void PeerTable::suspect(PeerId id, TimePoint now) {
  const auto found = peers_.find(id.value);
  if (found == peers_.end() || found->second.is_suspect || found->second.is_gone) return;
  found->second.is_suspect = true;
  suspects_.push_back({id, now, 0});
}

void PeerTable::mark_gone(PeerId id, TimePoint now) {
  const auto found = peers_.find(id.value);
  if (found == peers_.end() || found->second.is_gone) return;
  found->second.is_gone = true;
  gone_.push_back({id, now});
}

bool PeerTable::wants_probe(TimePoint now) const {
  return !suspects_.empty() || (unwatched_ > 0 && now >= next_unwatched_probe_);
}

void PeerTable::probe_due(TimePoint now,
                          const std::function<bool(const std::string&)>& is_reachable) {
  if (unwatched_ > 0 && now >= next_unwatched_probe_) {
    next_unwatched_probe_ = now + unwatched_probe_interval;
    for (const auto& [id, peer] : peers_) {
      if (peer.fd < 0) suspect(PeerId{id}, now);
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < suspects_.size(); ++i) {
    Suspect s = suspects_[i];
    const auto found = peers_.find(s.peer.value);
    if (found == peers_.end() || found->second.is_gone) continue;
    Peer& peer = found->second;
    if (now >= s.next_probe) {
      if (!is_reachable(peer.routing_id)) {
        mark_gone(s.peer, now);
        continue;
      }
      s.next_probe = now + probe_first_delay * (1 << s.probes);
      ++s.probes;
      // A peer that stays reachable has merely taken over the descriptor of another.
      if (s.probes >= probes_max || peer.fd < 0) {
        peer.is_suspect = false;
        continue;
      }
    }
    suspects_[kept++] = s;
  }
  suspects_.resize(kept);
}

std::vector<PeerId> PeerTable::take_gone(TimePoint now, bool is_drained, std::size_t max) {
  std::vector<PeerId> told;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < gone_.size(); ++i) {
    const Gone g = gone_[i];
    if (!peers_.contains(g.peer.value)) continue;  // forgotten meanwhile
    // Under a load that never lets the socket become empty, fair queueing has brought the last
    // messages within the wait.
    const bool may_be_told = is_drained || now - g.since > last_messages_wait;
    if (!may_be_told || told.size() == max) {
      gone_[kept++] = g;
      continue;
    }
    forget(g.peer);
    told.push_back(g.peer);
  }
  gone_.resize(kept);
  return told;
}

Duration PeerTable::until_due(TimePoint now) const {
  if (!gone_.empty()) return Duration::zero();
  TimePoint due = TimePoint::max();
  for (const Suspect& s : suspects_) due = std::min(due, s.next_probe);
  if (unwatched_ > 0) due = std::min(due, next_unwatched_probe_);
  if (due == TimePoint::max()) return Duration(-1);
  return std::max(Duration::zero(), due - now);
}

}  // namespace framebus
