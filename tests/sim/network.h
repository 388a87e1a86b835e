// The simulated network: connections of many clients to one server, each an ordered stream both
// ways.
//
// As with TCP, messages of one connection keep their order and are not repeated; what can go wrong
// is a delay, a cut that loses what was under way (each side learns of it in its own time, so
// messages of an old connection arrive after a new one has begun), and a partition that holds
// everything back.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

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
  explicit Network(World& world) : world_(world) {}

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
  // Nothing passes to or from the host until then; held messages arrive afterwards.
  void partition(unsigned host, Duration duration);
  // Connections of a host that a client still has open.
  std::vector<ConnectionId> open_of(unsigned host) const;

 private:
  struct Connection {
    Endpoint* client = nullptr;
    unsigned host = 0;
    bool open[2] = {false, false};
    TimePoint last_arrival[2] = {};
    std::deque<Message> under_way[2];  // to each side, in order
  };

  Endpoint* endpoint(const Connection& connection, Side side) {
    return side == Side::client ? connection.client : server_;
  }
  TimePoint arrival(Connection& connection, Side to);
  void deliver_next(ConnectionId id, Side to);
  void notify_close(ConnectionId id, Side side, Duration after);

  World& world_;
  Endpoint* server_ = nullptr;
  std::map<ConnectionId, Connection> connections_;
  std::map<unsigned, TimePoint> blocked_until_;
  ConnectionId last_ = 0;
};

}  // namespace framebus::sim
