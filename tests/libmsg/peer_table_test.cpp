// Which peer is who and which is lost, with invented time and without sockets.
#include "libmsg/transport/peer_table.h"

#include <doctest/doctest.h>

#include <set>

using namespace framebus;

namespace {

const std::string made_a("\0aaaa", 5);
const std::string made_b("\0bbbb", 5);

struct Farm {
  std::set<std::string> reachable;
  PeerTable table;
  TimePoint now{};

  void probe() {
    table.probe_due(now, [this](const std::string& id) { return reachable.contains(id); });
  }
  std::vector<PeerId> closed(bool is_drained = true) {
    return table.take_gone(now, is_drained, 100);
  }
};

}  // namespace

TEST_CASE(
    "peers: a routing id keeps its peer, another one is another peer, forgetting makes a new one") {
  Farm farm;
  const PeerId a = farm.table.peer_of(made_a, 7, farm.now);
  CHECK(farm.table.peer_of(made_a, 7, farm.now) == a);
  CHECK(farm.table.peer_of(made_b, 8, farm.now) != a);
  CHECK(*farm.table.routing_id_of(a) == made_a);
  farm.table.forget(a);
  CHECK(farm.table.routing_id_of(a) == nullptr);
  CHECK(farm.table.peer_of(made_a, 7, farm.now) > a);
}

TEST_CASE("peers: a disconnected descriptor and an unreachable peer make one closed") {
  Farm farm;
  const PeerId a = farm.table.peer_of(made_a, 7, farm.now);
  farm.table.on_connection_ended(7, farm.now);
  CHECK(farm.table.wants_probe(farm.now));
  farm.probe();
  CHECK(farm.table.routing_id_of(a) == nullptr);
  CHECK(farm.closed() == std::vector{a});
  CHECK(farm.closed().empty());
  CHECK(farm.table.size() == 0);
  CHECK(farm.table.until_due(farm.now) < Duration::zero());
}

TEST_CASE("peers: closed waits until the socket has been read empty, but not for ever") {
  Farm farm;
  const PeerId a = farm.table.peer_of(made_a, 7, farm.now);
  farm.table.on_connection_ended(7, farm.now);
  farm.probe();
  CHECK(farm.closed(false).empty());
  CHECK(farm.table.peer_of(made_a, 7, farm.now) == a);  // its last message still has its name
  farm.now += milliseconds(300);
  CHECK(farm.closed(false) == std::vector{a});
}

TEST_CASE("peers: a descriptor used again does not take the new peer with it") {
  Farm farm;
  const PeerId old_peer = farm.table.peer_of(made_a, 7, farm.now);
  const PeerId new_peer = farm.table.peer_of(made_b, 7, farm.now);
  farm.reachable = {made_b};
  farm.table.on_connection_ended(7, farm.now);
  for (int i = 0; i < 30; ++i) {
    farm.probe();
    farm.now += milliseconds(100);
  }
  CHECK(farm.closed() == std::vector{old_peer});
  CHECK(farm.table.routing_id_of(new_peer) != nullptr);
  CHECK_FALSE(farm.table.wants_probe(farm.now));  // the suspicion has ended
}

TEST_CASE("peers: a probe that comes too early is repeated") {
  Farm farm;
  const PeerId a = farm.table.peer_of(made_a, 7, farm.now);
  farm.reachable = {made_a};
  farm.table.on_connection_ended(7, farm.now);
  farm.probe();
  CHECK(farm.table.until_due(farm.now) == milliseconds(5));
  farm.reachable.clear();
  farm.now += milliseconds(5);
  farm.probe();
  CHECK(farm.closed() == std::vector{a});
}

TEST_CASE("peers: an end that is told before the first message is read is not missed") {
  Farm farm;
  farm.table.on_connection_ended(7, farm.now);
  farm.now += seconds(2);
  const PeerId a = farm.table.peer_of(made_a, 7, farm.now);
  farm.probe();
  CHECK(farm.closed() == std::vector{a});
}

TEST_CASE("peers: a routing id chosen by the peer is another peer on another connection") {
  Farm farm;
  const PeerId first = farm.table.peer_of("worker-1", 7, farm.now);
  const PeerId second = farm.table.peer_of("worker-1", 9, farm.now);
  CHECK(first != second);
  CHECK(farm.closed() == std::vector{first});
  CHECK(farm.table.peer_of("worker-1", 9, farm.now) == second);
}

TEST_CASE("peers: without a descriptor a peer is probed again and again") {
  Farm farm;
  farm.reachable = {made_a};
  const PeerId a = farm.table.peer_of(made_a, -1, farm.now);
  for (int i = 0; i < 5; ++i) {
    farm.probe();
    CHECK(farm.closed().empty());
    CHECK(farm.table.until_due(farm.now) == milliseconds(100));
    farm.now += milliseconds(100);
  }
  farm.reachable.clear();
  farm.probe();
  CHECK(farm.closed() == std::vector{a});
}
