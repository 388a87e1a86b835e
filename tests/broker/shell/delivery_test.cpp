// Outboxes, slow consumers and lost peers, over a socket that does what the test says.
#include "broker/shell/delivery.h"

#include <doctest/doctest.h>

#include <random>

#include "tests/broker/shell/fake_router.h"

namespace framebus::broker {
namespace {

using test::FakeRouter;

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
  CHECK(post.sessions.find(post.worker) == nullptr);
  CHECK(post.sessions.find(post.primary) != nullptr);
  CHECK(post.delivery.counters().slow_consumers == 1);
  CHECK(post.delivery.counters().dropped_with_session == 2);
  post.delivery.check_conservation();
}

TEST_CASE("delivery: a peer that was dropped is told why as soon as it reads again") {
  Post post(200);
  post.workers.full = true;
  for (int i = 0; i < 2; ++i) post.delivery.send(post.worker, Goodbye{std::string(150, 'x')});
  (void)post.delivery.take_events();
  post.delivery.say_farewells();
  CHECK(post.workers.sent.empty());
  CHECK(post.workers.forgotten.empty());
  post.workers.full = false;
  post.delivery.say_farewells();
  REQUIRE(post.workers.sent[PeerId{5}].size() == 1);
  const auto* error = std::get_if<ErrorReply>(&post.workers.sent[PeerId{5}][0]);
  REQUIRE(error);
  CHECK(error->error.code == static_cast<std::uint16_t>(Code::no_session));
  CHECK(error->error.message.starts_with("slow_consumer: "));
  CHECK(post.workers.forgotten == std::vector<PeerId>{PeerId{5}});
  post.delivery.say_farewells();
  CHECK(post.workers.sent[PeerId{5}].size() == 1);
}

TEST_CASE("delivery: a peer that never reads again is not tried for ever") {
  Post post(200);
  post.workers.full = true;
  for (int i = 0; i < 2; ++i) post.delivery.send(post.worker, Goodbye{std::string(150, 'x')});
  for (int i = 0; i < 40; ++i) post.delivery.say_farewells();
  CHECK(post.workers.forgotten == std::vector<PeerId>{PeerId{5}});
}

TEST_CASE(
    "delivery: every message is handed over, refused, outstanding or dropped with its session") {
  Post post(2'000);
  const auto& counters = post.delivery.counters();
  std::mt19937_64 random(20261120);  // a fixed seed: the same messages each time
  for (std::uint64_t i = 1; i <= 20'000; ++i) {
    post.workers.full = random() % 4 == 0;
    post.workers.gone = random() % 50 == 0;
    post.delivery.send(post.worker, HeartbeatAck{i});
    post.delivery.send(post.primary, HeartbeatAck{i});
    post.delivery.reply({Side::worker, PeerId{99}}, HeartbeatAck{i});
    if (random() % 8 == 0) post.delivery.flush();
    if (random() % 1'000 == 0) post.delivery.close(post.worker, "closed");
    if (random() % 1'000 == 0) post.delivery.lost(post.worker, "lost");
    post.delivery.check_conservation();
    (void)post.delivery.take_events();
    if (!post.sessions.find(post.worker))
      post.worker = post.sessions.add({Side::worker, PeerId{i + 100}}).id;
  }
  CHECK(counters.made == 60'000);
  CHECK(counters.handed_over > 0);
  CHECK(counters.refused > 0);
  CHECK(counters.dropped_with_session > 0);
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
