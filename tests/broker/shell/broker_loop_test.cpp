// The whole loop, with a clock, sockets and a store that do what the test says: a disk that is
// behind and a loop that stands still lose no message, change no order and cost nobody a lease.
#include "broker/shell/broker_loop.h"

#include <doctest/doctest.h>

#include <deque>
#include <functional>

#include "broker/core/state.h"
#include "tests/broker/shell/fake_router.h"
#include "tests/broker/shell/running_server.h"
#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus::broker {
namespace {

using framebus::test::echo_job;
using framebus::test::FakeRouter;
using framebus::test::RunningServer;
using framebus::test::ScratchDirectory;

constexpr PeerId primary{5};
constexpr PeerId worker{6};
constexpr Duration lease = seconds(15);  // the default

// Takes nothing while it is full; what it took is durable when it is next asked.
class TightStore final : public Store {
 public:
  Status replay(const RecordSink&) override { return {}; }
  std::uint64_t last_lsn() const override { return records.size(); }
  Status append(TimePoint, std::vector<Record>&& more) override {
    if (is_full) return fail(Code::resource_exhausted, "the backlog is full");
    for (Record& record : more) records.push_back(std::move(record));
    more.clear();
    return {};
  }
  Result<std::uint64_t> durable() override { return records.size(); }
  Status sync() override { return {}; }
  StoreStats stats() const override { return {}; }

  template <class R>
  std::vector<R> all() const {
    std::vector<R> found;
    for (const Record& record : records)
      if (const auto* each = std::get_if<R>(&record)) found.push_back(*each);
    return found;
  }

  bool is_full = false;
  std::vector<Record> records;
};

// Each wait takes as long as it may, and runs the next step of the test; behind the last one the
// loop is stopped.
class Script final : public LoopPulse {
 public:
  TimePoint now() const override { return now_; }
  void wait(const std::vector<RouterSocket*>& sockets, Duration timeout) override {
    reads = !sockets.empty();
    now_ += timeout;
    if (steps.empty()) return stop();
    if (!steps.front()()) return;
    steps.pop_front();
  }
  void stand_still(Duration duration) { now_ += duration; }

  std::function<void()> stop;
  std::deque<std::function<bool()>> steps;  // false: once more at the next wait
  bool reads = false;                       // in this wait

 private:
  TimePoint now_{seconds(1'000'000)};
};

struct Bench {
  static std::unique_ptr<LogKeeper> start_logs(const std::filesystem::path& directory) {
    LogKeeperOptions options;
    options.store.directory = directory;
    return LogKeeper::start(std::move(options), [] {}).value();
  }

  Bench() {
    script.stop = [this] { loop.request_stop(); };
  }

  static void arrive(FakeRouter& router, PeerId peer, const Message& message) {
    const WireFrames frames = encode(message, true);
    Incoming incoming;
    incoming.peer = peer;
    for (const auto& part : frames.parts) incoming.parts.emplace_back(part.begin(), part.end());
    router.arrivals.push_back(std::move(incoming));
  }
  void from_primary(const Message& message) { arrive(primaries, primary, message); }
  void from_worker(const Message& message) { arrive(workers, worker, message); }

  // ---- the script
  void then(std::function<void()> step) {
    script.steps.push_back([step = std::move(step)] {
      step();
      return true;
    });
  }
  void let_pass(Duration duration) {
    auto until = std::make_shared<std::optional<TimePoint>>();  // shared: functions are copied
    script.steps.push_back([this, until, duration] {
      if (!*until) *until = script.now() + duration;
      return script.now() >= **until;
    });
  }
  // A worker runs the one task of a job, and is not heard of again.
  void a_task_runs() {
    then([this] {
      from_worker(RunningServer::worker_hello());
      Hello hello;
      hello.role = Role::primary;
      from_primary(hello);
    });
    let_pass(seconds(1));
    then([this] {
      Heartbeat beat;
      beat.sequence = 1;
      beat.credit = 1;
      from_worker(beat);
      from_primary(echo_job(1, 1, 1));
    });
    let_pass(seconds(1));
    then([this] {
      const auto assigns = sent<Assign>(workers, worker);
      REQUIRE(assigns.size() == 1);
      const AttemptSpec& attempt = assigns[0].attempts.at(0);
      from_worker(Started{{{attempt.task, attempt.token}}});
    });
    let_pass(seconds(1));
    then([this] { CHECK(store.all<TaskStarted>().size() == 1); });
  }

  template <class M>
  static std::vector<M> sent(FakeRouter& router, PeerId peer) {
    std::vector<M> found;
    for (const Message& message : router.sent[peer])
      if (const auto* each = std::get_if<M>(&message)) found.push_back(*each);
    return found;
  }
  std::vector<std::uint64_t> accepted() {  // requests, in the order of their answers
    std::vector<std::uint64_t> requests;
    for (const SubmitOk& each : sent<SubmitOk>(primaries, primary))
      requests.push_back(each.request);
    return requests;
  }
  bool still_runs() const { return store.all<AttemptEnded>().empty(); }
  void run() {
    REQUIRE(loop.run());
    CHECK(script.steps.empty());
    CHECK(core.state().lsn == store.records.size());
    delivery.check_conservation();
    core.check_invariants();
  }

  ScratchDirectory scratch;
  FakeRouter primaries;
  FakeRouter workers;
  const Delivery::Routers routers{&primaries, &workers};
  SessionTable sessions;
  Delivery delivery{sessions, routers, 16 * limits::MiB};
  std::unique_ptr<BlobStore> blobs = open_blob_store(scratch / "blobs", false).value();
  InputCheck inputs{*blobs, [] {}};
  Core core{Options{}, 1};
  Intake intake{sessions, delivery, inputs, core, routers, {}};
  TightStore store;
  CommitPipeline pipeline{store};
  LoopCounters counters;
  RecoveryFacts recovery;
  Housekeeping housekeeping{scratch / "", store, 0, 100, delivery, sessions};
  std::unique_ptr<LogKeeper> logs = start_logs(scratch / "logs");
  StatusCounters status{{counters, recovery, sessions, intake, delivery, pipeline, store,
                         housekeeping.disk(), *logs, nullptr}};
  Carrier carrier{delivery, *logs, nullptr, nullptr, status, core};
  Wakeup wakeup;
  Script script;
  BrokerLoop loop{{core, pipeline, intake, delivery, sessions, carrier, housekeeping, counters,
                   wakeup, routers, script}};
};

TEST_CASE("loop: while the disk is behind nobody is read, nothing is lost and no lease ends") {
  Bench bench;
  bench.a_task_runs();
  bench.then([&] {
    bench.store.is_full = true;
    bench.from_primary(echo_job(2, 3, 2));
  });
  bench.let_pass(milliseconds(500));
  bench.then([&] {
    for (std::uint8_t i = 3; i <= 20; ++i) bench.from_primary(echo_job(i, 3, i));
  });
  bench.let_pass(lease + seconds(5));
  bench.then([&] {
    CHECK_FALSE(bench.script.reads);
    CHECK(bench.primaries.arrivals.size() == 18);  // they wait where they are
    CHECK(bench.accepted() == std::vector<std::uint64_t>{1});
    CHECK(bench.counters.pauses == 1);
    bench.store.is_full = false;
  });
  bench.let_pass(seconds(1));
  bench.then([&] {
    CHECK(bench.script.reads);
    CHECK(bench.primaries.arrivals.empty());
    CHECK(bench.counters.paused_ms >= 20'000);
    CHECK(bench.counters.stalls == 0);
  });
  bench.let_pass(seconds(7));
  bench.then([&] { CHECK(bench.still_runs()); });
  bench.let_pass(seconds(10));
  bench.then([&] { CHECK_FALSE(bench.still_runs()); });  // it is not put off for ever
  bench.run();
  std::vector<std::uint64_t> in_order;
  for (std::uint64_t i = 1; i <= 20; ++i) in_order.push_back(i);
  CHECK(bench.accepted() == in_order);
  const auto jobs = bench.store.all<JobAccepted>();
  REQUIRE(jobs.size() == 20);
  for (std::size_t i = 0; i < jobs.size(); ++i) CHECK(jobs[i].submit_id.bytes[0] == i + 1);
}

TEST_CASE("loop: a disk that is behind again and again is a pause each, in the same order") {
  Bench bench;
  bench.a_task_runs();
  for (std::uint8_t round = 0; round < 5; ++round) {
    bench.then([&bench, round] {
      bench.store.is_full = true;
      for (std::uint8_t i = 0; i < 4; ++i) {
        const auto number = static_cast<std::uint8_t>(2 + round * 4 + i);
        bench.from_primary(echo_job(number, 1, number));
      }
    });
    bench.let_pass(seconds(7));
    bench.then([&bench, round] {
      CHECK(bench.accepted().size() == 1 + std::size_t{round} * 4);
      bench.store.is_full = false;
    });
    bench.let_pass(milliseconds(500));
  }
  bench.then([&] { CHECK(bench.still_runs()); });  // 35 s of which it was heard for 3
  bench.run();
  CHECK(bench.counters.pauses == 5);
  CHECK(bench.accepted().size() == 21);
  CHECK(std::ranges::is_sorted(bench.accepted()));
}

TEST_CASE("loop: after standing still it reads what has come, in order, before a lease is judged") {
  Bench bench;
  bench.a_task_runs();
  constexpr std::uint64_t count = 1'000;  // several turns of 256
  bench.then([&] {
    bench.script.stand_still(lease + seconds(5));
    for (std::uint64_t request = 2; request < 2 + count; ++request)
      bench.from_primary(Query{request, QueryKind::jobs, {}, 0, 0});
  });
  bench.let_pass(seconds(7));
  bench.then([&] {
    CHECK(bench.counters.stalls == 1);
    CHECK(bench.counters.pauses == 0);
    CHECK(bench.still_runs());
  });
  bench.let_pass(seconds(10));
  bench.then([&] { CHECK_FALSE(bench.still_runs()); });
  bench.run();
  const auto replies = Bench::sent<QueryReply>(bench.primaries, primary);
  REQUIRE(replies.size() == count);
  for (std::uint64_t i = 0; i < count; ++i) CHECK(replies[i].request == 2 + i);
}

TEST_CASE(
    "loop: waits that end on time are no stall: a silent worker's lease ends when it should") {
  Bench bench;
  bench.a_task_runs();
  bench.let_pass(lease - seconds(5));
  bench.then([&] { CHECK(bench.still_runs()); });
  bench.let_pass(seconds(6));
  bench.then([&] { CHECK_FALSE(bench.still_runs()); });
  bench.run();
  CHECK(bench.counters.stalls == 0);
  CHECK(bench.counters.pauses == 0);
}

}  // namespace
}  // namespace framebus::broker
