// The peers of a ROUTER: which PeerId a routing id has, and which peers are lost.
//
// A peer becomes a suspect when its descriptor was disconnected; descriptors are used again, so a
// probe decides. A peer found gone is told once, after its last messages have been read. Knows no
// socket: the probe is a function that is handed in. Thread rule: one thread each.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "libmsg/base/time.h"
#include "libmsg/transport/transport.h"

namespace framebus {

class PeerTable {
 public:
  // The peer behind a message, made if it is new. `fd`: of its connection; -1 where none is known
  // (inproc), then it is probed every 100 ms. O(1).
  PeerId peer_of(const std::string& routing_id, int fd, TimePoint now);
  // nullptr: never seen, forgotten, or gone.
  const std::string* routing_id_of(PeerId id) const;
  // -1: not known, or no such peer.
  int fd_of(PeerId id) const;
  void forget(PeerId id);

  // The monitor says that the connection with this descriptor ended.
  void on_connection_ended(int fd, TimePoint now);
  // A send found the peer gone.
  void mark_gone(PeerId id, TimePoint now);

  // Whether probe_due() has anything to ask now.
  bool wants_probe(TimePoint now) const;
  // Asks `is_reachable` for each suspect whose time has come. Gone ones are owed a `closed`.
  void probe_due(TimePoint now, const std::function<bool(const std::string&)>& is_reachable);

  bool has_gone() const { return !gone_.empty(); }
  // Takes out at most `max` peers that may be told closed now. `is_drained`: the socket has been
  // read until it was empty after they were found gone, so nothing of theirs is left.
  std::vector<PeerId> take_gone(TimePoint now, bool is_drained, std::size_t max);

  // Time until probe_due() or take_gone() has something to do; negative: never.
  Duration until_due(TimePoint now) const;
  std::size_t size() const { return peers_.size(); }

 private:
  struct Peer {
    std::string routing_id;
    int fd = -1;
    bool is_suspect = false;
    bool is_gone = false;  // confirmed; `closed` is owed
  };
  struct Suspect {
    PeerId peer;
    TimePoint next_probe;
    int probes = 0;
  };
  struct Gone {
    PeerId peer;
    TimePoint since;
  };

  void suspect(PeerId id, TimePoint now);

  std::uint64_t next_peer_ = 1;
  std::unordered_map<std::uint64_t, Peer> peers_;
  std::unordered_map<std::string, PeerId> by_routing_id_;
  std::unordered_multimap<int, PeerId> by_fd_;
  std::unordered_map<int, TimePoint> recent_ends_;  // descriptors of connections that ended lately
  std::vector<Suspect> suspects_;
  std::vector<Gone> gone_;
  std::size_t unwatched_ = 0;  // peers without a descriptor
  TimePoint next_unwatched_probe_{};
};

}  // namespace framebus
