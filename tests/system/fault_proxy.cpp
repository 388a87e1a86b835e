// See fault_proxy.h.
#include "tests/system/fault_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <list>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/check.h"
#include "libmsg/transport/transport.h"

namespace framebus::test {
namespace {

constexpr int poll_ms = 2;
constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t held_bytes_max = 16 * 1024 * 1024;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void close_with_reset(int fd) {
  const linger hard{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(fd);
}

struct Piece {
  TimePoint due{};
  Bytes bytes;
};

// One direction of a connection: what was read and not yet written.
struct Pipe {
  int from = -1;
  int to = -1;
  std::deque<Piece> held;
  std::size_t held_bytes = 0;
  TimePoint next_write{};  // throttle
  bool ended = false;      // the reading side has closed
};

struct Connection {
  std::array<Pipe, 2> pipes;  // to_server, to_client
  bool dead = false;
};

}  // namespace

struct FaultProxy::Loop {
  FaultProxy& proxy;
  std::list<Connection> connections{};
  std::uint64_t cuts_done = 0;
  std::uint64_t chance = 0x9e3779b97f4a7c15ULL;
  std::uint64_t until_flip = 0;

  void accept_one() {
    const int client = ::accept4(proxy.listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(proxy.target_port_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(server);
      return close_with_reset(client);
    }
    ::fcntl(server, F_SETFL, O_NONBLOCK);
    const int on = 1;
    for (const int fd : {client, server})
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection connection;
    connection.pipes[0].from = connection.pipes[1].to = client;
    connection.pipes[0].to = connection.pipes[1].from = server;
    connections.push_back(std::move(connection));
    ++proxy.connections_;
  }

  std::uint64_t random() {
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return chance;
  }

  void maybe_flip(Bytes& bytes) {
    const std::uint64_t every = proxy.flip_every_;
    if (every == 0) {
      until_flip = 0;
      return;
    }
    if (until_flip == 0) until_flip = 1 + random() % (2 * every);
    for (std::uint8_t& byte : bytes) {
      if (--until_flip > 0) continue;
      byte = static_cast<std::uint8_t>(byte ^ (1u << (random() % 8)));
      ++proxy.flipped_;
      until_flip = 1 + random() % (2 * every);
    }
  }

  void read_into(Connection& connection, Pipe& pipe) {
    if (pipe.ended || pipe.held_bytes >= held_bytes_max) return;
    Bytes bytes(read_bytes);
    const ssize_t count = ::recv(pipe.from, bytes.data(), bytes.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) connection.dead = true;
    if (count == 0) pipe.ended = true;
    if (count <= 0) return;
    bytes.resize(static_cast<std::size_t>(count));
    maybe_flip(bytes);
    pipe.held_bytes += bytes.size();
    pipe.held.push_back({now_monotonic() + Duration(proxy.delay_ns_.load()), std::move(bytes)});
  }

  void write_from(Connection& connection, Pipe& pipe, bool silent) {
    const TimePoint now = now_monotonic();
    while (!silent && !pipe.held.empty() && pipe.held.front().due <= now && pipe.next_write <= now) {
      Bytes& bytes = pipe.held.front().bytes;
      const std::int64_t rate = proxy.bytes_per_s_;
      std::size_t most = bytes.size();
      if (rate > 0) most = std::min<std::size_t>(most, std::max<std::int64_t>(rate / 100, 1));
      const ssize_t count = ::send(pipe.to, bytes.data(), most, MSG_NOSIGNAL);
      if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) connection.dead = true;
        return;
      }
      proxy.forwarded_ += static_cast<std::uint64_t>(count);
      pipe.held_bytes -= static_cast<std::size_t>(count);
      if (rate > 0) pipe.next_write = now + nanoseconds(count * 1'000'000'000 / rate);
      bytes.erase(bytes.begin(), bytes.begin() + count);
      if (bytes.empty()) pipe.held.pop_front();
    }
    if (pipe.ended && pipe.held.empty()) ::shutdown(pipe.to, SHUT_WR);
  }

  void drop_dead() {
    const bool cut = cuts_done != proxy.cuts_wanted_;
    cuts_done = proxy.cuts_wanted_;
    connections.remove_if([&](Connection& each) {
      const bool over = each.pipes[0].ended && each.pipes[1].ended && each.pipes[0].held.empty() &&
                        each.pipes[1].held.empty();
      if (!cut && !each.dead && !over) return false;
      close_with_reset(each.pipes[0].from);
      close_with_reset(each.pipes[1].from);
      return true;
    });
  }

  void run() {
    while (!proxy.stopping_) {
      std::vector<pollfd> waited{{proxy.listener_, POLLIN, 0}};
      for (const Connection& each : connections)
        for (const Pipe& pipe : each.pipes)
          if (!pipe.ended) waited.push_back({pipe.from, POLLIN, 0});
      ::poll(waited.data(), waited.size(), poll_ms);
      if (waited[0].revents != 0) accept_one();
      for (Connection& each : connections) {
        for (std::size_t side = 0; side < 2; ++side) {
          read_into(each, each.pipes[side]);
          write_from(each, each.pipes[side], proxy.silent_[side]);
        }
      }
      drop_dead();
    }
    ++proxy.cuts_wanted_;
    drop_dead();
  }
};

FaultProxy::FaultProxy(const std::string& target) {
  const std::size_t colon = target.rfind(':');
  FRAMEBUS_CHECK(target.rfind("tcp://127.0.0.1:", 0) == 0, "a proxy's target is on loopback");
  target_port_ = static_cast<std::uint16_t>(std::stoi(target.substr(colon + 1)));
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  FRAMEBUS_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::listen(listener_, 1024) == 0 &&
                     ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0,
                 "a proxy can listen");
  url_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  thread_ = std::thread([this] { Loop{*this}.run(); });
}

FaultProxy::~FaultProxy() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

}  // namespace framebus::test
