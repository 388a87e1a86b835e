// Cancel, pause, resume, retry and explain from the command line.
#include <doctest/doctest.h>

#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

bool has_running(const Json& job) {
  return job.at("counts").at("running") > 0;
}

TEST_CASE("verbs: cancel stops running tasks and the job stays cancelled") {
  Farm farm({"--cancel-grace", "500ms"});
  farm.worker();
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(3, seconds(60)));
  farm.wait_for({"job", job}, has_running);
  CHECK(farm.cli({"cancel", job}).exit_code == 0);
  const Json cancelled = farm.wait_for_state(job, "cancelled");
  CHECK(cancelled.at("counts").at("cancelled") == 3);
  farm.wait_for_state(farm.submit(echo_job(1)), "succeeded");  // the slot is free again
}

TEST_CASE("verbs: a paused job starts nothing new until it is resumed") {
  Farm farm;
  const std::string job = farm.submit(echo_job(5));
  CHECK(farm.cli({"pause", job}).exit_code == 0);
  farm.worker();
  farm.wait_for_workers(1);
  farm.wait_for_state(farm.submit(echo_job(1)), "succeeded");  // others run
  CHECK(farm.job(job).at("state") == "paused");
  CHECK(farm.job(job).at("counts").at("succeeded") == 0);
  CHECK(farm.cli({"resume", job}).exit_code == 0);
  farm.wait_for_state(job, "succeeded");
}

TEST_CASE("verbs: retry gives a failed task another life") {
  Farm farm({"--retry-base", "10ms"});
  farm.worker();
  farm.wait_for_workers(1);
  const std::string job = farm.submit(job_of("fail", 1, "{\"permanent\": true}"));
  farm.wait_for_state(job, "failed");
  CHECK(farm.cli({"retry", job}).exit_code == 0);
  farm.wait_for({"tasks", job},
                [](const Json& reply) { return reply.at("tasks")[0].at("attempts").size() == 2; });
  farm.wait_for_state(job, "failed");
}

TEST_CASE("verbs: a task that fails twice is tried a third time and succeeds") {
  Farm farm({"--retry-base", "10ms"});
  farm.worker();
  farm.wait_for_workers(1);
  const std::string job = farm.submit(job_of("fail", 2, "{\"times\": 2}"));
  farm.wait_for_state(job, "succeeded");
  for (const Json& task : farm.tasks(job)) CHECK(task.at("attempts").size() == 3);
}

TEST_CASE("verbs: explain says why a task waits") {
  Farm farm;
  farm.worker({"--task-type", "echo"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(1, seconds(1)));
  const Json why = farm.json({"explain", job + ":0"});
  REQUIRE(why.at("workers").size() == 1);
  CHECK(why.at("workers")[0].at("eligible") == false);
}

TEST_CASE("verbs: what does not exist is exit code 5, a broker that is not there 3") {
  Farm farm;
  CHECK(farm.cli({"job", "4711"}).exit_code == 5);
  CHECK(farm.cli({"status", "--broker", "tcp://127.0.0.1:1", "--timeout", "500ms"}).exit_code == 3);
}

}  // namespace
}  // namespace framebus::test
