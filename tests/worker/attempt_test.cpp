// The worker core's attempts: slots, prefetch, results, aborts, timeouts, loss of the broker,
// draining.
#include "tests/worker/core_bench.h"

namespace framebus::worker {
namespace {

const AttemptId a = attempt(0, 1), b = attempt(1, 2), c = attempt(2, 3);

// Assigned, started, its Started sent.
void run_one(CoreBench& bench, const AttemptId& id, const StepInfo& step = step_info()) {
  bench.hear(assign({id}, step));
  bench.give(ExecutorStarted{id});
  bench.tick();
  bench.take();
}

TEST_CASE(
    "attempt: starts when a slot is free, in the order of Assign, Started and Results leave "
    "together") {
  CoreBench bench;
  bench.join();
  bench.hear(assign({a, b}));
  CHECK(bench.take() == Actions{StartAttempt{spec_of(a), step_info()}});
  bench.give(ExecutorStarted{a});
  bench.give(finished(a));
  CHECK(bench.take() == Actions{StartAttempt{spec_of(b), step_info()}});
  bench.give(ExecutorStarted{b});
  bench.give(finished(b));
  CHECK(*bench.core().next_wakeup() <= bench.now());
  bench.tick();
  CHECK(bench.take() ==
        Actions{Send{1, Started{{a, b}}},
                Send{1, Results{{result_of(finished(a)), result_of(finished(b))}}}});
}

TEST_CASE("attempt: results are kept until confirmed, and sent again on the next connection") {
  CoreBench bench;
  bench.join();
  run_one(bench, a);
  bench.give(finished(a));
  bench.tick();
  const Results report{{result_of(finished(a))}};
  CHECK(bench.take() == Actions{Send{1, report}});
  bench.give(Closed{1, "x"});
  bench.pass(seconds(1));
  bench.take();
  bench.give(Connected{2});
  const Actions said = bench.take();
  REQUIRE(said.size() == 1);
  CHECK(std::get<Hello>(std::get<Send>(said[0]).message).held ==
        std::vector<HeldAttempt>{{a.task, a.token, AttemptPhase::reporting}});
  bench.hear(CoreBench::welcome());
  bench.take();
  bench.tick();
  CHECK(bench.take() == Actions{Send{2, report}});
  bench.hear(ResultsOk{{a}, {}});
  CHECK(bench.state().attempts.empty());
  CHECK(bench.state().unreported_bytes == 0);
}

TEST_CASE("attempt: a duplicate confirmation or a rejection ends the keeping, too") {
  CoreBench bench(bench_options(2));
  bench.join();
  run_one(bench, a);
  run_one(bench, b);
  bench.give(finished(a));
  bench.give(finished(b));
  bench.tick();
  bench.hear(ResultsOk{{}, {a}});
  bench.hear(ResultRejected{b, RejectReason::fenced});
  CHECK(bench.state().attempts.empty());
  bench.take();
}

TEST_CASE("attempt: the same Assign again starts nothing, not even after the attempt has ended") {
  CoreBench bench;
  bench.join();
  bench.hear(assign({a}));
  bench.hear(assign({a}));
  CHECK(bench.take().size() == 1);
  bench.give(finished(a));
  bench.tick();
  bench.hear(ResultsOk{{a}, {}});
  bench.take();
  bench.hear(assign({a}));
  bench.tick();
  CHECK(bench.take() == Actions{});
}

TEST_CASE("attempt: heartbeats list it in every phase until its result is confirmed") {
  CoreBench bench(bench_options(2, 1));
  bench.join();
  bench.hear(assign({a, b, c}));
  bench.give(ExecutorStarted{a});
  bench.give(ExecutorProgress{a, 500, "half"});
  bench.take();
  bench.pass(milliseconds(1100));
  std::vector<AttemptStatus> listed;
  for (const Action& action : bench.take())
    if (const auto* send = std::get_if<Send>(&action))
      if (const auto* beat = std::get_if<Heartbeat>(&send->message)) listed = beat->attempts;
  CHECK(listed == std::vector<AttemptStatus>{{a.task, a.token, AttemptPhase::running, 500, "half"},
                                             {b.task, b.token, AttemptPhase::starting, 0, ""},
                                             {c.task, c.token, AttemptPhase::queued, 0, ""}});
}

TEST_CASE("attempt: progress leaves at most four times a second") {
  CoreBench bench;
  bench.join();
  run_one(bench, a);
  std::size_t messages = 0;
  for (std::uint32_t i = 1; i <= 100; ++i) {
    bench.give(ExecutorProgress{a, i * 10, ""});
    for (const Message& message : bench.live(milliseconds(20), milliseconds(20)))
      if (std::holds_alternative<Progress>(message)) ++messages;
  }
  CHECK(messages >= 7);
  CHECK(messages <= 9);
}

TEST_CASE("abort: a waiting attempt is dropped at once") {
  CoreBench bench;
  bench.join();
  bench.hear(assign({a, b}));
  bench.take();
  bench.hear(Abort{{b}, AbortReason::reclaimed, 10000});
  bench.tick();
  CHECK(bench.take() == Actions{Send{1, Aborted{{b}}}});
}

TEST_CASE("abort: what was asked back and has begun meanwhile goes on") {
  CoreBench bench(bench_options(2, 1));
  bench.join();
  run_one(bench, a);
  bench.hear(assign({b}));  // starting
  bench.take();
  bench.hear(Abort{{a, b}, AbortReason::reclaimed, 10000});
  bench.tick();
  CHECK(bench.take() == Actions{});
  bench.give(ExecutorStarted{b});
  bench.give(finished(a));
  bench.tick();
  CHECK(bench.take() == Actions{Send{1, Started{{b}}}, Send{1, Results{{result_of(finished(a))}}}});
}

TEST_CASE("abort: a running attempt is cancelled and confirmed when its executor ends") {
  CoreBench bench;
  bench.join();
  run_one(bench, a);
  bench.hear(Abort{{a}, AbortReason::cancelled, 10000});
  CHECK(bench.take() == Actions{CancelAttempt{a, "aborted by the broker"}});
  bench.give(failed(a, Code::cancelled));
  bench.tick();
  CHECK(bench.take() == Actions{Send{1, Aborted{{a}}}});
}

TEST_CASE("abort: a result that was ready all the same is reported") {
  CoreBench bench;
  bench.join();
  run_one(bench, a);
  bench.hear(Abort{{a}, AbortReason::cancelled, 10000});
  bench.take();
  bench.give(finished(a));
  bench.tick();
  CHECK(bench.take() == Actions{Send{1, Results{{result_of(finished(a))}}}});
}

TEST_CASE("abort: what does not end within its grace is killed and then confirmed") {
  CoreBench bench(bench_options(1, 0));
  bench.join();
  run_one(bench, a);
  bench.hear(Abort{{a}, AbortReason::cancelled, 500});
  CHECK(bench.take_deeds() == Actions{CancelAttempt{a, "aborted by the broker"}});
  bench.pass(milliseconds(499));
  CHECK(bench.take_deeds() == Actions{});
  bench.pass(milliseconds(1));
  CHECK(bench.take_deeds() == Actions{KillAttempt{a, "aborted by the broker"}});
  bench.pass(milliseconds(100));
  CHECK(bench.take_deeds() == Actions{});  // once
  bench.give(crashed(a));
  bench.tick();
  CHECK(bench.take_deeds() == Actions{Send{1, Aborted{{a}}}});
}

TEST_CASE(
    "abort: what can not even be killed is given up, and its slot stays taken until it ends") {
  for (const bool killable : {true, false}) {
    Options options = bench_options(1, 0);
    options.executors_killable = killable;
    CoreBench bench(options);
    bench.join();
    run_one(bench, a);
    bench.hear(Abort{{a}, AbortReason::cancelled, 2000});
    bench.take();
    CHECK(bench.live(milliseconds(1900)) == std::vector<Message>{});
    const std::vector<Message> said =
        bench.live(killable ? options.kill_wait + milliseconds(200) : milliseconds(200));
    CHECK(said == std::vector<Message>{Aborted{{a}}});
    CHECK(credit_of(bench.state()) == 0);
    bench.hear(assign({b}));
    CHECK(bench.take() == Actions{});
    bench.give(failed(a, Code::cancelled));
    CHECK(bench.take() == Actions{StartAttempt{spec_of(b), step_info()}});
  }
}

TEST_CASE("abort: an at_most_once attempt is killed but never given up while it may run") {
  for (const bool killable : {true, false}) {
    Options options = bench_options(1, 1);
    options.executors_killable = killable;
    CoreBench bench(options);
    bench.join();
    StepInfo step = step_info();
    step.at_most_once = true;
    run_one(bench, a, step);
    bench.hear(Abort{{a}, AbortReason::cancelled, 1000});
    bench.take();
    CHECK(bench.live(seconds(60)) == std::vector<Message>{});
    CHECK(bench.state().attempts.at(key_of(a)).stop->killed == killable);
    bench.give(failed(a, Code::cancelled));
    bench.tick();
    CHECK(bench.take() == Actions{Send{1, Aborted{{a}}}});
  }
}

TEST_CASE("start: an executor that can not be started hands the work back and pauses the credit") {
  CoreBench bench(bench_options(1, 1));
  bench.join();
  bench.hear(assign({a, b}));
  bench.take();
  bench.give(ExecutorUnavailable{a, "no memory"});
  Actions deeds = bench.take_deeds();
  REQUIRE(deeds.size() == 1);
  const auto& beat = std::get<Heartbeat>(std::get<Send>(deeds[0]).message);
  CHECK(beat.credit == 0);
  CHECK(beat.reason == "no executor can be started: no memory");
  bench.tick();
  CHECK(bench.take_deeds() == Actions{Send{1, Aborted{{a, b}}}});
  bench.hear(assign({c}));  // sent before the heartbeat arrived
  bench.tick();
  CHECK(bench.take_deeds() == Actions{Send{1, Aborted{{c}}}});
  bench.live(milliseconds(1100));
  CHECK(credit_of(bench.state()) == 2);
  const AttemptId d = attempt(3, 4), e = attempt(4, 5);
  bench.hear(assign({d}));
  bench.give(ExecutorUnavailable{d, "no memory"});
  bench.take();
  bench.live(milliseconds(1900));
  CHECK(credit_of(bench.state()) == 0);  // the second wait is twice as long
  bench.live(milliseconds(200));
  CHECK(credit_of(bench.state()) == 2);
  bench.hear(assign({e}));
  bench.give(ExecutorStarted{e});
  CHECK(bench.state().start_failures == 0);
  bench.take();
}

TEST_CASE("crash: a process that ended by a signal is reported with its last words") {
  CoreBench bench;
  bench.join();
  run_one(bench, a);
  bench.give(crashed(a));
  bench.tick();
  CHECK(bench.take() == Actions{Send{1, Results{{result_of(crashed(a))}}}});
}

TEST_CASE("abort: unknown attempts are confirmed, finished ones are left to their result") {
  CoreBench bench;
  bench.join();
  run_one(bench, a);
  bench.give(finished(a));
  bench.tick();
  bench.take();
  bench.hear(Abort{{a, c}, AbortReason::cancelled, 1000});
  bench.tick();
  CHECK(bench.take() == Actions{Send{1, Aborted{{c}}}});
}

TEST_CASE("timeout: the worker enforces it too and reports it as an error") {
  CoreBench bench;
  bench.join();
  StepInfo step = step_info();
  step.timeout_ms = 5000;
  run_one(bench, a, step);
  bench.live(milliseconds(4900));
  bench.pass(milliseconds(100));
  const Actions deeds = bench.take_deeds();
  REQUIRE(!deeds.empty());
  CHECK(std::get<CancelAttempt>(deeds[0]).attempt == a);
  bench.give(failed(a, Code::cancelled));
  bench.tick();
  const Actions sent = bench.take();
  REQUIRE(!sent.empty());
  const TaskResult& result = std::get<Results>(std::get<Send>(sent.back()).message).results.at(0);
  CHECK(result.outcome == Outcome::error);
  CHECK(result.error.code == static_cast<std::uint16_t>(Code::deadline_exceeded));
}

TEST_CASE("timeout: progress keeps a task with a progress timeout alive, silence ends it") {
  CoreBench bench;
  bench.join();
  StepInfo step = step_info();
  step.progress_timeout_ms = 1000;
  run_one(bench, a, step);
  for (std::uint32_t i = 0; i < 10; ++i) {
    bench.give(ExecutorProgress{a, i, ""});
    bench.live(milliseconds(500));
  }
  CHECK_FALSE(bench.state().attempts.at(key_of(a)).stop.has_value());
  bench.live(milliseconds(600));
  CHECK(bench.state().attempts.at(key_of(a)).stop.has_value());
}

TEST_CASE("silence: after a lease without HeartbeatAck at_most_once attempts end, others go on") {
  CoreBench bench(bench_options(2, 2));
  bench.join();
  StepInfo once = step_info();
  once.at_most_once = true;
  run_one(bench, a);
  run_one(bench, b, once);
  bench.give(Closed{1, "x"});
  for (int i = 0; i < 16; ++i) {
    bench.pass(seconds(1));
    for (const Action& action : bench.take())
      if (const auto* connect = std::get_if<Connect>(&action))
        bench.give(Closed{connect->connection, "still nobody"});
  }
  CHECK(bench.state().attempts.at(key_of(b)).stop->killed);  // no grace: it must not run twice
  CHECK_FALSE(bench.state().attempts.at(key_of(a)).stop.has_value());
  bench.give(failed(b, Code::cancelled));
  const TaskResult& kept = *bench.state().attempts.at(key_of(b)).result;
  CHECK(kept.permanent);
  CHECK(kept.error.code == static_cast<std::uint16_t>(Code::worker_lost));
  bench.take();
}

TEST_CASE("silence: after the orphan timeout everything ends, finished results stay") {
  Options options = bench_options(2, 2);
  options.orphan_timeout = seconds(60);
  CoreBench bench(options);
  bench.join();
  run_one(bench, a);
  run_one(bench, b);
  bench.give(finished(b));
  bench.give(Closed{1, "x"});
  for (int i = 0; i < 61; ++i) {
    bench.pass(seconds(1));
    for (const Action& action : bench.take())
      if (const auto* connect = std::get_if<Connect>(&action))
        bench.give(Closed{connect->connection, "still nobody"});
  }
  CHECK(bench.state().attempts.at(key_of(a)).stop.has_value());
  CHECK(bench.state().attempts.at(key_of(b)).phase == AttemptPhase::reporting);
  bench.take();
}

TEST_CASE("epoch: a restarted broker is told what is held, and running work goes on") {
  CoreBench bench;
  bench.join(1);
  run_one(bench, a);
  bench.give(Closed{1, "x"});
  bench.pass(seconds(1));
  bench.give(Connected{2});
  bench.take();
  bench.hear(CoreBench::welcome(2));
  bench.take();
  CHECK(bench.state().attempts.at(key_of(a)).phase == AttemptPhase::running);
  bench.give(finished(a));
  bench.tick();
  CHECK(bench.take().size() == 1);
}

TEST_CASE("attempt: a start between Hello and Welcome is still told") {
  CoreBench bench;
  bench.join();
  bench.hear(assign({a}));
  bench.give(Closed{1, "x"});
  bench.pass(seconds(1));
  bench.give(Connected{2});
  bench.give(ExecutorStarted{a});
  bench.hear(CoreBench::welcome());
  bench.take();
  bench.tick();
  CHECK(bench.take() == Actions{Send{2, Started{{a}}}});
}

TEST_CASE(
    "drain: waiting attempts go back, running ones finish and are handed over, then Goodbye") {
  CoreBench bench;
  bench.join();
  run_one(bench, a);
  bench.hear(assign({b}));
  bench.give(DrainRequested{});
  bench.tick();
  const Actions deeds = bench.take_deeds();
  REQUIRE(deeds.size() == 2);
  CHECK(std::get<Heartbeat>(std::get<Send>(deeds[0]).message).draining);
  CHECK(deeds[1] == Action{Send{1, Aborted{{b}}}});
  bench.hear(assign({c}));
  bench.tick();
  CHECK(bench.take() == Actions{Send{1, Aborted{{c}}}});
  bench.give(finished(a));
  bench.tick();
  CHECK(bench.take() == Actions{Send{1, Results{{result_of(finished(a))}}}});
  bench.hear(ResultsOk{{a}, {}});
  bench.tick();
  CHECK(bench.take() ==
        Actions{Send{1, Goodbye{"drained"}}, Disconnect{1, "drained"}, Exit{0, "drained"}});
}

TEST_CASE("drain: results that nobody takes are waited for only so long") {
  CoreBench bench;
  bench.join();
  run_one(bench, a);
  bench.give(DrainRequested{});
  bench.give(finished(a));
  bench.tick();
  bench.take();
  bench.live(seconds(29));
  CHECK(bench.core().next_wakeup().has_value());
  bench.live(seconds(2));
  CHECK_FALSE(bench.core().next_wakeup().has_value());
}

TEST_CASE("credit: results above the bound stop new grants") {
  Options options = bench_options(1, 3);
  options.unreported_bytes_max = 1000;
  CoreBench bench(options);
  bench.join();
  CHECK(credit_of(bench.state()) == 4);
  run_one(bench, a);
  bench.give(finished(a, std::string(2000, 'x')));
  CHECK(credit_of(bench.state()) == 0);
  bench.tick();
  bench.take();
  bench.hear(ResultsOk{{a}, {}});
  CHECK(credit_of(bench.state()) == 4);
}

TEST_CASE(
    "assign: an unknown task type is answered with an error, a missing step by handing it back") {
  CoreBench bench;
  bench.join();
  StepInfo strange = step_info();
  strange.type = "juggle";
  bench.hear(assign({a}, strange));
  Assign broken = assign({b});
  broken.attempts[0].step = 7;
  bench.hear(broken);
  bench.tick();
  const Actions deeds = bench.take_deeds();
  REQUIRE(deeds.size() == 2);
  CHECK(std::get<Results>(std::get<Send>(deeds[0]).message).results.at(0).outcome ==
        Outcome::error);
  CHECK(deeds[1] == Action{Send{1, Aborted{{b}}}});
}

TEST_CASE("assign: a broker that ignores credit gets the surplus back") {
  CoreBench bench(bench_options(1, 1));
  bench.join();
  std::vector<AttemptId> many;
  for (std::uint32_t i = 0; i < 1000; ++i) many.push_back(attempt(i, i + 1));
  bench.hear(assign(many));
  CHECK(bench.state().attempts.size() <= 32);
  bench.tick();
  bench.take();
}

}  // namespace
}  // namespace framebus::worker
