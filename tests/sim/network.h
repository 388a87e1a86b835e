// The simulated network: connections of many clients to one server, each an ordered stream both
// ways.
//
// As with TCP, messages of one connection keep their order and are not repeated; what goes wrong is
// a delay, a cut that loses what was under way (each side learns of it in its own time, so messages
// of an old connection arrive after a new one has begun), and a partition of one or both directions
// that holds everything back. A hostile network, as a broken proxy might make it, also loses,
// repeats and reorders messages within a living connection.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "libmsg/schema/messages.h"
#include "tests/sim/world.h"

namespace framebus::sim {

using ConnectionId = std::uint64_t;

class Endpoint {
 public:
  virtual ~Endpoint() = default;
  virtual void on_open(ConnectionId) = 0;
  virtual void on_message(ConnectionId, const Message&) = 0;
  virtual void on_close(ConnectionId) = 0;
};

enum class Side : std::uint8_t { client = 0, server = 1 };
inline Side other(Side side) {
  return side == Side::client ? Side::server : Side::client;
}

class Network {
 public:
  explicit Network(World& world) : world_(world), random_(world.stream(2)) {}

  // Messages travel as fast as they can, or take their random time.
  void set_delays(bool on) { delays_ = on; }
  void set_hostile(bool on) { hostile_ = on; }
  // nullptr: nobody listens; connections that are made or open are refused or cut.
  void set_server(Endpoint* server);
  // Answered by on_open at both sides, or by on_close. `host` names the client for partitions.
  ConnectionId connect(Endpoint& client, unsigned host);
  // False: this side knows already that the connection is gone.
  bool send(ConnectionId id, Side from, const Message& message);
  // One side closes; the other learns it after everything that was sent before.
  void close(ConnectionId id, Side by);
  // The connection breaks; what is under way is lost or not, each side learns of it within
  // `notice`.
  void cut(ConnectionId id, Duration notice);
  // All connections of a client's host break; the client itself is dead and hears nothing.
  void kill_client(unsigned host);
  // Nothing passes between the host and `to` until then; held messages arrive afterwards.
  void partition(unsigned host, Side to, Duration duration);
  // When the last partition of the host ended or will end.
  TimePoint clear_from(unsigned host) const;
  // Connections of a host that a client still has open.
  std::vector<ConnectionId> open_of(unsigned host) const;

 private:
  struct Connection {
    Endpoint* client = nullptr;
    unsigned host = 0;
    bool open[2] = {false, false};
    TimePoint last_arrival[2] = {};
    std::deque<std::shared_ptr<const Message>> under_way[2];  // to each side, in order
  };
  struct Blocked {
    TimePoint until[2] = {};  // what goes to each side
  };

  Endpoint* endpoint(const Connection& connection, Side side) {
    return side == Side::client ? connection.client : server_;
  }
  Connection& at(ConnectionId id) { return connections_[id - 1]; }
  TimePoint blocked_until(unsigned host, Side to) const;
  TimePoint arrival(Connection& connection, Side to);
  void post(ConnectionId id, Side to, std::shared_ptr<const Message> message);
  void mistreat(ConnectionId id, Side to, const std::shared_ptr<const Message>& message);
  void deliver_next(ConnectionId id, Side to);
  void notify_close(ConnectionId id, Side side, Duration after);

  World& world_;
  Random random_;
  bool delays_ = true;
  bool hostile_ = false;
  Endpoint* server_ = nullptr;
  std::deque<Connection> connections_;  // by id, from 1
  std::map<unsigned, Blocked> blocked_;
};

}  // namespace framebus::sim
