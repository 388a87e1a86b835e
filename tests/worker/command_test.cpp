// The worker core's commands and preparations.
#include "tests/worker/core_bench.h"

namespace framebus::worker {
namespace {

const AttemptId a = attempt(0, 1);
const Bytes payload = {'x'};

WireError error_of(Code code, const std::string& text, std::int64_t retry_after_ms = 0) {
  return {static_cast<std::uint16_t>(code), text, retry_after_ms};
}

TEST_CASE("command: carried out beside the loop and answered by its id") {
  CoreBench bench;
  bench.join();
  bench.hear(RunCommand{77, "ping", payload, 5000});
  CHECK(bench.take() == Actions{StartCommand{1, "ping", payload, 0}});
  bench.give(CommandFinished{1, {}, {'y'}});
  CHECK(bench.take() == Actions{Send{1, CommandReply{77, {}, {'y'}}}});
  bench.give(CommandFinished{1, {}, {'y'}});
  CHECK(bench.take() == Actions{});
}

TEST_CASE("command: an unknown one is not_found and lists the known ones") {
  CoreBench bench;
  bench.join();
  bench.hear(RunCommand{77, "pong", {}, 0});
  CHECK(bench.take() ==
        Actions{Send{1, CommandReply{77,
                                     error_of(Code::not_found,
                                              "this worker has no command 'pong'; it has: ping "
                                              "prepare"),
                                     {}}}});
}

TEST_CASE("command: above the bound it is refused with limit, count and a time to come back") {
  Options options = bench_options();
  options.commands_max = 2;
  CoreBench bench(options);
  bench.join();
  for (std::uint64_t i = 1; i <= 2; ++i) bench.hear(RunCommand{i, "ping", {}, 0});
  CHECK(bench.take() == Actions{StartCommand{1, "ping", {}, 0}, StartCommand{2, "ping", {}, 0}});
  bench.hear(RunCommand{3, "ping", {}, 0});
  CHECK(bench.take() ==
        Actions{
            Send{1, CommandReply{3,
                                 error_of(Code::resource_exhausted,
                                          "2 commands are not finished; at most 2 are taken", 1000),
                                 {}}}});
}

TEST_CASE("command: its deadline answers it and cancels what runs") {
  CoreBench bench;
  bench.join();
  bench.hear(RunCommand{5, "ping", {}, 300});
  bench.take();
  bench.pass(milliseconds(299));
  CHECK(bench.take() == Actions{});
  CHECK(*bench.core().next_wakeup() == bench.now() + milliseconds(1));
  bench.pass(milliseconds(1));
  CHECK(bench.take() ==
        Actions{Send{1, CommandReply{5,
                                     error_of(Code::deadline_exceeded,
                                              "the command 'ping' was not done within its "
                                              "deadline"),
                                     {}}},
                CancelCommand{1}});
  bench.give(CommandFinished{1, {}, {}});
  CHECK(bench.take() == Actions{});
}

TEST_CASE("command: belongs to its connection, what was left is cancelled and never answered") {
  CoreBench bench;
  bench.join();
  bench.hear(RunCommand{5, "ping", {}, 0});
  bench.take();
  bench.give(Closed{1, "x"});
  CHECK(bench.take_deeds() == Actions{Disconnect{1, "x"}, CancelCommand{1}});
  bench.join();
  bench.give(CommandFinished{1, {}, {}});
  CHECK(bench.take() == Actions{});
  CHECK(bench.state().commands.empty());
}

TEST_CASE("prepare: is done before the next task starts") {
  CoreBench bench;
  bench.join();
  bench.hear(Prepare{7, "prepare:scene", payload});
  CHECK(bench.take() == Actions{StartCommand{1, "prepare:scene", payload, 7}});
  bench.hear(assign({a}));
  CHECK(bench.take() == Actions{});
  bench.give(CommandFinished{1, {}, {}});
  CHECK(bench.take() ==
        Actions{Send{1, Ready{7, "prepare:scene", {}, {}}}, StartAttempt{spec_of(a), step_info()}});
}

TEST_CASE("prepare: a newer one of its name replaces it, an older one is not carried out") {
  CoreBench bench;
  bench.join();
  bench.hear(Prepare{7, "prepare", {'1'}});
  bench.take();
  bench.hear(Prepare{9, "prepare", {'2'}});
  CHECK(bench.take() == Actions{CancelCommand{1}, StartCommand{2, "prepare", {'2'}, 9}});
  bench.hear(Prepare{8, "prepare", {'3'}});
  CHECK(bench.take() == Actions{});
  bench.give(CommandFinished{1, {}, {}});
  CHECK(bench.take() == Actions{});
  bench.give(CommandFinished{2, {}, {}});
  CHECK(bench.take() == Actions{Send{1, Ready{9, "prepare", {}, {}}}});
}

TEST_CASE("prepare: goes on over a reconnect, and what is done is told again, not done again") {
  CoreBench bench;
  bench.join();
  bench.hear(Prepare{7, "prepare", payload});
  bench.take();
  bench.give(Closed{1, "x"});
  CHECK(bench.take_deeds() == Actions{Disconnect{1, "x"}});
  bench.pass(seconds(1));
  bench.give(Connected{bench.connection()});
  bench.hear(CoreBench::welcome(1));
  bench.take();
  bench.hear(Prepare{7, "prepare", payload});
  CHECK(bench.take() == Actions{});
  bench.give(CommandFinished{1, {}, {'r'}});
  CHECK(bench.take() == Actions{Send{2, Ready{7, "prepare", {}, {'r'}}}});
  bench.hear(Prepare{7, "prepare", payload});
  CHECK(bench.take() == Actions{Send{2, Ready{7, "prepare", {}, {'r'}}}});
}

TEST_CASE("prepare: load ids of another epoch are new") {
  CoreBench bench;
  bench.join(1);
  bench.hear(Prepare{7, "prepare", payload});
  bench.give(CommandFinished{1, {}, {}});
  bench.give(Closed{1, "x"});
  bench.pass(seconds(1));
  bench.give(Connected{bench.connection()});
  bench.hear(CoreBench::welcome(2));
  bench.take();
  bench.hear(Prepare{1, "prepare", {'2'}});
  CHECK(bench.take() == Actions{StartCommand{2, "prepare", {'2'}, 1}});
}

}  // namespace
}  // namespace framebus::worker
