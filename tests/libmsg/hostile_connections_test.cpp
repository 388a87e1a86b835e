// Plain TCP connections that speak just enough ZMTP to keep a ROUTER busy.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "libmsg/base/limits.h"
#include "libmsg/transport/transport.h"

using namespace framebus;

namespace {

// A connection after the handshake of ZMTP 3.0 with mechanism NULL.
class PlainConnection {
 public:
  explicit PlainConnection(const std::string& url) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const int port = std::atoi(url.substr(url.rfind(':') + 1).c_str());
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{10, 0};  // a test that fails should not hang
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    std::string greeting(64, '\0');
    greeting[0] = '\xff';
    greeting[9] = '\x7f';
    greeting[10] = 3;
    greeting.replace(12, 4, "NULL");
    const std::string ready(
        "\x05READY\x0bSocket-Type\0\0\0\x06"
        "DEALER\x08Identity\0\0\0\0",
        41);
    CHECK(send(greeting + '\x04' + static_cast<char>(ready.size()) + ready));
    read_greeting_and_ready();
  }
  ~PlainConnection() { ::close(fd_); }
  PlainConnection(const PlainConnection&) = delete;
  PlainConnection& operator=(const PlainConnection&) = delete;

  bool send(const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t sent = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      done += static_cast<std::size_t>(sent);
    }
    return true;
  }

 private:
  // What is sent before the other side is ready counts as part of the handshake, and breaks it.
  void read_greeting_and_ready() {
    std::string got;
    while (got.size() < 66 || got.size() < 66u + static_cast<unsigned char>(got[65])) {
      char buffer[256];
      const ssize_t size = ::recv(fd_, buffer, sizeof buffer, 0);
      REQUIRE(size > 0);
      got.append(buffer, static_cast<std::size_t>(size));
    }
  }

  int fd_ = -1;
};

TEST_CASE("hostile: a message of endless parts ends its connection, and no other") {
  const auto context = make_context();
  const auto router = make_router(context);
  const auto url = router->bind("tcp://127.0.0.1:0");
  REQUIRE(url);
  const auto honest = make_dealer(context);
  REQUIRE(honest->connect(*url));

  std::atomic<bool> is_over{false};
  std::atomic<std::size_t> sent_mib{0};
  std::thread stranger([&] {
    PlainConnection connection(*url);
    const std::string head("\x03\0\0\0\0\0\x10\0\0", 9);  // more follow; a frame of 1 MiB
    const std::string frame = head + std::string(limits::MiB, 'x');
    while (sent_mib < 16'384 && connection.send(frame)) ++sent_mib;
    is_over = true;
  });
  const WireFrames hello = encode(Hello{}, true);
  std::size_t honest_count = 0;
  const TimePoint deadline = now_monotonic() + seconds(20);
  while (!is_over && now_monotonic() < deadline) {
    (void)honest->send(hello);
    wait({router.get()}, {}, nullptr, milliseconds(20));
    std::vector<Incoming> incoming;
    router->receive(incoming, 100);
    for (const Incoming& each : incoming) honest_count += each.kind == Incoming::Kind::message;
  }
  CHECK(is_over);
  stranger.join();
  CHECK(sent_mib < 16'384);
  CHECK(honest_count > 0);
  CHECK(honest->send(hello));
}

TEST_CASE("hostile: a peer that never reads is owed a bounded number of bytes") {
  const auto context = make_context();
  const auto router = make_router(context);
  const auto url = router->bind("tcp://127.0.0.1:0");
  REQUIRE(url);
  PlainConnection connection(*url);
  REQUIRE(connection.send(std::string("\0\1x", 3)));
  std::vector<Incoming> incoming;
  const TimePoint deadline = now_monotonic() + seconds(5);
  while (incoming.empty() && now_monotonic() < deadline) {
    wait({router.get()}, {}, nullptr, milliseconds(50));
    router->receive(incoming, 10);
  }
  REQUIRE(incoming.size() == 1);
  const WireFrames large = encode(Hello{}, true, {Bytes(limits::MiB, 1)});
  int sent_mib = 0;
  int refused = 0;
  while (refused < 20 && sent_mib < 200) {
    const Status sent = router->send(incoming[0].peer, large);
    if (sent) ++sent_mib;
    if (!sent) CHECK(sent.error().code == Code::resource_exhausted);
    if (!sent) ++refused;
    wait({router.get()}, {}, nullptr, milliseconds(5));
  }
  CHECK(sent_mib < 64);  // what the kernels take comes on top of the bound
}

TEST_CASE("hostile: a flood of messages that are thrown away is left after as many as of any") {
  const auto context = make_context();
  const auto router = make_router(context);
  const auto url = router->bind("tcp://127.0.0.1:0");
  REQUIRE(url);
  PlainConnection peer(*url);
  // An empty frame is a probe. One behind them that counts tells when all have been read.
  constexpr std::size_t probes = 50;
  const std::string flood = std::string(probes * 2, '\0') + std::string("\0\x01x", 3);
  const auto calls_with = [&](std::size_t max, std::size_t bytes_max) {
    CHECK(peer.send(flood));
    std::size_t calls = 0;
    std::vector<Incoming> got;
    const TimePoint until = now_monotonic() + seconds(10);
    while (got.empty() && now_monotonic() < until) {
      wait({router.get()}, {}, nullptr, seconds(1));
      router->receive(got, max, bytes_max);
      ++calls;
    }
    CHECK(got.size() == 1);
    return calls;
  };
  CHECK(calls_with(10, SIZE_MAX) > probes / 10);
  CHECK(calls_with(1000, 20) > probes * 2 / 20);
}

TEST_CASE("hostile: the descriptor of a peer is known from its first message, also after a poll") {
  const auto context = make_context();
  const auto router = make_router(context);
  const auto url = router->bind("tcp://127.0.0.1:0");
  REQUIRE(url);
  const auto dealer = make_dealer(context);
  REQUIRE(dealer->connect(*url));
  REQUIRE(dealer->send(encode(Hello{}, true)));
  std::vector<Incoming> incoming;
  const TimePoint deadline = now_monotonic() + seconds(5);
  while (incoming.empty() && now_monotonic() < deadline) {
    wait({router.get()}, {}, nullptr, milliseconds(50));
    router->receive(incoming, 10);
  }
  REQUIRE(incoming.size() == 1);
  // A peer without a descriptor would be probed within 100 ms, and wait() would end for it.
  const TimePoint before = now_monotonic();
  wait({router.get()}, {}, nullptr, milliseconds(180));
  CHECK(now_monotonic() - before >= milliseconds(170));
}

}  // namespace
