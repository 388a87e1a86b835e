// A worker and a client behind a network that delays, cuts, falls silent, flips bits and crawls.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/full_run.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/system/chaos.h"
#include "tests/system/farm.h"
#include "tests/system/fault_proxy.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

const Words quick_leases = {"--heartbeat", "100ms", "--suspect-after", "300ms",
                            "--lease",     "1s",    "--retry-base",    "10ms"};
const Words quick_reconnect = {"--reconnect-interval", "50ms", "--reconnect-max", "300ms"};

Words behind(const FaultProxy& proxy, Words more = {}) {
  Words flags = {"--broker", proxy.url()};
  flags.insert(flags.end(), quick_reconnect.begin(), quick_reconnect.end());
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

TEST_CASE("network: every connection cut again and again: each result recorded exactly once") {
  const std::uint64_t seed = seed_of_run();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  Farm farm(quick_leases, Farm::Sockets::tcp, Farm::Keeps::journal);
  FaultProxy workers(farm.worker_endpoint());
  FaultProxy primaries(farm.primary_endpoint());
  for (int i = 0; i < 2; ++i) farm.worker(behind(workers, {"--slots", "2"}));
  farm.wait_for_workers(2);
  Oracle oracle(primaries.url(), seed);
  const int cuts = testing::is_full_run() ? 100 : 15;
  for (int i = 0; i < cuts; ++i) {
    oracle.submit_jobs(2);
    let_it_run(milliseconds(20 + random() % 300));
    if (random() % 2 == 0) workers.cut();
    if (random() % 2 == 0) primaries.cut();
  }
  oracle.settle(std::chrono::minutes(2));
  MESSAGE(cuts << " rounds, " << workers.connections() << " worker and " << primaries.connections()
               << " client connections, " << oracle.tasks_submitted() << " tasks");
  CHECK(workers.connections() > 2);
}

TEST_CASE("network: flipped bits are noticed and counted, nothing wrong is recorded") {
  const std::uint64_t seed = seed_of_run();
  MESSAGE("seed " << seed);
  Farm farm(quick_leases, Farm::Sockets::tcp, Farm::Keeps::journal);
  FaultProxy workers(farm.worker_endpoint());
  FaultProxy primaries(farm.primary_endpoint());
  ChildProcess& worker = farm.worker(behind(workers, {"--slots", "2"}));
  farm.wait_for_workers(1);
  Oracle oracle(primaries.url(), seed);
  workers.flip_bits(3'000);
  primaries.flip_bits(3'000);
  // Most flips hit lengths or what somebody else checks. So it goes on until both sides have said
  // that a checksum did not match.
  const auto both_noticed = [&] {
    return farm.counter("intake.damaged") > 0 &&
           worker.errors().find("message from the broker") != std::string::npos;
  };
  const int rounds = testing::is_full_run() ? 200 : 40;
  const int rounds_max = 10 * rounds;
  int round = 0;
  for (; round < rounds || (round < rounds_max && !both_noticed()); ++round) {
    oracle.submit_jobs(2);
    let_it_run(milliseconds(50));
  }
  workers.flip_bits(0);
  primaries.flip_bits(0);
  oracle.settle(std::chrono::minutes(2));
  const std::uint64_t flipped = workers.bits_flipped() + primaries.bits_flipped();
  const std::uint64_t damaged = farm.counter("intake.damaged");
  MESSAGE(round << " rounds, " << flipped << " bits flipped, " << damaged
                << " messages counted by the broker as damaged, " << oracle.tasks_submitted()
                << " tasks, all results right");
  CHECK(damaged > 0);
  CHECK(farm.counter("intake.malformed") >= damaged);
  CHECK(worker.errors().find("message from the broker") != std::string::npos);
}

// A task runs on a worker whose line then falls silent in one direction; another worker, busy until
// then, is free. What is recorded is the other's result: the first one's comes too late.
void lose_a_lease_by_silence(FaultProxy::Direction direction, const std::string& end_wanted) {
  Farm farm(quick_leases, Farm::Sockets::tcp, Farm::Keeps::journal);
  FaultProxy proxy(farm.worker_endpoint());
  farm.worker({"--prefetch", "0"});
  farm.wait_for_workers(1);
  const std::string blocker = farm.submit(sleep_job(1, seconds(120)));
  farm.wait_for_running(blocker, 1);
  ChildProcess& cut_off = farm.worker(behind(proxy, {"--prefetch", "0"}));
  farm.wait_for_workers(2);
  const std::string job = farm.submit(sleep_job(1, milliseconds(1500)));
  farm.wait_for_running(job, 1);
  proxy.silence(direction, true);
  REQUIRE(farm.cli({"cancel", blocker}).exit_code == 0);
  farm.wait_for_state(job, "succeeded", seconds(20));
  const Json recorded = farm.tasks(job);
  const Json& attempts = recorded[0].at("attempts");
  CAPTURE(attempts.dump());
  REQUIRE(attempts.size() == 2);
  const std::string cut_off_pid = ":" + std::to_string(cut_off.pid());
  CHECK(attempts[0].at("worker").get<std::string>().ends_with(cut_off_pid));
  CHECK(attempts[0].at("end") == end_wanted);
  CHECK(attempts[1].at("end") == "ok");
  CHECK_FALSE(attempts[1].at("worker").get<std::string>().ends_with(cut_off_pid));
  proxy.silence(direction, false);
  farm.wait_for_workers(2, seconds(20));
  // Both have room for it, so the one that was cut off does its part again.
  farm.wait_for_state(farm.submit(sleep_job(8, milliseconds(100), "\"strategy\": \"roundrobin\"")),
                      "succeeded");
  const Json listed = farm.json({"workers"});
  for (const Json& each : listed.at("workers")) CHECK(each.at("tasks_done") >= 1);
  CHECK(farm.tasks(job) == recorded);
}

TEST_CASE("network: a worker whose messages do not arrive loses its lease, and comes back") {
  lose_a_lease_by_silence(FaultProxy::Direction::to_server, "lease_expired");
}

// Its heartbeats arrive, so no lease runs out here: the worker itself gives the connection up after
// a lease without an answer, and that is its end at the broker.
TEST_CASE("network: a worker that hears nothing for a lease hangs up, and comes back") {
  lose_a_lease_by_silence(FaultProxy::Direction::to_client, "worker_lost");
}

TEST_CASE("network: through a slow and narrow line everything arrives") {
  const std::uint64_t seed = seed_of_run();
  MESSAGE("seed " << seed);
  Farm farm({"--lease", "5s"}, Farm::Sockets::tcp, Farm::Keeps::journal);
  FaultProxy workers(farm.worker_endpoint());
  FaultProxy primaries(farm.primary_endpoint());
  workers.delay(milliseconds(80));
  workers.throttle(50'000);
  primaries.delay(milliseconds(80));
  primaries.throttle(50'000);
  farm.worker(behind(workers, {"--slots", "2", "--prefetch", "16"}));
  farm.wait_for_workers(1);
  Oracle oracle(primaries.url(), seed);
  oracle.submit_jobs(testing::is_full_run() ? 200 : 40);
  oracle.settle(std::chrono::minutes(2));
}

TEST_CASE("network: a worker stopped beyond its lease writes nothing when it wakes") {
  Farm farm(quick_leases, Farm::Sockets::tcp, Farm::Keeps::journal);
  ChildProcess& sleeper = farm.worker({"--prefetch", "0"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(1, milliseconds(600)));
  farm.wait_for({"job", job},
                [](const Json& reply) { return reply.at("counts").at("running") == 1; });
  sleeper.signal(SIGSTOP);
  farm.worker({"--prefetch", "0"});
  farm.wait_for_state(job, "succeeded");
  const Json before = farm.tasks(job);
  sleeper.signal(SIGCONT);
  farm.wait_for_workers(2);
  farm.wait_for_state(farm.submit(sleep_job(4, milliseconds(100), "\"strategy\": \"roundrobin\"")),
                      "succeeded");
  CHECK(farm.tasks(job) == before);
}

}  // namespace
}  // namespace framebus::test
