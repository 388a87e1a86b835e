// Sockets for real: bound ports, lost peers, full queues, bad endpoints. Every wait has a deadline.
#include "libmsg/transport/transport.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>

using namespace framebus;

namespace {

WireFrames hello() {
  return encode(Hello{}, true);
}

bool until(Duration limit, const std::function<bool()>& is_done, RouterSocket* router,
           std::vector<DealerSocket*> dealers = {}) {
  const TimePoint deadline = now_monotonic() + limit;
  while (!is_done()) {
    const Duration left = deadline - now_monotonic();
    if (left <= Duration::zero()) return false;
    wait(router != nullptr ? std::vector<RouterSocket*>{router} : std::vector<RouterSocket*>{},
         dealers, nullptr, std::min<Duration>(left, milliseconds(20)));
  }
  return true;
}

// Everything a router has told so far.
struct Inbox {
  explicit Inbox(RouterSocket& r) : router(r) {}
  void read() {
    std::vector<Incoming> batch;
    router.receive(batch, 10'000);
    for (Incoming& incoming : batch) {
      if (incoming.kind == Incoming::Kind::closed) {
        CHECK_MESSAGE(closed.insert(incoming.peer).second, "a peer was told closed twice");
      } else {
        CHECK_MESSAGE(!closed.contains(incoming.peer), "a message after closed");
        peers.insert(incoming.peer);
        messages.push_back(std::move(incoming));
      }
    }
  }
  RouterSocket& router;
  std::vector<Incoming> messages;
  std::set<PeerId> peers;
  std::set<PeerId> closed;
};

std::string temporary_socket(const char* name) {
  return "ipc://" + (std::filesystem::temp_directory_path() /
                     (std::string("fb_") + name + std::to_string(::getpid())))
                        .string();
}

std::uint16_t port_of(const std::string& url) {
  return static_cast<std::uint16_t>(std::atoi(url.substr(url.rfind(':') + 1).c_str()));
}

pid_t start_peer(const std::string& url, int connection_count) {
  const std::string count = std::to_string(connection_count);
  const char* arguments[] = {FRAMEBUS_TRANSPORT_PEER, url.c_str(), count.c_str(), nullptr};
  pid_t pid = -1;
  REQUIRE(::posix_spawn(&pid, arguments[0], nullptr, nullptr, const_cast<char**>(arguments),
                        environ) == 0);
  return pid;
}

// 200 peers in 4 processes; all are killed at once.
void check_killed_peers(const std::string& bind_url) {
  const auto context = make_context();
  const auto router = make_router(context);
  const auto url = router->bind(bind_url);
  REQUIRE(url);
  std::vector<pid_t> processes;
  for (int i = 0; i < 4; ++i) processes.push_back(start_peer(*url, 50));
  Inbox inbox(*router);
  const bool all_came = until(
      seconds(20),
      [&] {
        inbox.read();
        return inbox.peers.size() == 200;
      },
      router.get());
  CHECK(inbox.peers.size() == 200);
  CHECK(inbox.closed.empty());
  for (const pid_t pid : processes) ::kill(pid, SIGKILL);
  const TimePoint killed = now_monotonic();
  if (all_came)
    CHECK(until(
        seconds(1),
        [&] {
          inbox.read();
          return inbox.closed.size() == 200;
        },
        router.get()));
  MESSAGE("200 killed peers told after " << to_ms(now_monotonic() - killed) << " ms");
  CHECK(inbox.closed == inbox.peers);
  for (const pid_t pid : processes) ::waitpid(pid, nullptr, 0);
}

}  // namespace

TEST_CASE("transport: 200 peers killed over tcp are all told within a second") {
  check_killed_peers("tcp://127.0.0.1:0");
}

TEST_CASE("transport: 200 peers killed over ipc are all told within a second") {
  check_killed_peers(temporary_socket("kill"));
}

TEST_CASE(
    "transport: port 0 gives the bound port, and a dealer that connects there is heard and "
    "answered") {
  const auto context = make_context();
  const auto router = make_router(context);
  const auto url = router->bind("tcp://127.0.0.1:0");
  REQUIRE(url);
  CHECK(port_of(*url) > 0);
  const auto dealer = make_dealer(context);
  REQUIRE(dealer->connect(*url));
  REQUIRE(dealer->send(hello()));
  Inbox inbox(*router);
  REQUIRE(until(seconds(5),
                [&] {
                  inbox.read();
                  return !inbox.messages.empty();
                },
                router.get(), {dealer.get()}));
  CHECK(inbox.messages[0].parts == hello().parts);
  REQUIRE(router->send(inbox.messages[0].peer, encode(Welcome{}, true)));
  std::vector<Incoming> answers;
  REQUIRE(until(seconds(5),
                [&] {
                  dealer->receive(answers, 10);
                  return !answers.empty();
                },
                nullptr, {dealer.get()}));
  CHECK(answers[0].parts == encode(Welcome{}, true).parts);
}

TEST_CASE("transport: a dealer's last messages come before closed") {
  const auto context = make_context();
  const auto router = make_router(context);
  const auto url = router->bind("tcp://127.0.0.1:0");
  REQUIRE(url);
  Inbox inbox(*router);
  {
    const auto dealer = make_dealer(context);
    REQUIRE(dealer->connect(*url));
    REQUIRE(dealer->send(hello()));
    REQUIRE(until(seconds(5),
                  [&] {
                    inbox.read();
                    return inbox.messages.size() == 1;
                  },
                  router.get(), {dealer.get()}));
    std::vector<Incoming> nothing;
    dealer->receive(nothing, 1);
    for (int i = 0; i < 100; ++i) REQUIRE(dealer->send(encode(Goodbye{std::to_string(i)}, true)));
    dealer->close(seconds(5));
  }
  REQUIRE(until(
      seconds(5),
      [&] {
        inbox.read();
        return !inbox.closed.empty();
      },
      router.get()));
  CHECK(inbox.messages.size() == 101);
  CHECK(inbox.peers.size() == 1);
}

TEST_CASE("transport: a dealer is told closed when its router goes, and when nobody listens") {
  const auto context = make_context();
  auto router = make_router(context);
  const auto url = router->bind("tcp://127.0.0.1:0");
  REQUIRE(url);
  const auto dealer = make_dealer(context);
  REQUIRE(dealer->connect(*url));
  REQUIRE(dealer->send(hello()));
  Inbox inbox(*router);
  REQUIRE(until(seconds(5),
                [&] {
                  inbox.read();
                  return !inbox.messages.empty();
                },
                router.get(), {dealer.get()}));
  router.reset();
  std::vector<Incoming> told;
  REQUIRE(until(seconds(5),
                [&] {
                  dealer->receive(told, 10);
                  return !told.empty();
                },
                nullptr, {dealer.get()}));
  CHECK(told[0].kind == Incoming::Kind::closed);
  const auto late = make_dealer(context);
  REQUIRE(late->connect(*url));
  told.clear();
  REQUIRE(until(seconds(5),
                [&] {
                  late->receive(told, 10);
                  return !told.empty();
                },
                nullptr, {late.get()}));
  CHECK(told[0].kind == Incoming::Kind::closed);
  CHECK(told[0].reason.find("nothing listens") != std::string::npos);
  CHECK(late->send(hello()).error().code == Code::unavailable);
}

TEST_CASE("transport: a host name that does not resolve is told closed") {
  const auto context = make_context();
  const auto dealer = make_dealer(context);
  REQUIRE(dealer->connect("tcp://no-such-host.invalid:7751"));
  std::vector<Incoming> told;
  REQUIRE(until(seconds(10),
                [&] {
                  dealer->receive(told, 10);
                  return !told.empty();
                },
                nullptr, {dealer.get()}));
  CHECK(told[0].kind == Incoming::Kind::closed);
}

TEST_CASE("transport: an inproc peer is heard, and told closed by the probe") {
  const auto context = make_context();
  const auto router = make_router(context);
  REQUIRE(router->bind("inproc://transport-test"));
  auto dealer = make_dealer(context);
  REQUIRE(dealer->connect("inproc://transport-test"));
  REQUIRE(dealer->send(hello()));
  Inbox inbox(*router);
  REQUIRE(until(
      seconds(5),
      [&] {
        inbox.read();
        return !inbox.messages.empty();
      },
      router.get()));
  // Probes reach a living peer as empty messages; it must never see one.
  std::vector<Incoming> seen;
  const TimePoint begin = now_monotonic();
  until(
      seconds(1),
      [&] {
        inbox.read();
        dealer->receive(seen, 10);
        return now_monotonic() - begin > milliseconds(350);
      },
      router.get());
  CHECK(seen.empty());
  CHECK(inbox.closed.empty());
  dealer.reset();
  REQUIRE(until(
      seconds(2),
      [&] {
        inbox.read();
        return !inbox.closed.empty();
      },
      router.get()));
}

TEST_CASE("transport: a full queue gives resource_exhausted, an unknown peer unavailable") {
  const auto context = make_context();
  const auto router = make_router(context);
  const auto url = router->bind("tcp://127.0.0.1:0");
  REQUIRE(url);
  const auto dealer = make_dealer(context);
  REQUIRE(dealer->connect(*url));
  REQUIRE(dealer->send(hello()));
  Inbox inbox(*router);
  REQUIRE(until(seconds(5),
                [&] {
                  inbox.read();
                  return !inbox.messages.empty();
                },
                router.get(), {dealer.get()}));
  const PeerId peer = inbox.messages[0].peer;
  WireFrames large = hello();
  large.parts.push_back(Bytes(1 << 20));
  Status status;
  int sent = 0;
  while (sent < 2000 && (status = router->send(peer, large))) ++sent;
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Code::resource_exhausted);
  CHECK(status.error().retry_after_ms > 0);
  // Once the dealer reads there is room again, and nothing was lost.
  std::vector<Incoming> got;
  REQUIRE(until(seconds(20),
                [&] {
                  got.clear();
                  dealer->receive(got, 50);
                  return bool(router->send(peer, hello()));
                },
                router.get(), {dealer.get()}));
  CHECK(router->send(PeerId{999}, hello()).error().code == Code::unavailable);
  router->forget(peer);
  CHECK(router->send(peer, hello()).error().code == Code::unavailable);
}

TEST_CASE("transport: too many frames reach the codec, too many bytes are dropped and counted") {
  const auto context = make_context();
  const auto router = make_router(context);
  const auto url = router->bind(temporary_socket("big"));
  REQUIRE(url);
  const auto dealer = make_dealer(context);
  REQUIRE(dealer->connect(*url));
  WireFrames many;
  many.parts.assign(500, Bytes{1, 2, 3});
  REQUIRE(dealer->send(many));
  WireFrames big;
  big.parts.assign(3, Bytes(limits::wire_message_bytes_max / 2));
  REQUIRE(dealer->send(big));
  WireFrames one;
  one.parts.assign(1, Bytes{0xc1});
  REQUIRE(dealer->send(one));
  Inbox inbox(*router);
  REQUIRE(until(seconds(10),
                [&] {
                  inbox.read();
                  return inbox.messages.size() == 2;
                },
                router.get(), {dealer.get()}));
  CHECK(router->dropped_messages() == 1);
  for (const Incoming& message : inbox.messages) {
    const std::vector<BytesView> views(message.parts.begin(), message.parts.end());
    const auto decoded = decode(views, false);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == Code::malformed_message);
  }
}

TEST_CASE("transport: bytes that are no ZMTP disturb nobody") {
  const auto context = make_context();
  const auto router = make_router(context);
  const auto url = router->bind("tcp://127.0.0.1:0");
  REQUIRE(url);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_of(*url));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const std::string garbage(4096, '\x93');
  CHECK(::send(fd, garbage.data(), garbage.size(), MSG_NOSIGNAL) > 0);
  const auto dealer = make_dealer(context);
  REQUIRE(dealer->connect(*url));
  REQUIRE(dealer->send(hello()));
  Inbox inbox(*router);
  CHECK(until(seconds(5),
              [&] {
                inbox.read();
                return !inbox.messages.empty();
              },
              router.get(), {dealer.get()}));
  CHECK(inbox.messages[0].parts == hello().parts);
  ::close(fd);
}

TEST_CASE("transport: endpoints that can not work are refused with advice") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "tcp://"},
      {"localhost:7751", "must begin with tcp://"},
      {"http://localhost:7751", "must begin with tcp://"},
      {"tcp://localhost", "the port is missing"},
      {"tcp://:7751", "the host is missing"},
      {"tcp://host:port", "not a number"},
      {"tcp://host:70000", "0 to 65535"},
      {"tcp://host:-1", "0 to 65535"},
      {"tcp://a b:1", "neither a name nor an address"},
      {"tcp://::1:7751", "brackets"},
      {"tcp://[::1]", "the port is missing"},
      {"ipc://", "the path is missing"},
      {"inproc://", "the name is missing"},
  };
  for (const auto& [url, advice] : cases) {
    CAPTURE(url);
    const Status status = check_url(url);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == Code::invalid_argument);
    CHECK_MESSAGE(status.error().message.find(advice) != std::string::npos, status.error().message);
  }
  CHECK_FALSE(check_url("ipc:///" + std::string(200, 'x')));
  for (const char* url : {"tcp://127.0.0.1:7751", "tcp://*:0", "tcp://node-7.farm:*",
                          "tcp://[fe80::1%eth0]:1", "ipc:///run/x", "inproc://x"}) {
    CAPTURE(url);
    CHECK(check_url(url));
  }
  const auto context = make_context();
  CHECK(make_dealer(context)->connect("tcp://127.0.0.1:0").error().code == Code::invalid_argument);
  CHECK(make_router(context)->bind("tcp://203.0.113.7:1").error().code == Code::invalid_argument);
  CHECK(make_router(context)->bind("nonsense").error().code == Code::invalid_argument);
}

TEST_CASE("transport: one call reads messages until they have so many bytes together") {
  const auto context = make_context();
  const auto router = make_router(context);
  const auto url = router->bind("tcp://127.0.0.1:0");
  REQUIRE(url);
  const auto dealer = make_dealer(context);
  REQUIRE(dealer->connect(*url));
  for (std::uint8_t i = 0; i < 5; ++i) REQUIRE(dealer->send(WireFrames{{Bytes(600, i)}}));
  std::vector<Incoming> all;
  CHECK(until(
      seconds(5),
      [&] {
        std::vector<Incoming> batch;
        router->receive(batch, 100, all.empty() ? 1 : 601);
        CHECK(batch.size() <= (all.empty() ? 1u : 2u));
        for (Incoming& each : batch) all.push_back(std::move(each));
        return all.size() == 5;
      },
      router.get()));
  for (std::uint8_t i = 0; i < all.size(); ++i)
    CHECK(all[i].parts == std::vector<Bytes>{Bytes(600, i)});
}

TEST_CASE("transport: an endpoint in use is refused, a socket file in use is not taken over") {
  const auto context = make_context();
  const auto first = make_router(context);
  const auto url = first->bind("tcp://127.0.0.1:0");
  REQUIRE(url);
  CHECK(make_router(context)->bind(*url).error().code == Code::already_exists);
  const auto file = first->bind(temporary_socket("taken"));
  REQUIRE(file);
  CHECK(make_router(context)->bind(*file).error().code == Code::already_exists);
}

TEST_CASE("transport: a wakeup ends a wait from another thread, and stays readable until drained") {
  Wakeup wakeup;
  std::thread other([&] { wakeup.notify(); });
  const TimePoint begin = now_monotonic();
  wait({}, {}, &wakeup, seconds(20));
  wait({}, {}, &wakeup, seconds(20));
  CHECK(now_monotonic() - begin < seconds(10));
  other.join();
  wakeup.drain();
  const TimePoint drained = now_monotonic();
  wait({}, {}, &wakeup, milliseconds(30));
  CHECK(now_monotonic() - drained >= milliseconds(25));
}

TEST_CASE("transport: the limit of open descriptors is raised to the hard one") {
  const auto limit = raise_descriptor_limit();
  REQUIRE(limit);
  CHECK(*limit >= 256);
}
