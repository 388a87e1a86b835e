// What an administrator orders: drain, resume, restart, remove.
#include "tests/worker/core_bench.h"

namespace framebus::worker {
namespace {

const AttemptId a = attempt(0, 1), b = attempt(1, 2);

void run(CoreBench& bench, const AttemptId& id) {
  bench.hear(assign({id}));
  bench.give(ExecutorStarted{id});
  bench.tick();
  bench.take();
}

void hand_over(CoreBench& bench, const AttemptId& id) {
  bench.give(finished(id));
  bench.tick();
  bench.hear(ResultsOk{{id}, {}});
  bench.take();
}

TEST_CASE("order: drained, a worker stays connected without work until it is resumed") {
  CoreBench bench;
  bench.join();
  run(bench, a);
  bench.hear(Order{WorkerAction::drain, "new lamp"});
  CHECK(credit_of(bench.state()) == 0);
  bench.take();
  hand_over(bench, a);
  CHECK(bench.live(seconds(60)) == std::vector<Message>{});
  CHECK(bench.core().next_wakeup() > bench.now());
  bench.hear(Order{WorkerAction::resume, ""});
  const Actions deeds = bench.take_deeds();
  REQUIRE(deeds.size() == 1);
  CHECK(std::get<Heartbeat>(std::get<Send>(deeds[0]).message).credit == 2);
  bench.hear(assign({b}));
  CHECK(bench.take() == Actions{StartAttempt{spec_of(b), step_info()}});
}

TEST_CASE("order: restart drains, says Goodbye and asks for a new beginning") {
  CoreBench bench;
  bench.join();
  run(bench, a);
  bench.hear(Order{WorkerAction::restart, ""});
  bench.take();
  hand_over(bench, a);
  bench.tick();
  const std::string text = "drained, starting anew";
  CHECK(bench.take() == Actions{Send{1, Goodbye{text}}, Disconnect{1, text}, Exit{0, text, true}});
}

TEST_CASE("order: remove cancels what runs and leaves at once") {
  CoreBench bench;
  bench.join();
  run(bench, a);
  bench.hear(Order{WorkerAction::remove, "sold"});
  const std::string text = "removed by an administrator: sold";
  CHECK(bench.take_deeds() == Actions{CancelAttempt{a, text}, Send{1, Goodbye{text}},
                                      Disconnect{1, text}, Exit{0, text}});
  CHECK_FALSE(bench.core().next_wakeup().has_value());
}

TEST_CASE("order: a drain that this host asked for is not taken back") {
  CoreBench bench;
  bench.join();
  run(bench, a);
  bench.give(DrainRequested{});
  bench.hear(Order{WorkerAction::resume, ""});
  bench.hear(Order{WorkerAction::restart, ""});
  bench.take();
  hand_over(bench, a);
  bench.tick();
  CHECK(bench.take_deeds().back() == Action{Exit{0, "drained"}});
}

TEST_CASE("tally: every attempt taken is held, confirmed, rejected or handed back") {
  CoreBench bench(bench_options(2, 2));
  bench.join();
  std::vector<AttemptId> ids;
  for (std::uint32_t i = 0; i < 4; ++i) ids.push_back(attempt(i, i + 1));
  bench.hear(assign(ids));
  bench.hear(assign(ids));  // repeated: not taken twice
  for (const AttemptId& id : {ids[0], ids[1]}) bench.give(ExecutorStarted{id});
  bench.give(finished(ids[0]));
  bench.give(finished(ids[1]));
  bench.tick();
  bench.hear(ResultsOk{{ids[0]}, {}});
  bench.hear(ResultRejected{ids[1], RejectReason::fenced});
  bench.hear(Abort{{ids[2]}, AbortReason::cancelled, 0});
  bench.give(failed(ids[2], Code::cancelled));
  const AttemptTally& tally = bench.state().tally;
  CHECK(tally.received == 4);
  CHECK(tally.confirmed == 1);
  CHECK(tally.rejected == 1);
  CHECK(tally.handed_back == 1);
  CHECK(bench.state().attempts.size() == 1);
  bench.take();
}

}  // namespace
}  // namespace framebus::worker
