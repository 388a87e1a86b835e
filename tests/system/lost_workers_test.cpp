// Workers that die or hang while they hold tasks.
#include <doctest/doctest.h>
#include <signal.h>

#include "libmsg/transport/transport.h"
#include "tests/sanitized.h"
#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

// Attempts of all tasks of a job that ended like this.
std::size_t ended_like(const Json& tasks, const std::string& end) {
  std::size_t count = 0;
  for (const Json& task : tasks)
    for (const Json& attempt : task.at("attempts")) count += attempt.at("end") == end;
  return count;
}

// Tasks that have an open attempt after one that was lost.
std::size_t granted_again(const Json& tasks) {
  std::size_t count = 0;
  for (const Json& task : tasks) {
    const Json& attempts = task.at("attempts");
    count += attempts.size() >= 2 && attempts.back().at("end") != "worker_lost";
  }
  return count;
}

std::size_t open_on(const Json& tasks, pid_t pid) {
  std::size_t count = 0;
  for (const Json& task : tasks) {
    if (task.at("state") != "running" || task.at("attempts").empty()) continue;
    const std::string worker = task.at("attempts").back().at("worker");
    count += worker.find(std::to_string(pid)) != std::string::npos;
  }
  return count;
}

TEST_CASE(
    "lost worker: SIGKILL in the middle of tasks: granted again in under a second, and the job "
    "completes") {
  Farm farm;
  ChildProcess& doomed = farm.worker({"--slots", "2"});
  farm.worker({"--slots", "2"});
  farm.wait_for_workers(2);
  const std::string job =
      farm.submit(sleep_job(4, milliseconds(2500), "\"strategy\": \"roundrobin\""));
  farm.wait_for({"job", job},
                [](const Json& reply) { return reply.at("counts").at("running") == 4; });
  REQUIRE(open_on(farm.tasks(job), doomed.pid()) == 2);
  const TimePoint killed = now_monotonic();
  doomed.signal(SIGKILL);
  farm.wait_for(
      {"tasks", job}, [](const Json& reply) { return granted_again(reply.at("tasks")) == 2; },
      seconds(5));
  const std::int64_t again_after_ms = to_ms(now_monotonic() - killed);
  MESSAGE("tasks of a killed worker granted again after at most " << again_after_ms << " ms");
  CHECK(again_after_ms < 1000 * testing::patience);
  farm.wait_for_state(job, "succeeded");
  CHECK(ended_like(farm.tasks(job), "worker_lost") == 2);
}

TEST_CASE(
    "lost worker: a stopped one loses its lease, others do its work, and it comes back by itself") {
  Farm farm({"--heartbeat", "100ms", "--suspect-after", "300ms", "--lease", "800ms"});
  ChildProcess& stopped = farm.worker({"--prefetch", "0"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(1, milliseconds(1000)));
  farm.wait_for({"job", job},
                [](const Json& reply) { return reply.at("counts").at("running") == 1; });
  stopped.signal(SIGSTOP);
  farm.worker({"--prefetch", "0"});
  farm.wait_for_state(job, "succeeded");
  CHECK(ended_like(farm.tasks(job), "lease_expired") + ended_like(farm.tasks(job), "worker_lost") ==
        1);
  stopped.signal(SIGCONT);
  farm.wait_for_workers(2);
  const std::string next =
      farm.submit(sleep_job(4, milliseconds(200), "\"strategy\": \"roundrobin\""));
  farm.wait_for_state(next, "succeeded");
  CHECK(stopped.is_running());
  CHECK(farm.job(job).at("counts").at("succeeded") == 1);  // its late result changed nothing
}

TEST_CASE("lost worker: nobody loses a lease because the broker itself stood still") {
  Farm farm({"--heartbeat", "100ms", "--suspect-after", "300ms", "--lease", "1s"});
  ChildProcess& worker = farm.worker();
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(1, milliseconds(4000)));
  farm.wait_for({"job", job},
                [](const Json& reply) { return reply.at("counts").at("running") == 1; });
  farm.broker().signal(SIGSTOP);
  CHECK_FALSE(worker.wait_exit(milliseconds(2500)));  // two and a half leases
  farm.broker().signal(SIGCONT);
  farm.wait_for_state(job, "succeeded");
  const Json tasks = farm.tasks(job);
  CHECK(tasks[0].at("attempts").size() == 1);
  CHECK(farm.broker().errors().find("stood still") != std::string::npos);
}

TEST_CASE("lost worker: a task whose workers die under it three times ends dead, and others run") {
  Farm farm({"--retry-base", "10ms"});
  farm.worker({"--task-type", "echo"});
  std::vector<ChildProcess*> doomed;
  for (int i = 0; i < 3; ++i) doomed.push_back(&farm.worker({"--task-type", "sleep"}));
  farm.wait_for_workers(4);
  const std::string job = farm.submit(sleep_job(1, seconds(60)));
  for (int lost = 0; lost < 3; ++lost) {
    farm.wait_for({"job", job},
                  [](const Json& reply) { return reply.at("counts").at("running") == 1; });
    const Json tasks = farm.tasks(job);
    for (ChildProcess* each : doomed) {
      if (open_on(tasks, each->pid()) == 1) each->signal(SIGKILL);
    }
    farm.wait_for({"tasks", job}, [&](const Json& reply) {
      return ended_like(reply.at("tasks"), "worker_lost") == static_cast<std::size_t>(lost) + 1;
    });
  }
  CHECK(farm.wait_for_state(job, "failed").at("counts").at("dead") == 1);
  farm.wait_for_state(farm.submit(echo_job(3)), "succeeded");
}

TEST_CASE(
    "lost worker: a task that takes its process down every time ends dead, worker and neighbours "
    "live") {
  Farm farm({"--retry-base", "10ms"});
  ChildProcess& worker = farm.worker({"--slots", "1"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(
      R"({"type": "fail", "tasks": [{"params": {"mode": "segfault"}}, {"params": {"times": 0}},
                                    {"params": {"times": 0}}]})");
  farm.wait_for(
      {"job", job},
      [](const Json& reply) {
        return reply.at("counts").value("dead", 0) == 1 &&
               reply.at("counts").value("succeeded", 0) == 2;
      },
      seconds(30));
  const Json tasks = farm.tasks(job);
  CHECK(ended_like(tasks, "crashed") == tasks[0].at("attempts").size());
  CHECK(tasks[0].dump().find("SIGSEGV") != std::string::npos);
  CHECK(worker.is_running());
  farm.wait_for_state(farm.submit(echo_job(3)), "succeeded");
}

TEST_CASE("lost worker: processes that a task let escape are gone when its attempt is over") {
  Farm farm({"--retry-base", "10ms", "--cancel-grace", "300ms"});
  farm.worker({"--slots", "1"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(
      R"({"type": "fail", "timeout": "1s", "max_attempts": 1,
          "tasks": [{"params": {"mode": "escape", "processes": 5, "then": "hang"}}]})");
  farm.wait_for_state(job, "failed", seconds(20));
  const CliResult log = farm.cli({"logs", job});
  CAPTURE(log.output);
  std::vector<pid_t> escaped;
  for (std::size_t at = 0; (at = log.output.find("escaped: ", at)) != std::string::npos;) {
    at += 9;
    escaped.push_back(static_cast<pid_t>(std::stol(log.output.substr(at))));
  }
  REQUIRE(escaped.size() == 5);
  for (const pid_t pid : escaped) CHECK(::kill(pid, 0) == -1);
  farm.wait_for_state(farm.submit(echo_job(3)), "succeeded");
}

}  // namespace
}  // namespace framebus::test
