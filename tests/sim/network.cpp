#include "tests/sim/network.h"

#include <algorithm>

namespace framebus::sim {
namespace {

constexpr Duration delay_min = std::chrono::microseconds(100);
constexpr Duration delay_usual = milliseconds(3);
constexpr Duration delay_rare = milliseconds(800);

}  // namespace

void Network::set_server(Endpoint* server) {
  server_ = server;
  if (server != nullptr) return;
  for (auto& [id, connection] : connections_) {
    connection.open[1] = false;
    if (connection.open[0])
      notify_close(id, Side::client, world_.random.between(delay_min, milliseconds(60)));
  }
}

// Kept in order with everything that travels the same way.
TimePoint Network::arrival(Connection& connection, Side to) {
  const Duration delay =
      world_.random.between(delay_min, world_.random.happens(20) ? delay_rare : delay_usual);
  TimePoint at = std::max(world_.now() + delay, connection.last_arrival[static_cast<int>(to)]);
  if (const auto blocked = blocked_until_.find(connection.host); blocked != blocked_until_.end())
    at = std::max(at, blocked->second);
  connection.last_arrival[static_cast<int>(to)] = at;
  return at;
}

ConnectionId Network::connect(Endpoint& client, unsigned host) {
  const ConnectionId id = ++last_;
  Connection& connection = connections_[id];
  connection.client = &client;
  connection.host = host;
  connection.open[0] = true;
  world_.at(arrival(connection, Side::server), [this, id] {
    Connection& made = connections_[id];
    if (!made.open[0]) return;
    if (server_ == nullptr) return notify_close(id, Side::client, delay_min);
    made.open[1] = true;
    server_->on_open(id);
    if (made.open[0]) made.client->on_open(id);
  });
  return id;
}

bool Network::send(ConnectionId id, Side from, const Message& message) {
  Connection& connection = connections_[id];
  if (!connection.open[static_cast<int>(from)]) return false;
  const Side to = other(from);
  connection.under_way[static_cast<int>(to)].push_back(message);
  world_.at(arrival(connection, to), [this, id, to] { deliver_next(id, to); });
  return true;
}

// One call for each message: whichever call comes first takes the oldest, so the order always
// holds.
void Network::deliver_next(ConnectionId id, Side to) {
  Connection& connection = connections_[id];
  if (!connection.open[static_cast<int>(to)]) return;
  if (const auto blocked = blocked_until_.find(connection.host);
      blocked != blocked_until_.end() && blocked->second > world_.now()) {
    world_.at(blocked->second, [this, id, to] { deliver_next(id, to); });
    return;
  }
  const Message message = std::move(connection.under_way[static_cast<int>(to)].front());
  connection.under_way[static_cast<int>(to)].pop_front();
  if (Endpoint* const receiver = endpoint(connection, to)) receiver->on_message(id, message);
}

void Network::close(ConnectionId id, Side by) {
  Connection& connection = connections_[id];
  connection.open[static_cast<int>(by)] = false;
  const Side to = other(by);
  if (connection.open[static_cast<int>(to)])
    notify_close(id, to, arrival(connection, to) - world_.now());
}

void Network::cut(ConnectionId id, Duration notice) {
  for (const Side side : {Side::client, Side::server})
    if (connections_[id].open[static_cast<int>(side)])
      notify_close(id, side, world_.random.between(delay_min, notice));
}

void Network::notify_close(ConnectionId id, Side side, Duration after) {
  world_.after(after, [this, id, side] {
    Connection& connection = connections_[id];
    if (!connection.open[static_cast<int>(side)]) return;
    if (const auto blocked = blocked_until_.find(connection.host);
        side == Side::server && blocked != blocked_until_.end() && blocked->second > world_.now())
      return notify_close(id, side, blocked->second - world_.now());
    connection.open[static_cast<int>(side)] = false;
    if (Endpoint* const hears = endpoint(connection, side)) hears->on_close(id);
    // A stream with one end does not exist: the other side finds out, too.
    if (connection.open[static_cast<int>(other(side))])
      notify_close(id, other(side), world_.random.between(delay_min, milliseconds(15)));
  });
}

void Network::kill_client(unsigned host) {
  for (auto& [id, connection] : connections_) {
    if (connection.host != host || !connection.open[0]) continue;
    connection.open[0] = false;
    if (connection.open[1])
      notify_close(id, Side::server,
                   arrival(connection, Side::server) - world_.now() + milliseconds(5));
  }
}

void Network::partition(unsigned host, Duration duration) {
  blocked_until_[host] = std::max(blocked_until_[host], world_.now() + duration);
}

std::vector<ConnectionId> Network::open_of(unsigned host) const {
  std::vector<ConnectionId> open;
  for (const auto& [id, connection] : connections_)
    if (connection.host == host && connection.open[0]) open.push_back(id);
  return open;
}

}  // namespace framebus::sim
