// Jobs from the command line over real workers.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

TEST_CASE("farm: an echo job runs over two workers and its results come back") {
  Farm farm;
  farm.worker({"--slots", "2"});
  farm.worker({"--slots", "2"});
  farm.wait_for_workers(2);
  const std::string job = farm.submit(echo_job(40, "\"strategy\": \"roundrobin\""));
  const Json done = farm.wait_for_state(job, "succeeded");
  CHECK(done.at("counts").at("succeeded") == 40);
  for (const Json& task : farm.tasks(job)) CHECK(task.at("result") == Json{{"say", "hello"}});
}

TEST_CASE("farm: two workers share a job in equal parts") {
  Farm farm;
  farm.worker({"--slots", "2"});
  farm.worker({"--slots", "2"});
  farm.wait_for_workers(2);
  // Not of no length: of such tasks the worker that is awake first has done most before the other
  // has said that it is done with its own.
  farm.wait_for_state(farm.submit(sleep_job(40, milliseconds(100), "\"strategy\": \"roundrobin\"")),
                      "succeeded");
  const Json listed = farm.json({"workers"});
  REQUIRE(listed.at("workers").size() == 2);
  for (const Json& worker : listed.at("workers")) {
    CHECK(worker.at("tasks_done") >= 14);
    CHECK(worker.at("tasks_done") <= 26);
  }
}

TEST_CASE("farm: submit --wait ends with 0 when the job succeeds and 1 when it fails") {
  Farm farm;
  farm.worker();
  farm.wait_for_workers(1);
  const auto good = farm.write_file("good.json", echo_job(3));
  const auto bad = farm.write_file("bad.json", job_of("fail", 1, "{\"permanent\": true}"));
  CHECK(farm.cli({"submit", good, "--wait"}).exit_code == 0);
  CHECK(farm.cli({"submit", bad, "--wait"}).exit_code == 1);
}

TEST_CASE("farm: start order does not matter, client and worker wait for the broker") {
  const auto farm = Farm::without_broker();
  farm->worker();
  const auto file = farm->write_file("job.json", echo_job(5));
  ChildProcess& client = farm->start("framebus", {"submit", file, "--wait", "--timeout", "20s"});
  farm->start_broker();
  CHECK(client.wait_exit(seconds(25)) == 0);
}

TEST_CASE(
    "farm: SIGTERM drains a worker: its running task ends well, it takes no other, it exits with "
    "0") {
  Farm farm;
  ChildProcess& first = farm.worker({"--prefetch", "0"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(2, milliseconds(1500)));
  farm.wait_for({"job", job},
                [](const Json& reply) { return reply.at("counts").at("running") == 1; });
  first.signal(SIGTERM);
  CHECK(first.wait_exit(seconds(15)) == 0);
  const Json counts = farm.job(job).at("counts");
  CHECK(counts.at("succeeded") == 1);
  CHECK(counts.at("queued") == 1);
  farm.worker();
  farm.wait_for_state(job, "succeeded");
  for (const Json& task : farm.tasks(job)) CHECK(task.at("attempts").size() == 1);
}

TEST_CASE("farm: a step waits for the step it depends on") {
  Farm farm;
  farm.worker({"--slots", "4"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(R"({"name": "two steps", "steps": [
      {"name": "first", "type": "sleep", "params": {"ms": 300}},
      {"name": "second", "type": "echo", "depends_on": ["first"], "tasks": [{"params": {}}, {"params": {}}]}]})");
  const Json early = farm.job(job).at("counts");
  CHECK(early.at("held") == 2);
  const Json done = farm.wait_for_state(job, "succeeded");
  CHECK(done.at("counts").at("succeeded") == 3);
}

}  // namespace
}  // namespace framebus::test
