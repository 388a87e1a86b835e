// What peers that do wrong get from the broker: an answer, never an effect on others.
#include <doctest/doctest.h>

#include "tests/broker/shell/running_server.h"

namespace framebus::broker {
namespace {

using test::code_of;
using test::echo_job;
using test::RawPeer;
using test::RunningServer;

TEST_CASE("server: anything before Hello is answered no_session with its request id") {
  RunningServer server;
  RawPeer peer(server->endpoints().primary);
  peer.send(Query{17, QueryKind::status, {}, 0, 0});
  const auto error = peer.next_of<ErrorReply>();
  REQUIRE(error);
  CHECK(error->request == 17);
  CHECK(code_of(*error) == Code::no_session);
  CHECK(std::holds_alternative<Welcome>(
      peer.hello(Role::primary)->message));  // it can still do it right
}

TEST_CASE("server: a worker's Hello on the clients' endpoint is refused with the right one") {
  RunningServer server;
  RawPeer peer(server->endpoints().primary);
  const auto reply = peer.hello(Role::worker);
  REQUIRE(reply);
  const auto* refused = std::get_if<Refused>(&reply->message);
  REQUIRE(refused);
  CHECK(refused->error.message.find(server->endpoints().worker) != std::string::npos);
  RawPeer other(server->endpoints().worker);
  CHECK(std::holds_alternative<Refused>(other.hello(Role::primary)->message));
  CHECK(std::holds_alternative<Refused>(other.hello(Role::none)->message));
}

TEST_CASE("server: a second Hello on a connection is refused and the session goes on") {
  RunningServer server;
  const auto primary = server.primary();
  CHECK(code_of(primary->hello(Role::primary)->message) == Code::failed_precondition);
  primary->send(Query{3, QueryKind::status, {}, 0, 0});
  CHECK(primary->next_of<QueryReply>());
}

TEST_CASE("server: a worker can not submit, a primary can not send results") {
  RunningServer server;
  const auto worker = server.worker();
  worker->send(echo_job(5, 1));
  const auto error = worker->next_of<ErrorReply>();
  REQUIRE(error);
  CHECK(error->request == 5);
  CHECK(code_of(*error) == Code::permission_denied);
  const auto primary = server.primary();
  primary->send(Results{});
  CHECK(code_of(*primary->next_of<ErrorReply>()) == Code::permission_denied);
  primary->send(Welcome{});
  CHECK(code_of(*primary->next_of<ErrorReply>()) == Code::permission_denied);
}

TEST_CASE("server: garbage is answered and counted, and disturbs neither its session nor another") {
  RunningServer server;
  const auto other = server.primary();
  const auto peer = server.primary();
  const std::vector<WireFrames> garbage = {
      {{{0x00}}},
      {{{0xff, 0xff}, {0xff}, {0xc0}}},
      {{{0x92, 0x01, 0x15}, {0xdd, 0xff, 0xff, 0xff, 0xff}, {0xc0}}},  // an array of 4 G elements
      {{{0x92, 0x01, 0x15}, Bytes(100'000, 0x91), {0xc0}}},            // a hundred thousand levels
      {{{0x92, 0x01, 0xcd, 0x7f, 0xff}, {0x80}, {0xc0}}},              // a number nobody has
      {std::vector<Bytes>(40, Bytes{1})},
  };
  for (const WireFrames& frames : garbage) {
    peer->send_frames(frames);
    const auto reply = peer->next();
    REQUIRE(reply);
    CHECK(std::holds_alternative<ErrorReply>(reply->message));
  }
  for (const auto* each : {&peer, &other}) {
    (*each)->send(Query{4, QueryKind::status, {}, 0, 0});
    CHECK((*each)->next_of<QueryReply>());
  }
  server.stop();
  CHECK(server->counters().malformed == garbage.size());
}

TEST_CASE("server: a message that was damaged on its way ends its session, and no other") {
  RunningServer server;
  const auto other = server.primary();
  const auto peer = server.primary();
  WireFrames broken = encode(Query{9, QueryKind::status, {}, 0, 0}, true);
  broken.parts[2].back() ^= 1;
  for (int i = 0; i < 2; ++i) {
    peer->send_frames(broken);
    const auto error = peer->next_of<ErrorReply>();
    REQUIRE(error);
    CHECK(code_of(*error) == Code::no_session);
    CHECK(error->request == 0);  // not an answer to a request, whose number may be damaged as well
  }
  peer->send(Query{4, QueryKind::status, {}, 0, 0});
  CHECK(code_of(*peer->next_of<ErrorReply>()) == Code::no_session);
  other->send(Query{4, QueryKind::status, {}, 0, 0});
  CHECK(other->next_of<QueryReply>());
  server.stop();
  CHECK(server->counters().malformed == 2);
}

TEST_CASE("server: another protocol version is refused at Hello") {
  RunningServer server;
  RawPeer peer(server->endpoints().worker);
  WireFrames frames = encode(Hello{}, true);
  frames.parts[0] = {0x92, 0x63, 0x01};  // [99, Hello]
  frames.parts[2] = {0xc0};
  peer.send_frames(frames);
  const auto reply = peer.next();
  REQUIRE(reply);
  CHECK(std::holds_alternative<Refused>(reply->message));
  CHECK(code_of(reply->message) == Code::unsupported_version);
}

std::uint64_t dropped_slow_consumers(const QueryReply& status) {
  for (const Counter& each : status.status.counters)
    if (each.name == "delivery.slow_consumers") return each.value;
  FAIL("the status has no such counter");
  return 0;
}

TEST_CASE("server: a peer that asks and never reads is dropped, others are served all the while") {
  BrokerConfig config = RunningServer::config_on_free_ports();
  RunningServer server(config);
  const auto other = server.primary();
  Submit submit = echo_job(1, 1);
  submit.job.steps[0].params = Bytes(250 * limits::KiB, 'x');
  other->send(submit);
  const auto accepted = other->next_of<SubmitOk>();
  REQUIRE(accepted);
  const auto greedy = server.primary();
  // Each reply carries the spec: far more than the sockets' queues and the outbox hold.
  for (std::uint64_t request = 1; request <= 800; ++request) {
    greedy->send(Query{request, QueryKind::spec, {accepted->job, 0}, 0, 0});
  }
  // It reads nothing before it has been dropped: the broker answers few of its questions in a turn.
  std::uint64_t served = 0;
  REQUIRE(test::eventually(
      [&] {
        other->send(Query{++served, QueryKind::status, {}, 0, 0});
        const auto reply = other->next_of<QueryReply>();
        REQUIRE(reply);
        return served >= 20 && dropped_slow_consumers(*reply) == 1;
      },
      seconds(60)));
  // Read until the broker's word that it no longer knows the connection.
  CHECK(test::eventually(
      [&] {
        greedy->send(Query{1000, QueryKind::status, {}, 0, 0});
        const auto reply = greedy->next(milliseconds(100));
        return reply && code_of(reply->message) == Code::no_session;
      },
      seconds(20)));
  server.stop();
  CHECK(server->counters().slow_consumers == 1);
}

}  // namespace
}  // namespace framebus::broker
