#include "tests/sim/network.h"

#include <algorithm>

namespace framebus::sim {
namespace {

constexpr Duration delay_min = std::chrono::microseconds(100);
constexpr Duration delay_usual = milliseconds(3);
constexpr Duration delay_rare = milliseconds(800);
constexpr unsigned mistreated_permille = 15;  // of each kind, in a hostile network

}  // namespace

void Network::set_server(Endpoint* server) {
  server_ = server;
  if (server != nullptr) return;
  for (ConnectionId id = 1; id <= connections_.size(); ++id) {
    Connection& connection = at(id);
    connection.open[1] = false;
    if (connection.open[0])
      notify_close(id, Side::client, random_.between(delay_min, milliseconds(60)));
  }
}

TimePoint Network::blocked_until(unsigned host, Side to) const {
  const auto blocked = blocked_.find(host);
  return blocked == blocked_.end() ? TimePoint{} : blocked->second.until[static_cast<int>(to)];
}

TimePoint Network::clear_from(unsigned host) const {
  return std::max(blocked_until(host, Side::client), blocked_until(host, Side::server));
}

// Kept in order with everything that travels the same way.
TimePoint Network::arrival(Connection& connection, Side to) {
  Duration delay = delay_min;
  if (delays_) delay = random_.between(delay_min, random_.happens(20) ? delay_rare : delay_usual);
  TimePoint when = std::max(world_.now() + delay, connection.last_arrival[static_cast<int>(to)]);
  when = std::max(when, blocked_until(connection.host, to));
  connection.last_arrival[static_cast<int>(to)] = when;
  return when;
}

ConnectionId Network::connect(Endpoint& client, unsigned host) {
  const ConnectionId id = connections_.size() + 1;
  Connection& connection = connections_.emplace_back();
  connection.client = &client;
  connection.host = host;
  connection.open[0] = true;
  // A handshake needs both directions.
  const TimePoint made_at =
      std::max(arrival(connection, Side::server), blocked_until(host, Side::client));
  world_.at(made_at, [this, id] {
    Connection& made = at(id);
    if (!made.open[0]) return;
    if (server_ == nullptr) return notify_close(id, Side::client, delay_min);
    made.open[1] = true;
    server_->on_open(id);
    if (made.open[0]) made.client->on_open(id);
  });
  return id;
}

bool Network::send(ConnectionId id, Side from, const Message& message) {
  if (!at(id).open[static_cast<int>(from)]) return false;
  auto shared = std::make_shared<const Message>(message);
  if (hostile_) {
    mistreat(id, other(from), shared);
  } else {
    post(id, other(from), std::move(shared));
  }
  return true;
}

void Network::post(ConnectionId id, Side to, std::shared_ptr<const Message> message) {
  Connection& connection = at(id);
  connection.under_way[static_cast<int>(to)].push_back(std::move(message));
  world_.at(arrival(connection, to), [this, id, to] { deliver_next(id, to); });
}

void Network::mistreat(ConnectionId id, Side to, const std::shared_ptr<const Message>& message) {
  if (random_.happens(mistreated_permille)) return;  // lost
  if (random_.happens(mistreated_permille)) {        // comes late, after others
    world_.after(random_.between(milliseconds(1), seconds(5)),
                 [this, id, to, message] { post(id, to, message); });
  } else {
    post(id, to, message);
  }
  if (random_.happens(mistreated_permille))  // and once more
    world_.after(random_.between(Duration{0}, seconds(20)),
                 [this, id, to, message] { post(id, to, message); });
}

// One call for each message: whichever call comes first takes the oldest, so the order always
// holds.
void Network::deliver_next(ConnectionId id, Side to) {
  Connection& connection = at(id);
  auto& queue = connection.under_way[static_cast<int>(to)];
  if (!connection.open[static_cast<int>(to)] || queue.empty()) return;
  if (const TimePoint blocked = blocked_until(connection.host, to); blocked > world_.now()) {
    world_.at(blocked, [this, id, to] { deliver_next(id, to); });
    return;
  }
  const std::shared_ptr<const Message> message = std::move(queue.front());
  queue.pop_front();
  if (Endpoint* const receiver = endpoint(connection, to)) receiver->on_message(id, *message);
}

void Network::close(ConnectionId id, Side by) {
  Connection& connection = at(id);
  connection.open[static_cast<int>(by)] = false;
  const Side to = other(by);
  if (connection.open[static_cast<int>(to)])
    notify_close(id, to, arrival(connection, to) - world_.now());
}

void Network::cut(ConnectionId id, Duration notice) {
  for (const Side side : {Side::client, Side::server})
    if (at(id).open[static_cast<int>(side)])
      notify_close(id, side, random_.between(delay_min, notice));
}

void Network::notify_close(ConnectionId id, Side side, Duration after) {
  world_.after(after, [this, id, side] {
    Connection& connection = at(id);
    if (!connection.open[static_cast<int>(side)]) return;
    if (const TimePoint blocked = blocked_until(connection.host, Side::server);
        side == Side::server && blocked > world_.now())
      return notify_close(id, side, blocked - world_.now());
    connection.open[static_cast<int>(side)] = false;
    connection.under_way[static_cast<int>(side)].clear();
    if (Endpoint* const hears = endpoint(connection, side)) hears->on_close(id);
    // A stream with one end does not exist: the other side finds out, too.
    if (connection.open[static_cast<int>(other(side))])
      notify_close(id, other(side), random_.between(delay_min, milliseconds(15)));
  });
}

void Network::kill_client(unsigned host) {
  for (ConnectionId id = 1; id <= connections_.size(); ++id) {
    Connection& connection = at(id);
    if (connection.host != host || !connection.open[0]) continue;
    connection.open[0] = false;
    if (connection.open[1])
      notify_close(id, Side::server,
                   arrival(connection, Side::server) - world_.now() + milliseconds(5));
  }
}

void Network::partition(unsigned host, Side to, Duration duration) {
  TimePoint& until = blocked_[host].until[static_cast<int>(to)];
  until = std::max(until, world_.now() + duration);
}

std::vector<ConnectionId> Network::open_of(unsigned host) const {
  std::vector<ConnectionId> open;
  for (ConnectionId id = 1; id <= connections_.size(); ++id)
    if (connections_[id - 1].host == host && connections_[id - 1].open[0]) open.push_back(id);
  return open;
}

}  // namespace framebus::sim
