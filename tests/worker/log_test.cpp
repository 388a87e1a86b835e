// The worker core's logs: sent in batches, kept until confirmed, bounded.
#include "tests/worker/core_bench.h"

namespace framebus::worker {
namespace {

const AttemptId a = attempt(0, 1), b = attempt(1, 2);

Bytes bytes(const std::string& text) {
  return Bytes(text.begin(), text.end());
}

LogChunk chunk(const AttemptId& id, std::uint64_t offset, const std::string& text) {
  return {id.task, id.token, offset, bytes(text)};
}

// Joined, with `a` running and its Started sent.
void run(CoreBench& bench, const AttemptId& id = a) {
  bench.hear(assign({id}));
  bench.give(ExecutorStarted{id});
  bench.tick();
  bench.take();
}

void reconnect(CoreBench& bench) {
  bench.give(Closed{bench.connection(), "x"});
  bench.pass(seconds(1));
  bench.give(Connected{bench.connection()});
  bench.hear(CoreBench::welcome());
  bench.take();
}

std::vector<LogChunk> logs_in(const Actions& actions) {
  std::vector<LogChunk> chunks;
  for (const Action& action : actions)
    if (const auto* send = std::get_if<Send>(&action))
      if (const auto* log = std::get_if<Log>(&send->message))
        chunks.insert(chunks.end(), log->chunks.begin(), log->chunks.end());
  return chunks;
}

TEST_CASE("log: the first line leaves at once, later ones at most five times a second") {
  CoreBench bench;
  bench.join();
  run(bench);
  bench.give(ExecutorLog{a, 0, bytes("one\n")});
  bench.tick();
  CHECK(bench.take() == Actions{Send{1, Log{{chunk(a, 0, "one\n")}}}});
  std::size_t messages = 0;
  for (int i = 0; i < 50; ++i) {
    bench.give(ExecutorLog{a, 0, bytes("more\n")});
    for (const Message& said : bench.live(milliseconds(20), milliseconds(20)))
      messages += std::holds_alternative<Log>(said);
  }
  CHECK(messages >= 4);
  CHECK(messages <= 6);
}

TEST_CASE("log: much text does not wait for the interval") {
  CoreBench bench;
  bench.join();
  run(bench);
  bench.give(ExecutorLog{a, 0, bytes("x")});
  bench.tick();
  bench.take();
  const std::string much(70'000, 'y');
  bench.give(ExecutorLog{a, 0, bytes(much)});
  bench.tick();
  std::string text;
  for (const LogChunk& each : logs_in(bench.take())) text += text_of(each.bytes);
  CHECK(text == much);
}

TEST_CASE("log: what an attempt has written leaves before its result") {
  CoreBench bench;
  bench.join();
  run(bench);
  bench.give(ExecutorLog{a, 0, bytes("one\n")});
  bench.tick();
  bench.take();
  bench.give(ExecutorLog{a, 0, bytes("two\n")});
  bench.give(finished(a));
  bench.tick();
  CHECK(bench.take() ==
        Actions{Send{1, Log{{chunk(a, 4, "two\n")}}}, Send{1, Results{{result_of(finished(a))}}}});
}

TEST_CASE("log: kept until LogOk, also beyond the result, and sent again on a new connection") {
  CoreBench bench;
  bench.join();
  run(bench);
  bench.give(ExecutorLog{a, 0, bytes("one\n")});
  bench.give(finished(a));
  bench.tick();
  bench.hear(ResultsOk{{a}, {}});
  bench.take();
  CHECK(bench.state().logs.size() == 1);
  reconnect(bench);
  bench.tick();
  CHECK(bench.take() == Actions{Send{2, Log{{chunk(a, 0, "one\n")}}}});
  bench.hear(LogOk{{{a.task, a.token, 4}}});
  CHECK(bench.state().logs.empty());
  CHECK(bench.state().log_bytes == 0);
}

TEST_CASE("log: a confirmation of part frees that part, a repeat and a lie change nothing") {
  CoreBench bench;
  bench.join();
  run(bench);
  bench.give(ExecutorLog{a, 0, bytes(std::string(40'000, 'x'))});
  bench.tick();
  bench.take();
  bench.hear(LogOk{{{a.task, a.token, 32768}}});
  CHECK(bench.state().log_bytes == 40'000 - 32768);
  bench.hear(LogOk{{{a.task, a.token, 10}}});
  bench.hear(LogOk{{{b.task, b.token, 10}, {a.task, a.token, UINT64_MAX}}});
  CHECK(bench.state().log_bytes == 0);
  CHECK(bench.state().log_bytes_in_flight == 0);
}

TEST_CASE("log: without a broker the middle of a long log is given up and the offset jumps") {
  CoreBench bench;
  bench.join();
  run(bench);
  bench.give(Closed{1, "x"});
  for (int i = 0; i < 1000; ++i) bench.give(ExecutorLog{a, 0, bytes(std::string(1000, 'x'))});
  CHECK(bench.state().log_bytes <= bench.state().options.attempt_log_bytes_max);
  bench.take();
  bench.pass(seconds(1));
  bench.give(Connected{bench.connection()});
  bench.hear(CoreBench::welcome());
  bench.tick();
  const std::vector<LogChunk> chunks = logs_in(bench.take());
  REQUIRE(chunks.size() >= 2);
  CHECK(chunks.front().offset == 0);
  CHECK(chunks.back().offset + chunks.back().bytes.size() == 1'000'000);
  std::size_t gaps = 0;
  for (std::size_t i = 1; i < chunks.size(); ++i)
    gaps += chunks[i].offset != chunks[i - 1].offset + chunks[i - 1].bytes.size();
  CHECK(gaps == 1);
  CHECK(bench.state().log_bytes + bench.state().log_bytes_given_up == 1'000'000);
}

TEST_CASE("log: all logs together keep their bound, those of attempts that are over go first") {
  Options options = bench_options(1, 4);
  options.log_bytes_max = 100'000;
  CoreBench bench(options);
  bench.join();
  run(bench);
  bench.give(ExecutorLog{a, 0, bytes(std::string(60'000, 'a'))});
  bench.give(finished(a));
  bench.tick();
  bench.hear(ResultsOk{{a}, {}});
  run(bench, b);
  bench.give(ExecutorLog{b, 0, bytes(std::string(90'000, 'b'))});
  CHECK_FALSE(bench.state().logs.contains(key_of(a)));
  CHECK(bench.state().logs.at(key_of(b)).bytes == 90'000);
  bench.give(ExecutorLog{b, 0, bytes(std::string(90'000, 'c'))});
  CHECK(bench.state().log_bytes <= 100'000);
  CHECK(bench.state().logs.at(key_of(b)).end == 180'000);
  bench.take();
}

TEST_CASE("log: a broker that confirms nothing holds up logs, not results") {
  CoreBench bench;
  bench.join();
  run(bench);
  std::size_t sent = 0;
  for (int i = 0; i < 100; ++i) {
    bench.give(ExecutorLog{a, 0, bytes(std::string(64 * 1024, 'x'))});
    for (const Message& said : bench.live(milliseconds(300), milliseconds(300)))
      if (const auto* log = std::get_if<Log>(&said))
        for (const LogChunk& each : log->chunks) sent += each.bytes.size();
  }
  CHECK(sent >= 1'000'000);
  CHECK(sent <= 1'300'000);
  CHECK(bench.core().next_wakeup() > bench.now());  // no busy loop meanwhile
  bench.give(finished(a));
  bench.tick();
  const Actions said = bench.take_deeds();
  REQUIRE_FALSE(said.empty());
  CHECK(std::holds_alternative<Results>(std::get<Send>(said.back()).message));
}

TEST_CASE("log: what the shell gave up is a jump, and a log nobody asked for is dropped") {
  CoreBench bench;
  bench.join();
  run(bench);
  bench.give(ExecutorLog{a, 1000, bytes("end\n")});
  bench.give(ExecutorLog{b, 0, bytes("who?\n")});
  bench.tick();
  CHECK(bench.take() == Actions{Send{1, Log{{chunk(a, 1000, "end\n")}}}});
  bench.give(finished(a));
  bench.tick();
  bench.take();
  bench.hear(ResultRejected{a, RejectReason::unknown});
  CHECK(bench.state().logs.empty());
  bench.take();
}

}  // namespace
}  // namespace framebus::worker
