// From sockets to events: how much of what has arrived one turn takes, and what a commit waits for.
#include "broker/shell/intake.h"

#include <doctest/doctest.h>

#include "tests/broker/shell/fake_router.h"
#include "tests/broker/shell/scarce_disk.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus::broker {
namespace {

using test::FakeRouter;

constexpr SubmitId an_upload{{1, 2, 3}};
constexpr std::size_t part_bytes = 24 * 260'000;

SubmitPart a_large_part(std::uint32_t part) {
  return {part, an_upload, part, 0, std::vector<Bytes>(24, Bytes(part_bytes / 24))};
}

struct Bench {
  test::ScratchDirectory scratch;
  FakeRouter primaries;
  FakeRouter workers;
  SessionTable sessions;
  Delivery delivery{sessions, {&primaries, &workers}, 1'000'000};
  std::shared_ptr<test::ScarceDisk> disk = std::make_shared<test::ScarceDisk>();
  std::unique_ptr<BlobStore> blobs = open_blob_store_on(disk, scratch / "blobs", false, 0).value();
  InputCheck inputs{*blobs, [] {}};
  Core core{Options{}, 1};
  Intake intake{sessions, delivery, inputs, core, {&primaries, &workers}, {}};
  SessionId primary = sessions.add({Side::primary, PeerId{5}}).id;
  SessionId worker = sessions.add({Side::worker, PeerId{6}}).id;

  static Incoming arrival(PeerId peer, const Message& message) {
    WireFrames frames = encode(message, true);
    Incoming incoming;
    incoming.peer = peer;
    for (const auto& part : frames.parts) incoming.parts.emplace_back(part.begin(), part.end());
    return incoming;
  }
  void arrives(const Message& message, PeerId from = PeerId{5}) {
    primaries.arrivals.push_back(arrival(from, message));
  }
  void beats(std::uint64_t sequence) {
    Heartbeat beat;
    beat.sequence = sequence;
    workers.arrivals.push_back(arrival(PeerId{6}, beat));
  }
  // The parts among these events, in order.
  static std::vector<std::uint32_t> parts_of(const std::vector<Event>& events) {
    std::vector<std::uint32_t> parts;
    for (const Event& event : events) {
      const auto* received = std::get_if<Received>(&event);
      if (received == nullptr) continue;
      if (const auto* part = std::get_if<SubmitPart>(&received->message)) {
        parts.push_back(part->part);
      }
    }
    return parts;
  }
};

JobSpec job_with(const std::vector<BlobRef>& inputs) {
  JobSpec spec;
  spec.name = "job";
  spec.steps.resize(1);
  spec.steps[0].name = "main";
  spec.steps[0].type = "echo";
  spec.steps[0].task_count = 1;
  spec.steps[0].inputs = inputs;
  return spec;
}

BlobRef absent(const std::string& text) {
  return {hash_bytes(bytes_of(text)), text.size(), text};
}

TEST_CASE("intake: a turn takes a bounded number of bytes, the rest waits in its order") {
  Bench bench;
  constexpr std::uint32_t count = 20;
  for (std::uint32_t part = 1; part <= count; ++part) bench.arrives(a_large_part(part));
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) bench.beats(sequence);
  std::vector<std::uint32_t> all;
  std::size_t turns = 0;
  for (bool more = true; more; ++turns) {
    std::vector<Event> events;
    more = bench.intake.receive(events, 256);
    const std::vector<std::uint32_t> parts = Bench::parts_of(events);
    // One message more than fits, whose size was not known.
    CHECK(parts.size() * part_bytes <= Intake::bytes_max + part_bytes);
    CHECK(more == !bench.primaries.arrivals.empty());
    // Nobody else waits for the large ones.
    CHECK(events.size() - parts.size() == (turns == 0 ? 3 : 0));
    all.insert(all.end(), parts.begin(), parts.end());
    REQUIRE(turns < count);
  }
  CHECK(turns == 4);
  REQUIRE(all.size() == count);
  for (std::uint32_t i = 0; i < count; ++i) CHECK(all[i] == i + 1);
  CHECK(bench.intake.counters().received == count + 3);
  CHECK(bench.intake.counters().malformed == 0);
}

TEST_CASE("intake: large messages of workers leave the primaries their half of a turn") {
  Bench bench;
  TaskResult large;
  large.log_tail = std::string(200'000, 'x');
  Results results{std::vector<TaskResult>(35, large)};
  for (int i = 0; i < 20; ++i) {
    bench.workers.arrivals.push_back(Bench::arrival(PeerId{6}, results));
    bench.arrives(a_large_part(1));
  }
  std::vector<Event> events;
  CHECK(bench.intake.receive(events, 256));
  CHECK(Bench::parts_of(events).size() == 3);
  CHECK(events.size() == 6);
}

TEST_CASE("intake: a turn takes a bounded number of arrivals from each socket") {
  Bench bench;
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) bench.beats(sequence);
  std::vector<Event> events;
  CHECK(bench.intake.receive(events, 4));
  CHECK(events.size() == 4);
  CHECK(bench.intake.receive(events, 4));
  CHECK_FALSE(bench.intake.receive(events, 4));
  CHECK(events.size() == 10);
  CHECK_FALSE(bench.intake.receive(events, 4));
  CHECK(events.size() == 10);
}

TEST_CASE("intake: a turn asks each socket once, so that one that is read empty is known to be") {
  Bench bench;
  for (std::uint64_t sequence = 1; sequence <= 200; ++sequence) bench.beats(sequence);
  for (std::uint32_t part = 1; part <= 3; ++part) bench.arrives(a_large_part(part));
  std::vector<Event> events;
  CHECK_FALSE(bench.intake.receive(events, 256));
  CHECK(events.size() == 203);
  CHECK(bench.workers.receives == 1);
  CHECK(bench.primaries.receives == 1);
}

TEST_CASE("intake: a commit waits for the inputs of the upload, whatever else opens under its id") {
  Bench bench;
  const BlobRef recorded = absent("of the upload that is recorded");
  const BlobRef here = absent("of an open in this turn");
  bench.core.restore(1, TimePoint{seconds(1)},
                     UploadOpened{an_upload, "ann", job_with({recorded})});
  std::vector<BlobRef> expected = {recorded};
  SUBCASE("nothing in this turn") {}
  SUBCASE("one without inputs in the same turn") {
    bench.arrives(SubmitOpen{1, an_upload, job_with({})});
  }
  SUBCASE("one with others in the same turn") {
    bench.arrives(SubmitOpen{1, an_upload, job_with({here})});
    expected.push_back(here);
  }
  bench.arrives(SubmitCommit{2, an_upload, 0, Bytes(16)});
  std::vector<Event> events;
  CHECK_FALSE(bench.intake.receive(events, 256));
  REQUIRE_FALSE(events.empty());
  const auto* received = std::get_if<Received>(&events.back());
  REQUIRE(received);
  REQUIRE(std::holds_alternative<SubmitCommit>(received->message));
  CHECK(received->missing == expected);
}

TaskResult a_success(std::uint32_t task, const BlobRef& blob) {
  TaskResult result;
  result.task = TaskRef{JobId{1}, task};
  result.outcome = Outcome::ok;
  result.blobs = {blob};
  return result;
}

TEST_CASE(
    "intake: a result whose blob can not be looked up waits, and reaches the core as it was") {
  Bench bench;
  const BlobRef blob = bench.blobs->put_bytes(bytes_of("image")).value();
  bench.disk->is_exhausted = true;
  const Results sent{{a_success(1, blob)}};
  bench.workers.arrivals.push_back(Bench::arrival(PeerId{6}, sent));
  bench.beats(1);
  std::vector<Event> events;
  bench.intake.receive(events, 256);
  REQUIRE(events.size() == 1);  // others pass it, its session goes on
  CHECK(std::holds_alternative<Heartbeat>(std::get<Received>(events[0]).message));
  bench.disk->is_exhausted = false;
  events.clear();
  CHECK(test::eventually([&] {
    bench.intake.receive(events, 256);
    return !events.empty();
  }));
  REQUIRE(events.size() == 1);
  const auto& received = std::get<Received>(events[0]);
  CHECK(received.session == bench.worker);
  CHECK(std::get<Results>(received.message) == sent);
  CHECK(bench.intake.result_counters().without_blob == 0);
  CHECK(bench.intake.result_counters().put_off == 1);
}

TEST_CASE("intake: a worker whose results can neither be judged nor kept has to say them again") {
  Bench bench;
  const BlobRef blob = bench.blobs->put_bytes(bytes_of("image")).value();
  bench.disk->is_exhausted = true;
  TaskResult large = a_success(1, blob);
  large.log_tail = std::string(limits::text_bytes_max, 'x');
  const std::size_t fit = limits::wire_message_bytes_max / (2 * large.log_tail.size());
  const Results results{std::vector<TaskResult>(fit, large)};
  std::vector<Event> events;
  for (std::size_t i = 0; i < 1000 && events.empty(); ++i) {
    bench.workers.arrivals.push_back(Bench::arrival(PeerId{6}, results));
    bench.intake.receive(events, 256);
  }
  REQUIRE(events.size() == 1);  // and none of what it said
  CHECK(std::get<PeerLost>(events[0]).session == bench.worker);
  CHECK(std::get<PeerLost>(events[0]).reason.find("can not be told now") != std::string::npos);
  bench.delivery.say_farewells();
  REQUIRE(bench.workers.sent[PeerId{6}].size() == 1);
  const auto& told = std::get<ErrorReply>(bench.workers.sent[PeerId{6}][0]);
  CHECK(static_cast<Code>(told.error.code) == Code::no_session);
  // Nothing of the session that ended comes late: the worker says all of it again.
  bench.disk->is_exhausted = false;
  events.clear();
  const TimePoint until = now_monotonic() + 2 * ResultCheck::ask_again;
  while (now_monotonic() < until) bench.intake.receive(events, 256);
  CHECK(events.empty());
  CHECK(bench.intake.result_counters().without_blob == 0);
}

TEST_CASE("intake: a turn takes few of the messages that may ask for much, the rest waits") {
  Bench bench;
  constexpr std::size_t in_a_turn = Intake::weight_max / Intake::heavy_weight;
  constexpr std::size_t count = 250;
  for (std::uint64_t i = 1; i <= count; ++i) bench.arrives(Query{i, QueryKind::jobs, {}, 0, 1});
  std::vector<std::uint64_t> asked;
  std::size_t turns = 0;
  for (bool more = true; more; ++turns) {
    bench.beats(turns + 1);  // whoever else speaks is heard in each turn
    std::vector<Event> events;
    more = bench.intake.receive(events, 256);
    std::size_t beats_now = 0;
    for (const Event& event : events) {
      const auto* const query = std::get_if<Query>(&std::get<Received>(event).message);
      if (query) asked.push_back(query->request);
      beats_now += query ? 0 : 1;
    }
    CHECK(events.size() - beats_now <= in_a_turn);
    CHECK(beats_now == 1);
    REQUIRE(turns < count);
  }
  CHECK(turns == (count + in_a_turn - 1) / in_a_turn);
  REQUIRE(asked.size() == count);
  for (std::size_t i = 0; i < count; ++i) CHECK(asked[i] == i + 1);
}

// Which queries of whom are among these events, in order.
std::vector<std::pair<SessionId, std::uint64_t>> queries_of(const std::vector<Event>& events) {
  std::vector<std::pair<SessionId, std::uint64_t>> queries;
  for (const Event& event : events) {
    const auto& received = std::get<Received>(event);
    queries.emplace_back(received.session, std::get<Query>(received.message).request);
  }
  return queries;
}

TEST_CASE("intake: whoever asks for much waits behind itself, others are heard in the same turn") {
  Bench bench;
  const PeerId modest{7};
  const SessionId modest_session = bench.sessions.add({Side::primary, modest}).id;
  for (std::uint64_t i = 1; i <= 200; ++i) bench.arrives(Query{i, QueryKind::jobs, {}, 0, 1});
  std::vector<std::uint64_t> greedy, others;
  std::uint64_t turns = 0;
  for (bool more = true; more; ++turns) {
    REQUIRE(turns < 200);
    bench.arrives(Query{turns + 1, QueryKind::jobs, {}, 0, 1}, modest);
    std::vector<Event> events;
    more = bench.intake.receive(events, 256);
    for (const auto& [session, request] : queries_of(events))
      (session == modest_session ? others : greedy).push_back(request);
    CHECK(events.size() <= Intake::weight_max / Intake::heavy_weight);
    CHECK(others.size() == turns + 1);
  }
  REQUIRE(greedy.size() == 200);
  for (std::size_t i = 0; i < greedy.size(); ++i) CHECK(greedy[i] == i + 1);
  for (std::size_t i = 0; i < others.size(); ++i) CHECK(others[i] == i + 1);
}

TEST_CASE("intake: of several that ask for much each has its share of a turn") {
  Bench bench;
  const PeerId second{7};
  const SessionId second_session = bench.sessions.add({Side::primary, second}).id;
  for (std::uint64_t i = 1; i <= 100; ++i) bench.arrives(Query{i, QueryKind::jobs, {}, 0, 1});
  for (std::uint64_t i = 1; i <= 100; ++i)
    bench.arrives(Query{i, QueryKind::jobs, {}, 0, 1}, second);
  for (int turn = 0; turn < 3; ++turn) {
    CAPTURE(turn);
    std::vector<Event> events;
    CHECK(bench.intake.receive(events, 256));
    const auto queries = queries_of(events);
    const auto of_second = std::count_if(queries.begin(), queries.end(), [&](const auto& each) {
      return each.first == second_session;
    });
    CHECK(queries.size() == Intake::weight_max / Intake::heavy_weight);
    CHECK(static_cast<std::size_t>(of_second) == queries.size() / 2);
  }
}

TEST_CASE("intake: what waits takes the room of what could be read, in number and in bytes") {
  Bench bench;
  constexpr std::size_t in_a_turn = Intake::weight_max / Intake::heavy_weight;
  for (std::uint64_t i = 1; i <= 1'000; ++i) bench.arrives(Query{i, QueryKind::jobs, {}, 0, 1});
  std::vector<Event> events;
  CHECK(bench.intake.receive(events, 256));
  CHECK(bench.primaries.arrivals.size() == 1'000 - 256);
  CHECK(bench.intake.receive(events, 256));
  // Half of the turn was there before it read, and made that much room.
  CHECK(bench.primaries.arrivals.size() == 1'000 - 256 - in_a_turn - in_a_turn / 2);
  CHECK(events.size() == 2 * in_a_turn);

  Bench large;
  for (std::uint64_t i = 1; i <= 100; ++i) large.arrives(Query{i, QueryKind::jobs, {}, 0, 1});
  for (std::uint32_t i = 0; i < 20; ++i) large.arrives(a_large_part(i));
  std::vector<Event> of_large;
  CHECK(large.intake.receive(of_large, 256));
  CHECK(of_large.size() == in_a_turn);
  const std::size_t left = large.primaries.arrivals.size();
  CHECK((20 - left) * part_bytes >= Intake::bytes_max);
  CHECK((20 - left - 1) * part_bytes < Intake::bytes_max);
  CHECK(large.intake.receive(of_large, 256));
  CHECK(large.primaries.arrivals.size() == left);
  CHECK(of_large.size() == 2 * in_a_turn);
}

TEST_CASE("intake: the end of a connection is told after what it said, although that waits") {
  Bench bench;
  for (std::uint64_t i = 1; i <= 40; ++i) bench.arrives(Query{i, QueryKind::jobs, {}, 0, 1});
  Incoming closed;
  closed.kind = Incoming::Kind::closed;
  closed.peer = PeerId{5};
  bench.primaries.arrivals.push_back(closed);
  std::vector<Event> events;
  CHECK(bench.intake.receive(events, 256));
  CHECK(queries_of(events).size() == Intake::weight_max / Intake::heavy_weight);
  while (bench.intake.receive(events, 256)) {
  }
  REQUIRE(events.size() == 41);
  CHECK(std::get<PeerLost>(events.back()).session == bench.primary);
}

TEST_CASE("fair queue: each peer's arrivals in their order, one peer after the other") {
  FairQueue queue;
  const auto add = [&](std::uint64_t peer, std::size_t size) {
    Incoming incoming;
    incoming.peer = PeerId{peer};
    incoming.parts = {Bytes(size)};
    queue.add(std::move(incoming));
  };
  add(1, 10), add(1, 11), add(1, 12), add(2, 20), add(3, 30), add(2, 21);
  CHECK(queue.size() == 6);
  CHECK(queue.bytes() == 10 + 11 + 12 + 20 + 30 + 21);
  std::vector<std::size_t> taken;
  for (int i = 0; i < 4; ++i) taken.push_back(queue.take().parts[0].size());
  CHECK(!queue.holds_any_of(PeerId{3}));
  add(3, 31);
  while (!queue.is_empty()) taken.push_back(queue.take().parts[0].size());
  CHECK(taken == std::vector<std::size_t>{10, 20, 30, 11, 21, 12, 31});
  CHECK(queue.size() == 0);
  CHECK(queue.bytes() == 0);
}

}  // namespace
}  // namespace framebus::broker
