// Broker and workers killed with SIGKILL at random moments under load, against an oracle.
//
// docs/RELIABILITY.md, "acknowledged tasks lost over random kill -9 of the broker": 200 loops with
// FRAMEBUS_TEST_FULL=1, 20 by default. A kill does not test fsync, the page cache survives it: that
// is what tests/store does.
#include <doctest/doctest.h>
#include <signal.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/full_run.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/system/chaos.h"
#include "tests/system/farm.h"

namespace framebus::test {
namespace {

const Words patient_worker = {"--reconnect-interval", "20ms", "--reconnect-max", "200ms",
                              "--slots",              "2",    "--prefetch",      "16"};

// Ends of tasks in the journal itself: nobody's opinion but the disk's.
std::map<std::string, int> ends_in_journal(Farm& farm) {
  ChildProcess& show =
      farm.start("framebus-broker", {"journal", "show", "--data", farm.broker_data()});
  REQUIRE(show.wait_exit(seconds(120)).value_or(-1) == 0);
  std::map<std::string, int> ends;
  std::istringstream lines(show.output());
  for (std::string line; std::getline(lines, line);) {
    if (line.find("TaskEnded") == std::string::npos) continue;
    const std::size_t at = line.find("task=");
    REQUIRE(at != std::string::npos);
    ++ends[line.substr(at, line.find_first_of(" }", at) - at)];
  }
  return ends;
}

TEST_CASE("kill loop: nothing acknowledged is lost or recorded twice over random kill -9") {
  const std::uint64_t seed = seed_of_run();
  const int loops = testing::is_full_run() ? 200 : 20;
  MESSAGE("seed " << seed << " (FRAMEBUS_TEST_SEED), " << loops << " loops");
  std::mt19937_64 random(seed);
  Farm farm({"--retry-base", "10ms", "--lease", "3s"}, Farm::Sockets::tcp, Farm::Keeps::journal);
  std::vector<ChildProcess*> workers;
  for (int i = 0; i < 3; ++i) workers.push_back(&farm.worker(patient_worker));
  farm.wait_for_workers(3);
  Oracle oracle(farm.primary_endpoint(), seed);
  int workers_killed = 0;
  for (int loop = 0; loop < loops; ++loop) {
    const auto length = milliseconds(20 + random() % 500);
    const TimePoint end = now_monotonic() + length;
    while (now_monotonic() < end) {
      oracle.submit_jobs(1);
      let_it_run(milliseconds(random() % 20));
    }
    if (random() % 3 == 0) {
      ChildProcess*& victim = workers[random() % workers.size()];
      victim->signal(SIGKILL);
      victim = &farm.worker(patient_worker);
      ++workers_killed;
    }
    farm.kill_broker();
    farm.start_broker({"--retry-base", "10ms", "--lease", "3s"});
  }
  oracle.submit_jobs(1);
  oracle.settle(std::chrono::minutes(4));
  const std::size_t jobs = oracle.acknowledged();
  CHECK(farm.stop_broker() == 0);
  const auto ends = ends_in_journal(farm);
  CHECK(ends.size() == oracle.tasks_submitted());
  for (const auto& [task, count] : ends) CHECK_MESSAGE(count == 1, task);
  MESSAGE("broker killed " << loops << " times, workers " << workers_killed << " times; " << jobs
                           << " jobs acknowledged, " << oracle.tasks_submitted()
                           << " tasks, 0 lost, 0 recorded twice");
  CHECK(jobs >= static_cast<std::size_t>(loops));
}

}  // namespace
}  // namespace framebus::test
