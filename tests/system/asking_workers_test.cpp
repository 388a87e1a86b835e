// `framebus broadcast` and `framebus worker`, and logs that outlive their worker: each verb over a
// real broker and real workers, judged by what it changes and not by its own answer.
#include <doctest/doctest.h>
#include <signal.h>

#include <set>

#include "tests/libmsg/blob/raw_peer.h"
#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

std::string name_of(const ChildProcess& worker) {
  char host[256] = {};
  REQUIRE(::gethostname(host, sizeof host - 1) == 0);
  return std::string(host) + ":" + std::to_string(worker.pid());
}

Json worker_of(const Json& workers, const ChildProcess& process) {
  for (const Json& each : workers.at("workers"))
    if (each.at("pid") == process.pid() && each.at("state") != "lost") return each;
  return {};
}

Json wait_for_worker_state(Farm& farm, const ChildProcess& process, const std::string& state) {
  const auto is_there = [&](const Json& reply) {
    const Json worker = worker_of(reply, process);
    return !worker.is_null() && worker.at("state") == state;
  };
  return worker_of(farm.wait_for({"workers"}, is_there), process);
}

std::set<std::string> workers_in(const Json& answers) {
  std::set<std::string> names;
  for (const Json& each : answers) names.insert(each.at("worker"));
  return names;
}

std::set<std::string> workers_of_attempts(const Json& tasks) {
  std::set<std::string> names;
  for (const Json& task : tasks)
    for (const Json& attempt : task.at("attempts")) names.insert(attempt.at("worker"));
  return names;
}

std::size_t times_in(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++count;
  return count;
}

TEST_CASE("asking workers: a ping is answered by every worker, with success") {
  Farm farm;
  std::set<std::string> expected;
  for (int i = 0; i < 3; ++i) expected.insert(name_of(farm.worker()));
  farm.wait_for_workers(3);
  const Json done = farm.json({"broadcast", "ping"});
  CHECK(workers_in(done.at("answers")) == expected);
  CHECK(done.at("answers").size() == 3);
  for (const Json& each : done.at("answers")) CHECK(each.at("ok") == true);
  const CliResult unknown = farm.cli({"broadcast", "pingg", "--json"});
  CHECK(unknown.exit_code == 1);
  const Json refusals = unknown.json();
  for (const Json& each : refusals.at("answers")) CHECK(each.at("ok") == false);
}

TEST_CASE("asking workers: --next asks one, each in turn, and says so when none comes") {
  Farm farm;
  const TimePoint asked = now_monotonic();
  const CliResult nobody = farm.cli({"broadcast", "ping", "--next", "--timeout", "500ms"});
  CHECK(nobody.exit_code == 3);
  CHECK(nobody.errors.find("no worker") != std::string::npos);
  CHECK(now_monotonic() - asked >= milliseconds(400));  // it has waited for one to come
  farm.worker();
  farm.worker();
  farm.wait_for_workers(2);
  const auto payload = farm.write_file("say.json", R"({"say": "hello"})");
  std::vector<std::string> asked_in_turn;
  for (int i = 0; i < 4; ++i) {
    const Json done = farm.json({"broadcast", "echo", "--next", "--payload", payload});
    REQUIRE(done.at("answers").size() == 1);
    CHECK(done.at("answers")[0].at("reply") == Json{{"say", "hello"}});
    asked_in_turn.push_back(done.at("answers")[0].at("worker"));
  }
  CHECK(asked_in_turn[0] != asked_in_turn[1]);
  CHECK(asked_in_turn[2] == asked_in_turn[0]);
  CHECK(asked_in_turn[3] == asked_in_turn[1]);
}

TEST_CASE("asking workers: --barrier has an answer for each of them, for one that is killed too") {
  Farm farm;
  ChildProcess& stays = farm.worker();
  ChildProcess& doomed = farm.worker();
  farm.wait_for_workers(2);
  ChildProcess& asking =
      farm.start("framebus", {"broadcast", "wait", "--barrier", "--payload",
                              farm.write_file("wait.json", R"({"ms": 3000})"), "--timeout", "50s",
                              "--json", "--broker", farm.primary_endpoint()});
  farm.wait_for_counter("commands", 1);
  doomed.signal(SIGKILL);
  REQUIRE(asking.wait_exit(seconds(30)) == 1);
  const Json done = Json::parse(asking.output());
  REQUIRE(done.at("answers").size() == 2);
  for (const Json& each : done.at("answers")) {
    if (each.at("worker") == name_of(stays)) {
      CHECK(each.at("ok") == true);
    } else {
      CHECK(each.at("worker") == name_of(doomed));
      CHECK(each.at("error").at("code") == "worker_lost");
    }
  }
}

TEST_CASE("asking workers: --sticky reaches a worker that joins later, before its first task") {
  Farm farm;
  farm.worker();
  farm.wait_for_workers(1);
  const auto map = farm.write_file("map.json", R"({"map": "town 7"})");
  const Json done = farm.json({"broadcast", "prepare:map", "--payload", map, "--sticky"});
  CHECK(done.at("sticky") == true);
  CHECK(done.at("answers").size() == 1);
  // Waits for the later worker, which may not have it without the map.
  const std::string job = farm.submit(
      R"({"type": "fail", "max_attempts": 1, "requires": {"labels": {"late": "yes"}},
          "tasks": [{"params": {"prepared": "map"}}]})");
  const ChildProcess& late = farm.worker({"--label", "late=yes"});
  farm.wait_for_state(job, "failed");
  const Json task = farm.tasks(job)[0];
  CHECK(task.at("error").at("message") == R"({"map": "town 7"})");
  CHECK(task.at("attempts")[0].at("worker") == name_of(late));
  const Json told = farm.json({"broadcast", "status"});
  for (const Json& each : told.at("answers"))
    CHECK(each.at("reply").at("prepared")[0].at("name") == "map");
}

TEST_CASE("worker verbs: drain finishes what runs and takes nothing new, resume undoes it") {
  Farm farm;
  ChildProcess& drained = farm.worker({"--prefetch", "0"});
  farm.wait_for_workers(1);
  const std::string running = farm.submit(sleep_job(1, milliseconds(700)));
  farm.wait_for_running(running, 1);
  const ChildProcess& other = farm.worker({"--slots", "2"});
  farm.wait_for_workers(2);
  farm.json({"worker", "drain", name_of(drained), "--reason", "new memory"});
  const Json worker = wait_for_worker_state(farm, drained, "draining");
  CHECK(worker.at("reason").get<std::string>().find("new memory") != std::string::npos);
  const std::string meanwhile = farm.submit(echo_job(8, "\"strategy\": \"roundrobin\""));
  farm.wait_for_state(meanwhile, "succeeded");
  CHECK(workers_of_attempts(farm.tasks(meanwhile)) == std::set{name_of(other)});
  farm.wait_for_state(running, "succeeded");
  CHECK(farm.tasks(running)[0].at("attempts").size() == 1);
  CHECK(drained.is_running());
  farm.json({"worker", "resume", name_of(drained)});
  wait_for_worker_state(farm, drained, "ready");
  const std::string afterwards =
      farm.submit(sleep_job(6, milliseconds(50), "\"strategy\": \"roundrobin\""));
  farm.wait_for_state(afterwards, "succeeded");
  CHECK(workers_of_attempts(farm.tasks(afterwards)) == std::set{name_of(other), name_of(drained)});
}

TEST_CASE("worker verbs: restart ends what runs well and begins the program anew") {
  Farm farm;
  ChildProcess& worker = farm.worker({"--prefetch", "0"});
  farm.wait_for_workers(1);
  const std::string id = farm.json({"workers"}).at("workers")[0].at("id");
  const std::string running = farm.submit(sleep_job(1, milliseconds(700)));
  farm.wait_for_running(running, 1);
  farm.json({"worker", "restart", name_of(worker)});
  CHECK(eventually([&] { return times_in(worker.errors(), "worker: joined") == 2; }, seconds(20)));
  CHECK(worker.errors().find("starting anew") != std::string::npos);
  CHECK(farm.job(running).at("state") == "succeeded");
  CHECK(farm.tasks(running)[0].at("attempts").size() == 1);
  const Json anew = wait_for_worker_state(farm, worker, "ready");
  CHECK(anew.at("id") == id);
  CHECK(worker.is_running());
  farm.wait_for_state(farm.submit(echo_job(2)), "succeeded");
}

TEST_CASE("worker verbs: remove hands its work to others and keeps it out until resume") {
  Farm farm;
  const std::string data = farm.path("home-of-the-removed");
  ChildProcess& removed = farm.worker({"--prefetch", "0", "--label", "removed=yes"}, data);
  farm.wait_for_workers(1);
  const std::string id = farm.json({"workers"}).at("workers")[0].at("id");
  const std::string job = farm.submit(sleep_job(1, milliseconds(500)));
  const std::string held = farm.submit(sleep_job(1, seconds(60), "\"max_attempts\": 1"));
  farm.wait_for_state(job, "succeeded");
  farm.wait_for_running(held, 1);
  farm.json({"worker", "remove", name_of(removed), "--reason", "it smells burnt"});
  CHECK(removed.wait_exit(seconds(10)) == 0);
  const ChildProcess& other = farm.worker();
  farm.wait_for_running(held, 1);
  CHECK(eventually([&] { return workers_of_attempts(farm.tasks(held)).contains(name_of(other)); },
                   seconds(20)));
  CHECK(farm.cli({"cancel", held}).exit_code == 0);

  ChildProcess& again =
      farm.worker({"--reconnect-interval", "50ms", "--reconnect-max", "200ms"}, data);
  REQUIRE(eventually(
      [&] {
        return again.errors().find("it smells burnt") != std::string::npos || !again.is_running();
      },
      seconds(10)));
  CHECK(worker_of(farm.json({"workers"}), again).is_null());
  farm.json({"worker", "resume", id});
  ChildProcess* back = &again;
  if (!again.is_running()) back = &farm.worker({}, data);
  CHECK(wait_for_worker_state(farm, *back, "ready").at("id") == id);
}

TEST_CASE("logs: what an attempt wrote is there after its worker was killed") {
  Farm farm({"--retry-base", "10ms"}, Farm::Sockets::tcp, Farm::Keeps::journal);
  ChildProcess& doomed = farm.worker();
  farm.wait_for_workers(1);
  const std::string job =
      farm.submit(job_of("fail", 1, R"({"mode": "hang"})", "\"max_attempts\": 1"));
  const auto first_log = [&] { return farm.cli({"logs", job, "--attempt", "1"}); };
  REQUIRE(eventually([&] { return times_in(first_log().output, "attempt 1 fails") == 1; }));
  doomed.signal(SIGKILL);
  farm.wait_for({"tasks", job}, [](const Json& reply) {
    return reply.at("tasks")[0].at("attempts")[0].at("end") == "worker_lost";
  });
  const CliResult kept = first_log();
  CHECK(kept.exit_code == 0);
  CHECK(times_in(kept.output, "attempt 1 fails on purpose") == 1);
  farm.kill_broker();
  farm.start_broker();
  CHECK(first_log().output == kept.output);
}

}  // namespace
}  // namespace framebus::test
