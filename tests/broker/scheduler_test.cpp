// Who is served next, and by whom: strategies, fairness, limits, exclusion, explain.
#include "broker/core/scheduler.h"

#include <algorithm>
#include <map>

#include "broker/core/query.h"
#include "broker/core/score.h"
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

// Which worker each attempt of these actions went to.
std::map<SessionId, std::uint32_t> spread(const Actions& actions) {
  std::map<SessionId, std::uint32_t> counts;
  for (const Action& action : actions) {
    const auto* send = std::get_if<Send>(&action);
    if (send == nullptr) continue;
    if (const auto* assign = std::get_if<Assign>(&send->message)) {
      counts[send->session] += static_cast<std::uint32_t>(assign->attempts.size());
    }
  }
  return counts;
}

Query explain_query(JobId job, std::uint32_t index = 0) {
  return {1, QueryKind::explain, {job, index}, 0, 0};
}

}  // namespace

TEST_CASE("roundrobin: counts differ by at most 1 over 10,000 equal tasks") {
  Core core(Options{}, 1);
  TimePoint now{seconds(1)};
  std::map<SessionId, std::uint32_t> counts;
  std::map<std::uint64_t, std::pair<SessionId, AttemptId>> open;  // by grant: equal pace
  const auto step = [&](const broker::Event& event) {
    Actions out;
    core.step(now, event, out);
    for (const Action& action : out) {
      const auto* send = std::get_if<Send>(&action);
      const auto* assign = send == nullptr ? nullptr : std::get_if<Assign>(&send->message);
      if (assign == nullptr) continue;
      for (const AttemptSpec& each : assign->attempts) {
        ++counts[send->session];
        open[each.token.grant] = {send->session, {each.task, each.token}};
      }
    }
  };
  for (std::uint8_t number = 1; number <= 7; ++number) {
    step(PeerHello{SessionId{number}, a_worker(number).slots(2).prefetch(1).hello, ""});
  }
  Hello hello;
  hello.role = Role::primary;
  step(PeerHello{SessionId{100}, hello, ""});
  step(Received{SessionId{100},
                Submit{1, {{1}}, a_job().with_tasks(10'000).strategy(Strategy::roundrobin).spec},
                {}});
  std::uint32_t done = 0;
  for (; !open.empty(); ++done) {
    const auto [session, id] = open.begin()->second;
    open.erase(open.begin());
    step(Received{session, Results{{Rig::ok(id)}}, {}});
  }
  core.check_invariants();
  REQUIRE(done == 10'000);
  REQUIRE(counts.size() == 7);
  std::uint32_t least = UINT32_MAX;
  std::uint32_t most = 0;
  for (const auto& [session, count] : counts) {
    least = std::min(least, count);
    most = std::max(most, count);
  }
  CHECK(most - least <= 1);
}

TEST_CASE("load: more load never makes a worker preferred, more bandwidth never less") {
  const std::uint64_t seed = 20'240'117;
  INFO("seed ", seed);
  Chance chance(seed);
  const LoadWeights weights;
  for (int i = 0; i < 20'000; ++i) {
    const auto permille = [&] { return static_cast<std::uint32_t>(chance.below(1100)); };
    LoadReport load{permille(),
                    permille(),
                    permille(),
                    permille(),
                    static_cast<std::uint32_t>(chance.below(1'000'000)),
                    chance.next() >> chance.below(64)};
    const auto slots = static_cast<std::uint32_t>(1 + chance.below(16));
    const auto in_flight = static_cast<std::uint32_t>(chance.below(40));
    const std::int64_t score = load_score(weights, load, in_flight, slots);
    LoadReport more = load;
    switch (chance.below(7)) {
      case 0:
        more.cpu_permille += 5;
        break;
      case 1:
        more.memory_permille += 5;
        break;
      case 2:
        more.gpu_permille += 5;
        break;
      case 3:
        more.gpu_memory_permille += 5;
        break;
      case 4:
        more.latency_us += 500;
        break;
      case 5:
        CHECK(load_score(weights, load, in_flight + 1, slots) >= score);
        break;
      default:
        more.bandwidth_bytes_per_s +=
            std::min<std::uint64_t>(1'000'000, UINT64_MAX - more.bandwidth_bytes_per_s);
        CHECK(load_score(weights, more, in_flight, slots) <= score);
        continue;
    }
    CHECK(load_score(weights, more, in_flight, slots) >= score);
  }
}

TEST_CASE("load: the less loaded worker is chosen, and idle slots before anybody's prefetch") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId busy = rig.join(a_worker(1).prefetch(4));
  rig.take();
  const SessionId idle = rig.join(a_worker(2).prefetch(4));
  rig.take();
  Heartbeat beat = rig.beat({}, 5);
  beat.load.cpu_permille = 900;
  rig.receive(busy, beat);
  rig.take();
  rig.receive(ann, Submit{1, {{1}}, a_job().with_tasks(1).spec});
  CHECK(spread(rig.take()) == std::map<SessionId, std::uint32_t>{{idle, 1}});
  rig.receive(ann, Submit{1, {{2}}, a_job().with_tasks(1).spec});
  CHECK(spread(rig.take()) == std::map<SessionId, std::uint32_t>{{busy, 1}});
}

TEST_CASE("credit: a worker never holds more than it asked for, prefetch included") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.join(a_worker(1).slots(2).prefetch(1));
  rig.take();
  rig.receive(ann, Submit{1, {{1}}, a_job().with_tasks(10).spec});
  CHECK(spread(rig.take())[one] == 3);
  // A claim of more than slots + prefetch is not believed.
  rig.receive(one, rig.beat({}, 4'000'000'000));
  CHECK(spread(rig.take())[one] == 0);
  CHECK(rig.core.state().workers.begin()->second.in_flight() == 3);
}

TEST_CASE("no worker: tasks wait, which is not an attempt, and the job says why") {
  Rig rig;
  const SessionId ann = rig.primary();
  const JobId job = rig.submit(ann, a_job().with_tasks(1));
  rig.tick(seconds(3600));
  rig.expect({});
  CHECK(rig.state(job) == TaskState::queued);
  CHECK(rig.core.state().find_job(job)->detail_of(0) == nullptr);
  rig.receive(ann, Query{1, QueryKind::job, {job, 0}, 0, 0});
  CHECK(rig.only<QueryReply>().jobs.at(0).reason.find("no connected worker can run") == 0);
}

TEST_CASE("priority: the higher goes first, then who came first") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(1).priority(10));
  rig.submit(ann, a_job().with_tasks(1).priority(90));
  rig.submit(ann, a_job().with_tasks(1).priority(90));
  rig.join(a_worker(1).slots(2));
  const auto granted = Rig::assigned(rig.take());
  REQUIRE(granted.size() == 2);
  CHECK(granted[0].task.job == JobId{2});
  CHECK(granted[1].task.job == JobId{3});
}

TEST_CASE("priority: set_priority moves a waiting job to the front") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(1));
  rig.submit(ann, a_job().with_tasks(1));
  rig.receive(ann, Act{1, JobAction::set_priority, JobId{2}, {}, 99});
  CHECK(rig.only<ActOk>().job.priority == 99);
  rig.worker(1);
  CHECK(rig.granted.at(0).task.job == JobId{2});
}

TEST_CASE("fair share: a principal with many jobs does not keep another waiting") {
  Rig rig;
  const SessionId greedy = rig.primary("greedy");
  const SessionId polite = rig.primary("polite");
  for (int i = 0; i < 5; ++i) rig.submit(greedy, a_job().with_tasks(100).priority(100));
  const JobId small = rig.submit(polite, a_job().with_tasks(4).priority(0));
  rig.join(a_worker(1).slots(6));
  const auto granted = Rig::assigned(rig.take());
  CHECK(granted.size() == 6);
  const auto of_polite = std::count_if(granted.begin(), granted.end(), [&](const AttemptId& each) {
    return each.task.job == small;
  });
  CHECK(of_polite == 3);
}

TEST_CASE("max_parallel: no more attempts at once, the next when one ends") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.join(a_worker(1).slots(8));
  rig.take();
  rig.submit(ann, a_job().with_tasks(5).parallel(2));
  REQUIRE(rig.granted.size() == 2);
  rig.receive(one, Results{{Rig::ok(rig.granted[0])}});
  CHECK(Rig::assigned(rig.take()).size() == 1);
}

TEST_CASE("named limits: held while a task runs, over all jobs") {
  Options options;
  options.named_limits = {{"nuke", 2}};
  Rig rig(options);
  const SessionId ann = rig.primary();
  const SessionId one = rig.join(a_worker(1).slots(8));
  rig.take();
  rig.submit(ann, a_job().with_tasks(2).limit("nuke", 1));
  const AttemptId attempt = rig.granted.at(0);
  CHECK(rig.granted.size() == 2);
  const JobId waiting = rig.submit(ann, a_job().with_tasks(1).limit("nuke", 2));
  CHECK(rig.granted.empty());
  rig.receive(ann, explain_query(waiting));
  CHECK(rig.only<QueryReply>().explanations.at(0).detail.find("nuke") != std::string::npos);
  rig.receive(one, Results{{Rig::ok(attempt)}});
  CHECK(Rig::assigned(rig.take()).empty());
  // Others without the limit pass by.
  rig.submit(ann, a_job().with_tasks(1));
  CHECK(rig.granted.size() == 1);
}

TEST_CASE("exclusion: a worker that keeps failing is passed over while another can take it") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId bad = rig.worker(1);
  const JobId job = rig.submit(ann, a_job().with_tasks(20).attempts(50));
  AttemptId attempt = rig.granted.at(0);
  for (int i = 0; i < 3; ++i) {
    rig.receive(bad, Results{{Rig::error(attempt)}});
    const auto next = Rig::assigned(rig.take());
    REQUIRE(next.size() == 1);  // alone: an exclusion lapses
    attempt = next.front();
  }
  CHECK(rig.core.state().counters.exclusions_lapsed == 1);
  for (int i = 0; i < 2; ++i) {
    rig.receive(bad, Results{{Rig::error(attempt)}});
    attempt = Rig::assigned(rig.take()).at(0);
  }
  rig.worker(2);
  rig.receive(bad, Results{{Rig::error(attempt)}});
  CHECK(Rig::assigned(rig.take()).empty());
  rig.receive(ann, explain_query(job));
  CHECK(rig.only<QueryReply>().explanations.at(0).filter == "excluded");
}

TEST_CASE("explain: one line for each worker with the first filter that fails") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.join(a_worker(1).types({"render"}));
  rig.take();
  rig.join(a_worker(2).label("room", "a"));
  rig.take();
  rig.join(a_worker(3).label("room", "b"));
  rig.take();
  WorkerBuilder gpu = a_worker(4).label("room", "b");
  DeviceInfo device;
  device.kind = "cuda";
  device.compute_capability = 75;
  device.memory_free_bytes = 100;
  gpu.hello.worker.devices.push_back(device);
  rig.join(gpu);
  rig.take();
  gpu.hello.worker.id = worker_id(5);
  gpu.hello.worker.devices[0].compute_capability = 90;
  rig.join(gpu);
  rig.take();
  gpu.hello.worker.id = worker_id(6);
  gpu.hello.worker.devices[0].memory_free_bytes = 1000;
  rig.join(gpu);
  rig.take();
  JobBuilder builder = a_job().with_tasks(2);
  builder.last().requires_ = {1, 500, 80, 0, 0, {{"room", "b"}}};
  const JobId job = rig.submit(ann, builder);
  rig.receive(ann, explain_query(job, 1));
  const auto lines = rig.only<QueryReply>().explanations;
  REQUIRE(lines.size() == 6);
  CHECK(lines[0].filter == "task_type");
  CHECK(lines[1].filter == "labels");
  CHECK(lines[1].detail == "wants room=b, has room=a");
  CHECK(lines[2].filter == "gpus");
  CHECK(lines[3].filter == "compute_capability");
  CHECK(lines[4].filter == "gpu_memory");
  CHECK(lines[5].filter == "credit");
}

TEST_CASE("plan: granting is bounded for each step and goes on by itself") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(3000));
  rig.join(a_worker(1).slots(1024).prefetch(1024));
  CHECK(Rig::assigned(rig.take()).size() == grants_per_call);
  REQUIRE(rig.core.next_wakeup() == rig.now);
  rig.step(Tick{});
  CHECK(Rig::assigned(rig.take()).size() == 2048 - grants_per_call);
}

TEST_CASE("plan: a large assignment is split below the size of a message") {
  Rig rig;
  const SessionId ann = rig.primary();
  JobBuilder builder = a_job().with_tasks(28);
  builder.last().task_params.assign(28, Bytes(200 * 1024, 7));
  rig.submit(ann, builder);
  rig.join(a_worker(1).slots(40));
  const auto assigns = Rig::all<Assign>(rig.take());
  CHECK(assigns.size() == 2);
  CHECK(assigns.at(0).attempts.size() + assigns.at(1).attempts.size() == 28);
  CHECK(assigns.at(1).steps.size() == 1);
}
