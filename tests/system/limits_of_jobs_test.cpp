// What a job demands of every run of its tasks, over real processes: never twice, not silent for
// too long, not after its deadline, and not again and again on a worker that fails at it.
#include <doctest/doctest.h>
#include <signal.h>

#include <set>

#include "tests/libmsg/blob/raw_peer.h"
#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

// How often tasks of that job began to run, by what they wrote themselves: no bookkeeping of the
// broker is asked.
std::size_t runs_of(Farm& farm, const std::string& job) {
  const std::string log = farm.cli({"logs", job}).output;
  std::size_t count = 0;
  for (std::size_t at = 0; (at = log.find("fails on purpose", at)) != std::string::npos; ++at)
    ++count;
  return count;
}

// Writes one line when it begins, and never ends.
const std::string hanging_once =
    job_of("fail", 1, R"({"mode": "hang"})", R"("at_most_once": true, "max_attempts": 5)");

const Words quick = {"--retry-base",    "10ms",  "--retry-max", "10ms", "--heartbeat",     "100ms",
                     "--suspect-after", "300ms", "--lease",     "1s",   "--restart-grace", "1s"};
const Words quick_reconnect = {"--reconnect-interval", "20ms", "--reconnect-max", "200ms"};

void must_not_run_again(Farm& farm, const std::string& job) {
  farm.wait_for_state(job, "failed");
  farm.worker(quick_reconnect);
  farm.worker(quick_reconnect);
  farm.wait_for_state(farm.submit(echo_job(8)), "succeeded");
  CHECK(farm.tasks(job)[0].at("attempts").size() == 1);
  CHECK(farm.job(job).at("state") == "failed");
  CHECK(runs_of(farm, job) == 1);
}

TEST_CASE("at most once: a task whose worker is killed is not run again") {
  Farm farm(quick, Farm::Sockets::tcp, Farm::Keeps::journal);
  ChildProcess& doomed = farm.worker(quick_reconnect);
  farm.wait_for_workers(1);
  const std::string job = farm.submit(hanging_once);
  REQUIRE(eventually([&] { return runs_of(farm, job) == 1; }, seconds(10)));
  doomed.signal(SIGKILL);
  must_not_run_again(farm, job);
}

TEST_CASE("at most once: nor when broker and worker are killed") {
  Farm farm(quick, Farm::Sockets::tcp, Farm::Keeps::journal);
  ChildProcess& doomed = farm.worker(quick_reconnect);
  farm.wait_for_workers(1);
  const std::string job = farm.submit(hanging_once);
  REQUIRE(eventually([&] { return runs_of(farm, job) == 1; }, seconds(10)));
  farm.kill_broker();
  doomed.signal(SIGKILL);
  REQUIRE(doomed.wait_exit(seconds(5)));
  farm.start_broker(quick);
  must_not_run_again(farm, job);
}

TEST_CASE("at most once: one that runs while the broker is killed goes on, and that was its run") {
  // A lease longer than the absence: after one without its broker the worker would end the task.
  const Words patient = {"--lease", "30s", "--restart-grace", "30s"};
  Farm farm(patient, Farm::Sockets::tcp, Farm::Keeps::journal);
  farm.worker(quick_reconnect);
  farm.wait_for_workers(1);
  const std::string job =
      farm.submit(job_of("fail", 1, R"({"mode": "memory", "mebibytes": 1, "ms": 2500})",
                         R"("at_most_once": true, "max_attempts": 1)"));
  REQUIRE(eventually([&] { return runs_of(farm, job) == 1; }, seconds(10)));
  farm.kill_broker();
  farm.start_broker(patient);
  farm.wait_for_state(job, "failed");  // as it does when it has run to its end
  const Json task = farm.tasks(job)[0];
  REQUIRE(task.at("attempts").size() == 1);
  CHECK(task.at("attempts")[0].at("end") == "error");
  CHECK(task.at("error").at("message").get<std::string>().find("failed on purpose") !=
        std::string::npos);
  CHECK(runs_of(farm, job) == 1);
}

TEST_CASE("progress timeout: a silent attempt is ended, one that reports may take longer") {
  Farm farm({"--retry-base", "10ms", "--heartbeat", "100ms", "--cancel-grace", "200ms"});
  farm.worker({"--slots", "2", "--cancel-grace", "200ms"});
  farm.wait_for_workers(1);
  const std::string limits = R"("progress_timeout": "1500ms", "max_attempts": 1)";
  const std::string silent = farm.submit(job_of("fail", 1, R"({"mode": "hang"})", limits));
  const std::string busy = farm.submit(sleep_job(1, milliseconds(4000), limits));
  farm.wait_for_state(silent, "failed");
  const Json task = farm.tasks(silent)[0];
  CHECK(task.at("attempts")[0].at("end") == "timeout");
  // The broker and the worker watch it both, and each has its own words.
  CHECK(task.at("error").at("message").get<std::string>().find("progress") != std::string::npos);
  farm.wait_for_state(busy, "succeeded");
}

TEST_CASE("deadline: what has not started by then expires, what runs may end") {
  Farm farm;
  farm.worker({"--slots", "1", "--prefetch", "0"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(3, milliseconds(2500), R"("deadline": "2s")"));
  const Json done = farm.wait_for({"job", job}, [](const Json& reply) {
    return reply.at("counts").at("succeeded") == 1 && reply.at("counts").at("expired") == 2;
  });
  CHECK(done.at("state") == "failed");
  for (const Json& task : farm.tasks(job))
    if (task.at("state") == "expired") CHECK(task.at("attempts").empty());
}

TEST_CASE("exclusion: a worker that failed three times at a job gets no more of it, others do") {
  Farm farm({"--retry-base", "3s", "--retry-max", "4s"});
  ChildProcess& bad = farm.worker({"--slots", "1"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(job_of("fail", 3, R"({"times": 1})"));
  farm.wait_for_counter("exclusions", 1);
  ChildProcess& good = farm.worker({"--slots", "1"});
  farm.wait_for_workers(2);
  const Json why = farm.json({"explain", job + ":0"});
  std::size_t excluded = 0;
  for (const Json& each : why.at("workers")) excluded += each.at("filter") == "excluded";
  CHECK(excluded == 1);
  farm.wait_for_state(job, "succeeded");
  const auto pid_of = [](const ChildProcess& process) {
    return ":" + std::to_string(process.pid());
  };
  for (const Json& task : farm.tasks(job)) {
    const Json& attempts = task.at("attempts");
    REQUIRE(attempts.size() == 2);
    CHECK(attempts[0].at("worker").get<std::string>().ends_with(pid_of(bad)));
    CHECK(attempts[1].at("worker").get<std::string>().ends_with(pid_of(good)));
  }
  CHECK(farm.counter("exclusions_lapsed") == 0);
  // Only that job: another one's tasks go to both.
  farm.wait_for_state(farm.submit(sleep_job(8, milliseconds(50), R"("strategy": "roundrobin")")),
                      "succeeded");
  const Json listed = farm.json({"workers"});
  for (const Json& each : listed.at("workers")) CHECK(each.at("tasks_done") >= 1);
}

}  // namespace
}  // namespace framebus::test
