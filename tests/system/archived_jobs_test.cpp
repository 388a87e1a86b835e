// Jobs that only the archive has any more, over real processes: looked up, and brought back by a
// retry, with a broker that is killed in between. Every result is there afterwards, once.
#include <doctest/doctest.h>
#include <signal.h>

#include <set>

#include "tests/system/farm.h"

namespace framebus::test {
namespace {

constexpr int good_tasks = 2'200;  // more than two pieces of an archived job (1,024 tasks each)
constexpr int bad_tasks = 30;      // fail in their first attempt

const Words quick_archive = {"--archive-after", "0s", "--finished-jobs-kept", "1s",
                             "--archived-job-kept", "1s"};
const Words quick_reconnect = {"--slots", "4", "--reconnect-interval", "20ms", "--reconnect-max",
                               "200ms"};

std::string partly_failing_job() {
  std::string bad;
  for (int i = 0; i < bad_tasks; ++i)
    bad += std::string(i ? ", " : "") + R"({"params": {"times": 1}})";
  return R"({"name": "partly", "steps": [{"name": "good", "type": "echo", "sweep": )"
         R"({"n": {"range": "1-)" +
         std::to_string(good_tasks) +
         R"("}}}, {"name": "bad", "type": "fail", "max_attempts": 1, "tasks": [)" + bad + "]}]}";
}

std::size_t count_of(const Json& job, const std::string& state) {
  return job.at("counts").value(state, std::size_t{0});
}

// The job in the list of archived ones, once it has left the broker's memory.
Json wait_until_archived(Farm& farm, const std::string& job, const std::string& state) {
  farm.wait_for(
      {"jobs"}, [](const Json& reply) { return reply.at("jobs").empty(); }, seconds(60));
  const Json list = farm.wait_for({"jobs", "--archived"}, [&](const Json& reply) {
    return reply.at("jobs").size() == 1 && reply.at("jobs")[0].at("state") == state;
  });
  CHECK(std::to_string(list.at("jobs")[0].at("id").get<std::uint64_t>()) == job);
  CHECK(list.at("total") == 1);
  return list.at("jobs")[0];
}

void kill_and_start(Farm& farm) {
  farm.kill_broker();
  farm.start_broker(quick_archive);
}

// Every task, with what it returned and how often it was tried; `failed`: the bad ones have used up their attempt.
void check_tasks(Farm& farm, const std::string& job, bool failed) {
  const Json tasks = farm.json({"tasks", job, "--all"}).at("tasks");
  REQUIRE(tasks.size() == good_tasks + bad_tasks);
  std::set<std::pair<std::uint64_t, std::uint64_t>> grants;
  int wrong = 0;
  for (int i = 0; i < good_tasks + bad_tasks; ++i) {
    const Json& task = tasks[static_cast<std::size_t>(i)];
    const bool is_good = i < good_tasks;
    const bool is_done = is_good || !failed;
    bool right = task.at("index") == i;
    right = right && task.at("state") == (is_done ? "succeeded" : "dead");
    if (is_good) right = right && task.at("result") == Json{{"n", i + 1}};
    if (!is_good && !failed) right = right && task.at("result").at("attempt") >= 2;
    int errors = 0, oks = 0;
    for (const Json& attempt : task.at("attempts")) {
      const std::uint64_t epoch = attempt.at("epoch"), grant = attempt.at("grant");
      right = right && grants.emplace(epoch, grant).second;
      errors += attempt.at("end") == "error" ? 1 : 0;
      oks += attempt.at("end") == "ok" ? 1 : 0;
    }
    right = right && oks == (is_done ? 1 : 0) && errors == (is_good ? 0 : 1);
    if (!right && ++wrong <= 3) MESSAGE("task " << i << " is wrong: " << task.dump());
  }
  CHECK(wrong == 0);
}

TEST_CASE("archived job: killed brokers and a retry lose no result of it and count none twice") {
  Farm farm(quick_archive, Farm::Sockets::tcp, Farm::Keeps::journal);
  farm.worker(quick_reconnect);
  farm.wait_for_workers(1);
  const std::string job = farm.submit(partly_failing_job());
  const Json failed = wait_until_archived(farm, job, "failed");
  CHECK(count_of(failed, "succeeded") == good_tasks);
  CHECK(count_of(failed, "dead") == bad_tasks);

  kill_and_start(farm);
  CHECK(wait_until_archived(farm, job, "failed").at("counts") == failed.at("counts"));
  check_tasks(farm, job, true);

  farm.wait_for_workers(1);
  const CliResult retried = farm.cli({"retry", job});
  CHECK(retried.exit_code == 0);
  kill_and_start(farm);  // somewhere in what was opened again
  farm.wait_for_workers(1);
  const Json done = wait_until_archived(farm, job, "succeeded");
  CHECK(count_of(done, "succeeded") == good_tasks + bad_tasks);
  CHECK(done.at("task_count") == good_tasks + bad_tasks);

  kill_and_start(farm);
  check_tasks(farm, job, false);
  CHECK(farm.cli({"retry", job}).exit_code == 0);  // nothing to do: it stays as it is
  CHECK(wait_until_archived(farm, job, "succeeded").at("counts") == done.at("counts"));
}

}  // namespace
}  // namespace framebus::test
