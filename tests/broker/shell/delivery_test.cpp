// Outboxes, slow consumers and lost peers, over a socket that does what the test says.
#include "broker/shell/delivery.h"

#include <doctest/doctest.h>

#include <map>

#include "libmsg/codec/codec.h"

namespace framebus::broker {
namespace {

class FakeRouter final : public RouterSocket {
 public:
  Result<std::string> bind(const std::string& url) override { return url; }
  void receive(std::vector<Incoming>&, std::size_t) override {}
  Status send(PeerId peer, const WireFrames& frames) override {
    if (gone) return fail(Code::unavailable, "gone");
    if (full) return fail(Code::resource_exhausted, "full");
    const std::vector<BytesView> parts(frames.parts.begin(), frames.parts.end());
    sent[peer].push_back(decode(parts, false).value().message);
    return {};
  }
  void forget(PeerId peer) override { forgotten.push_back(peer); }

  bool full = false;
  bool gone = false;
  std::map<PeerId, std::vector<Message>> sent;
  std::vector<PeerId> forgotten;
};

struct Post {
  explicit Post(std::size_t outbox_bytes_max = 1000)
      : delivery(sessions, {&primaries, &workers}, outbox_bytes_max) {}
  FakeRouter primaries;
  FakeRouter workers;
  SessionTable sessions;
  Delivery delivery;
  SessionId worker = sessions.add({Side::worker, PeerId{5}}).id;
  SessionId primary = sessions.add({Side::primary, PeerId{5}}).id;
};

TEST_CASE("delivery: each session's messages go to its own socket, in order") {
  Post post;
  post.delivery.send(post.worker, HeartbeatAck{1});
  post.delivery.send(post.primary, HeartbeatAck{2});
  post.delivery.send(post.worker, HeartbeatAck{3});
  CHECK(post.workers.sent[PeerId{5}] == std::vector<Message>{HeartbeatAck{1}, HeartbeatAck{3}});
  CHECK(post.primaries.sent[PeerId{5}] == std::vector<Message>{HeartbeatAck{2}});
}

TEST_CASE("delivery: what a full socket refuses waits, keeps its order and goes out later") {
  Post post;
  post.workers.full = true;
  post.delivery.send(post.worker, HeartbeatAck{1});
  post.delivery.send(post.worker, HeartbeatAck{2});
  post.workers.full = false;
  post.delivery.send(post.worker, HeartbeatAck{3});  // must not overtake
  CHECK(post.workers.sent.empty());
  CHECK(post.delivery.has_unsent());
  post.delivery.flush();
  CHECK(post.workers.sent[PeerId{5}] ==
        std::vector<Message>{HeartbeatAck{1}, HeartbeatAck{2}, HeartbeatAck{3}});
  CHECK_FALSE(post.delivery.has_unsent());
  CHECK(post.delivery.take_events().empty());
}

TEST_CASE(
    "delivery: a peer with a full outbox is dropped, its messages fail and the core is told") {
  Post post(200);
  post.workers.full = true;
  const Goodbye large{std::string(150, 'x')};
  post.delivery.send(post.worker, large);
  CHECK(post.delivery.take_events().empty());
  post.delivery.send(post.worker, large);
  const std::vector<Event> events = post.delivery.take_events();
  REQUIRE(events.size() == 3);
  CHECK(events[0] == Event(SendFailed{post.worker, large}));
  CHECK(events[1] == Event(SendFailed{post.worker, large}));
  const auto* lost = std::get_if<PeerLost>(&events[2]);
  REQUIRE(lost);
  CHECK(lost->session == post.worker);
  CHECK(lost->reason.find("slow_consumer") == 0);
  CHECK(post.workers.forgotten == std::vector<PeerId>{PeerId{5}});
  CHECK(post.sessions.find(post.worker) == nullptr);
  CHECK(post.sessions.find(post.primary) != nullptr);
  CHECK(post.delivery.counters().slow_consumers == 1);
}

TEST_CASE("delivery: a peer that is gone fails the message, the socket tells the loss itself") {
  Post post;
  post.workers.gone = true;
  post.delivery.send(post.worker, HeartbeatAck{1});
  CHECK(post.delivery.take_events() ==
        std::vector<Event>{SendFailed{post.worker, HeartbeatAck{1}}});
  post.delivery.lost(post.worker, "closed");
  CHECK(post.delivery.take_events() == std::vector<Event>{PeerLost{post.worker, "closed"}});
  post.delivery.lost(post.worker, "again");
  CHECK(post.delivery.take_events().empty());
}

TEST_CASE(
    "delivery: a session closed by the core ends after its last message and is not reported lost") {
  Post post;
  post.workers.full = true;
  post.delivery.send(post.worker, Refused{});
  post.delivery.close(post.worker, "refused");
  post.delivery.send(post.worker, HeartbeatAck{9});  // after the close: nobody's any more
  CHECK(post.workers.forgotten.empty());
  post.workers.full = false;
  post.delivery.flush();
  CHECK(post.workers.sent[PeerId{5}] == std::vector<Message>{Refused{}});
  CHECK(post.workers.forgotten == std::vector<PeerId>{PeerId{5}});
  CHECK(post.delivery.take_events().empty());
}

TEST_CASE("delivery: checksums follow the session's Welcome") {
  Post post;
  Welcome welcome;
  welcome.checksum = false;
  post.delivery.send(post.worker, welcome);
  CHECK_FALSE(post.sessions.find(post.worker)->checksum);
  CHECK(post.sessions.find(post.primary)->checksum);
}

TEST_CASE(
    "delivery: a message larger than the wire allows becomes an error for the one who asked") {
  Post post;
  QueryReply reply;
  reply.request = 42;
  reply.spec.steps.resize(40);
  for (StepSpec& step : reply.spec.steps) step.params.resize(limits::task_spec_bytes_max);
  post.delivery.send(post.primary, reply);
  REQUIRE(post.primaries.sent[PeerId{5}].size() == 1);
  const auto* error = std::get_if<ErrorReply>(&post.primaries.sent[PeerId{5}][0]);
  REQUIRE(error);
  CHECK(error->request == 42);
  CHECK(error->error.code == static_cast<std::uint16_t>(Code::resource_exhausted));
}

}  // namespace
}  // namespace framebus::broker
