// The worker core's connection: Hello, Welcome, Refused, loss, back-off, silence, leaving.
#include "tests/worker/core_bench.h"

namespace framebus::worker {
namespace {

Hello hello_of(const Options& options, std::vector<HeldAttempt> held = {}) {
  Hello hello;
  hello.role = Role::worker;
  hello.program = options.program;
  hello.worker = options.info;
  hello.held = std::move(held);
  return hello;
}

Heartbeat beat(std::uint64_t sequence, std::uint32_t credit) {
  Heartbeat message;
  message.sequence = sequence;
  message.credit = credit;
  return message;
}

Refused refusal(Code code, std::int64_t retry_after_ms = 0) {
  return Refused{{static_cast<std::uint16_t>(code), "no", retry_after_ms}};
}

TEST_CASE(
    "connection: the first tick connects, Connected says Hello, Welcome brings a heartbeat with "
    "credit") {
  CoreBench bench;
  bench.tick();
  CHECK(bench.take() == Actions{Connect{1, "inproc://broker"}});
  bench.give(Connected{1});
  CHECK(bench.take() == Actions{Send{1, hello_of(bench_options())}});
  bench.hear(CoreBench::welcome());
  CHECK(bench.take() == Actions{Joined{{101}, 1, "inproc://bulk"}, Send{1, beat(1, 2)}});
}

TEST_CASE(
    "connection: without Welcome the handshake ends after 5 s and another connection is tried") {
  CoreBench bench;
  bench.tick();
  bench.give(Connected{1});
  bench.take();
  bench.pass(milliseconds(4999));
  CHECK(bench.take() == Actions{});
  bench.pass(milliseconds(1));
  CHECK(bench.take_deeds() == Actions{Disconnect{1, "handshake timeout"}});
  bench.pass(milliseconds(300));
  CHECK(bench.take() == Actions{Connect{2, "inproc://broker"}});
}

TEST_CASE(
    "connection: waits between connections double up to the longest, with jitter of a fifth") {
  CoreBench bench;
  bench.tick();
  double expected_s = 0.25;
  for (int i = 0; i < 10; ++i) {
    bench.take();
    bench.give(Closed{bench.connection(), "nobody there"});
    CHECK(bench.take() == Actions{Disconnect{bench.connection(), "nobody there"}});
    const double wait_s =
        std::chrono::duration<double>(*bench.core().next_wakeup() - bench.now()).count();
    CHECK(wait_s >= expected_s * 0.79);
    CHECK(wait_s <= expected_s * 1.21);
    expected_s = std::min(expected_s * 2, 10.0);
    bench.pass(*bench.core().next_wakeup() - bench.now());
  }
  CHECK(bench.take().size() == 1);
}

TEST_CASE("connection: an acknowledged heartbeat resets the back-off and gives the latency") {
  CoreBench bench;
  bench.tick();
  for (int i = 0; i < 6; ++i) {
    bench.give(Closed{bench.connection(), "x"});
    bench.pass(seconds(12));
  }
  bench.take();
  bench.give(Connected{bench.connection()});
  bench.hear(CoreBench::welcome());
  bench.take();
  bench.pass(milliseconds(3));
  bench.hear(HeartbeatAck{1});
  CHECK(bench.state().load.latency_us == 3000);
  bench.give(Closed{bench.connection(), "gone"});
  CHECK(*bench.core().next_wakeup() - bench.now() <= milliseconds(301));
  bench.take();
}

TEST_CASE("connection: a refusal to wait is obeyed, and bounded") {
  CoreBench bench;
  bench.tick();
  bench.give(Connected{1});
  bench.hear(refusal(Code::resource_exhausted, 7000));
  CHECK(*bench.core().next_wakeup() - bench.now() == seconds(7));
  bench.pass(seconds(7));
  bench.give(Connected{2});
  bench.hear(refusal(Code::unavailable, 1'000'000'000'000'000));
  CHECK(*bench.core().next_wakeup() - bench.now() == seconds(60));
  bench.take();
}

TEST_CASE("connection: a final refusal ends a new worker with the error's exit code") {
  CoreBench bench;
  bench.tick();
  bench.give(Connected{1});
  bench.take();
  bench.hear(refusal(Code::unauthenticated));
  const Actions deeds = bench.take_deeds();
  REQUIRE(deeds.size() == 2);
  CHECK(std::holds_alternative<Disconnect>(deeds[0]));
  CHECK(std::get<Exit>(deeds[1]).code == 4);
  CHECK_FALSE(bench.core().next_wakeup().has_value());
}

TEST_CASE("connection: a worker that was welcomed once keeps trying after a final refusal") {
  CoreBench bench;
  bench.join();
  bench.give(Closed{1, "x"});
  bench.pass(seconds(1));
  bench.give(Connected{2});
  bench.take();
  bench.hear(refusal(Code::unsupported_version));
  CHECK(bench.take_deeds() == Actions{Disconnect{2, "refused"}});
  CHECK(bench.core().next_wakeup().has_value());
}

TEST_CASE("connection: events of an older connection change nothing") {
  CoreBench bench;
  bench.join();
  bench.give(Closed{1, "x"});
  bench.pass(seconds(1));
  bench.take();
  bench.give(Connected{1});
  bench.give(Closed{1, "again"});
  bench.give(Received{1, CoreBench::welcome()});
  bench.give(Received{1, assign({attempt(0, 1)})});
  CHECK(bench.take() == Actions{});
  CHECK(bench.state().link == Link::connecting);
}

TEST_CASE("connection: no_session means a new connection") {
  CoreBench bench;
  bench.join();
  bench.hear(ErrorReply{0, {static_cast<std::uint16_t>(Code::no_session), "who are you?", 0}});
  CHECK(bench.take_deeds() == Actions{Disconnect{1, "the broker does not know this session"}});
}

TEST_CASE("connection: a broker that acknowledges nothing for a lease is connected to anew") {
  CoreBench bench;
  bench.join();
  bench.pass(milliseconds(14999));
  CHECK(bench.take().size() == 1);  // the heartbeat that was due
  bench.pass(milliseconds(1));
  CHECK(bench.take_deeds() == Actions{Disconnect{1, "silent broker"}});
}

TEST_CASE("connection: absurd timers of a Welcome are brought into bounds") {
  CoreBench bench;
  bench.tick();
  bench.give(Connected{1});
  Welcome message = CoreBench::welcome();
  message.heartbeat_ms = INT64_MAX;
  message.lease_ms = INT64_MIN;
  bench.hear(message);
  CHECK(bench.state().heartbeat == seconds(60));
  CHECK(bench.state().lease == seconds(15));
  bench.take();
}

TEST_CASE("connection: heartbeats keep their interval within a tenth") {
  CoreBench bench;
  bench.join();
  TimePoint last = bench.now();
  for (int i = 0; i < 50; ++i) {
    const TimePoint at = *bench.core().next_wakeup();
    CHECK(at - last >= milliseconds(900));
    CHECK(at - last <= milliseconds(1100));
    last = at;
    bench.pass(at - bench.now());
    const Actions sent = bench.take();
    REQUIRE(sent.size() == 1);
    bench.hear(HeartbeatAck{std::get<Heartbeat>(std::get<Send>(sent[0]).message).sequence});
  }
}

TEST_CASE("leaving: an idle worker that drains says so, then Goodbye, then ends with 0") {
  CoreBench bench;
  bench.join();
  bench.give(DrainRequested{});
  bench.tick();
  Heartbeat draining = beat(2, 0);
  draining.draining = true;
  draining.reason = "draining";
  CHECK(bench.take_deeds() == Actions{Send{1, draining}, Send{1, Goodbye{"drained"}},
                                      Disconnect{1, "drained"}, Exit{0, "drained"}});
  CHECK_FALSE(bench.core().next_wakeup().has_value());
}

TEST_CASE("leaving: a worker without a broker drains at once") {
  CoreBench bench;
  bench.give(DrainRequested{});
  bench.take();
  CHECK(*bench.core().next_wakeup() <= bench.now());
  bench.tick();
  CHECK(std::holds_alternative<Exit>(bench.take_deeds().back()));
}

TEST_CASE("leaving: stop cancels what runs and ends at once") {
  CoreBench bench;
  bench.join();
  bench.hear(assign({attempt(0, 1)}));
  bench.give(ExecutorStarted{attempt(0, 1)});
  bench.tick();
  bench.take();
  bench.give(StopRequested{});
  CHECK(bench.take() == Actions{CancelAttempt{attempt(0, 1), "the worker stops"},
                                Send{1, Goodbye{"the worker stops"}},
                                Disconnect{1, "the worker stops"}, Exit{0, "the worker stops"}});
}

}  // namespace
}  // namespace framebus::worker
