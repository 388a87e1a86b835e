// How the systems this one replaces lose, hang and misdeliver: each case again, here. The numbers
// are those of the table in docs/RELIABILITY.md, which says where the remaining ones are tested.
#include <doctest/doctest.h>
#include <signal.h>

#include <set>

#include "client/lib/primary.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

TEST_CASE("case W1: a request to a worker that dies ends with worker_lost, its caller never hangs") {
  Farm farm;
  ChildProcess& doomed = farm.worker();
  farm.wait_for_workers(1);
  ChildProcess& asking = farm.start(
      "framebus", {"broadcast", "wait", "--payload", farm.write_file("wait.json", "{\"ms\": 60000}"),
                   "--timeout", "50s", "--json", "--broker", farm.primary_endpoint()});
  farm.wait_for_counter("commands", 1);  // it is outstanding
  REQUIRE(asking.is_running());
  doomed.signal(SIGKILL);
  const auto code = asking.wait_exit(seconds(5));
  REQUIRE(code.has_value());
  CHECK(*code != 0);
  CHECK(asking.output().find("worker_lost") != std::string::npos);
}

TEST_CASE("case W3, W42: a worker that hangs is noticed and gets no further task") {
  Farm farm({"--heartbeat", "100ms", "--suspect-after", "300ms", "--lease", "800ms"});
  ChildProcess& hung = farm.worker({"--prefetch", "0"});
  farm.wait_for_workers(1);
  hung.signal(SIGSTOP);
  farm.wait_for({"workers"}, [](const Json& reply) {
    const std::string state = reply.at("workers")[0].at("state");
    return state == "lagging" || state == "lost";
  });
  farm.worker({"--prefetch", "0"});
  const std::string job = farm.submit(echo_job(10));
  farm.wait_for_state(job, "succeeded", seconds(10));
}

TEST_CASE("case W18: a task whose worker was killed after taking it is not gone") {
  Farm farm;
  ChildProcess& doomed = farm.worker();
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(1, milliseconds(800)));
  farm.wait_for({"job", job},
                [](const Json& reply) { return reply.at("counts").value("running", 0) == 1; });
  doomed.signal(SIGKILL);
  farm.worker();
  farm.wait_for_state(job, "succeeded");
}

TEST_CASE("case W19: a worker killed while it waits swallows no later task") {
  Farm farm;
  std::vector<ChildProcess*> waiting;
  for (int i = 0; i < 4; ++i) waiting.push_back(&farm.worker());
  farm.worker();
  farm.wait_for_workers(5);
  for (ChildProcess* each : waiting) each->signal(SIGKILL);
  const std::string job = farm.submit(echo_job(20));
  farm.wait_for_state(job, "succeeded", seconds(10));
}

TEST_CASE("case W20, W48: a failing task is told to the client with its reason, the worker goes on") {
  Farm farm({"--retry-base", "10ms"});
  ChildProcess& worker = farm.worker();
  farm.wait_for_workers(1);
  const CliResult result = farm.cli(
      {"submit", "--wait",
       farm.write_file("job.json", R"({"type": "fail", "params": {"message": "no licence"}})")});
  CHECK(result.exit_code == 1);
  CHECK((result.output + result.errors).find("no licence") != std::string::npos);
  CHECK(worker.is_running());
  farm.wait_for_state(farm.submit(echo_job(2)), "succeeded");
}

TEST_CASE("case W22, W47: tasks wait for workers, however late they come, and no try is counted") {
  Farm farm;
  const std::string job = farm.submit(echo_job(3));
  let_it_run(milliseconds(1500));
  CHECK(farm.job(job).at("counts").at("queued") == 3);
  farm.worker();
  farm.wait_for_state(job, "succeeded");
  for (const Json& task : farm.tasks(job)) CHECK(task.at("attempts").size() == 1);
}

TEST_CASE("case W44: results that come at once always find their task") {
  Farm farm;
  farm.worker({"--slots", "4", "--prefetch", "64"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(R"({"type": "echo", "sweep": {"n": {"range": "1-5000"}}})");
  const Json done = farm.wait_for_state(job, "succeeded", seconds(30));
  CHECK(done.at("counts").at("succeeded") == 5000);
}

TEST_CASE("case W45: two clients' tasks of the same name never meet") {
  Farm farm;
  farm.worker({"--slots", "2"});
  farm.wait_for_workers(1);
  const std::string first =
      farm.submit(R"({"name": "same", "type": "echo", "tasks": [{"params": {"from": "first"}}]})");
  const std::string second =
      farm.submit(R"({"name": "same", "type": "echo", "tasks": [{"params": {"from": "second"}}]})");
  CHECK(first != second);
  farm.wait_for_state(first, "succeeded");
  farm.wait_for_state(second, "succeeded");
  CHECK(farm.tasks(first)[0].at("result").dump().find("first") != std::string::npos);
  CHECK(farm.tasks(second)[0].at("result").dump().find("second") != std::string::npos);
}

TEST_CASE("case W21, W46: a stuck task is stopped at its timeout, a long one without is let be") {
  Farm farm({"--retry-base", "10ms"});
  farm.worker({"--slots", "2"});
  farm.wait_for_workers(1);
  const std::string stuck =
      farm.submit(sleep_job(1, seconds(600), "\"timeout\": \"300ms\", \"max_attempts\": 1"));
  const std::string patient = farm.submit(sleep_job(1, milliseconds(2500)));
  farm.wait_for_state(stuck, "failed", seconds(20));
  CHECK(farm.tasks(stuck)[0].dump().find("timeout") != std::string::npos);
  farm.wait_for_state(patient, "succeeded");
}

TEST_CASE("case W43, W49, W50: a worker that crawls or is full holds up nobody else") {
  Farm farm({"--heartbeat", "100ms", "--suspect-after", "1s"});
  ChildProcess& slow = farm.worker({"--slots", "1", "--prefetch", "0"});
  farm.wait_for_workers(1);
  const std::string blocking = farm.submit(sleep_job(1, seconds(600)));
  farm.wait_for({"job", blocking},
                [](const Json& reply) { return reply.at("counts").value("running", 0) == 1; });
  slow.signal(SIGSTOP);
  farm.worker({"--slots", "2"});
  farm.wait_for_state(farm.submit(echo_job(200)), "succeeded", seconds(10));
  REQUIRE(farm.cli({"cancel", blocking}).exit_code == 0);
  slow.signal(SIGCONT);
  farm.wait_for_state(blocking, "cancelled", seconds(20));
}

TEST_CASE("case W13: several clients share one broker and each sees its own results") {
  Farm farm;
  farm.worker({"--slots", "4"});
  farm.wait_for_workers(1);
  std::vector<ChildProcess*> clients;
  for (int i = 0; i < 8; ++i) {
    const auto file = farm.write_file(
        "client-" + std::to_string(i) + ".json",
        R"({"type": "echo", "tasks": [{"params": {"client": )" + std::to_string(i) + "}}]}");
    clients.push_back(&farm.start("framebus", {"submit", file, "--wait", "--json", "--broker",
                                               farm.primary_endpoint()}));
  }
  for (ChildProcess* each : clients) CHECK(each->wait_exit(seconds(20)) == 0);
  std::set<std::string> results;
  for (int i = 1; i <= 8; ++i)
    results.insert(farm.tasks(std::to_string(i))[0].at("result").dump());
  CHECK(results.size() == 8);
}

TEST_CASE("case W14: closing a client twice, or a hundred of them at once, disturbs nothing") {
  Farm farm;
  farm.worker();
  farm.wait_for_workers(1);
  for (int i = 0; i < 100; ++i) {
    client::Primary primary({.broker = farm.primary_endpoint()});
    if (i % 2 == 0) CHECK(primary.has_workers().get().value_or(false));
    primary.shutdown();
    primary.shutdown();
    CHECK(primary.status().get().error().code == Code::shutdown);
  }
  farm.wait_for_state(farm.submit(echo_job(2)), "succeeded");
}

}  // namespace
}  // namespace framebus::test
