// A journal that is gone, or an older copy of it, beside an archive that knows more: what was
// archived is read, brought back and kept as before, and no number is given twice.
#include <doctest/doctest.h>

#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

const Words quick_archive = {"--archive-after",     "0s", "--finished-jobs-kept", "1s",
                             "--archived-job-kept", "1s"};

// 40 tasks that return their number, and one that fails in its first attempt.
constexpr const char* partly_failing_job =
    R"({"steps": [{"name": "good", "type": "echo", "sweep": {"n": {"range": "1-40"}}},
                  {"name": "bad", "type": "fail", "max_attempts": 1,
                   "tasks": [{"params": {"times": 1}}]}]})";

void wait_until_archived(Farm& farm, std::size_t jobs) {
  farm.wait_for(
      {"jobs"}, [](const Json& reply) { return reply.at("jobs").empty(); }, seconds(30));
  farm.wait_for({"jobs", "--archived"},
                [&](const Json& reply) { return reply.at("jobs").size() == jobs; });
}

void check_tasks(Farm& farm, const std::string& job, const std::string& last_state) {
  const Json tasks = farm.json({"tasks", job, "--all"}).at("tasks");
  REQUIRE(tasks.size() == 41);
  for (std::size_t i = 0; i < 40; ++i) {
    CHECK(tasks[i].at("state") == "succeeded");
    CHECK(tasks[i].at("result") == Json{{"n", i + 1}});
  }
  CHECK(tasks[40].at("state") == last_state);
}

std::string run_to_the_archive(Farm& farm, std::size_t jobs) {
  const std::string job = farm.submit(partly_failing_job);
  farm.wait_for_state(job, "failed");
  wait_until_archived(farm, jobs);
  return job;
}

TEST_CASE("lost journal: what is archived is read and retried, and survives the next restarts") {
  Farm farm(quick_archive, Farm::Sockets::tcp, Farm::Keeps::journal);
  farm.worker({"--slots", "4", "--reconnect-interval", "20ms", "--reconnect-max", "200ms"});
  farm.wait_for_workers(1);
  const auto journal = farm.broker_data() / "journal";
  const auto copy = farm.path("older-journal");
  const std::string first = run_to_the_archive(farm, 1);
  CHECK(farm.stop_broker() == 0);
  std::filesystem::copy(journal, copy, std::filesystem::copy_options::recursive);
  farm.start_broker(quick_archive);
  farm.wait_for_workers(1);
  const std::string second = run_to_the_archive(farm, 2);
  CHECK(farm.stop_broker() == 0);
  std::filesystem::remove_all(journal);
  SUBCASE("emptied") {
    std::filesystem::create_directory(journal);
  }
  SUBCASE("removed") {}
  SUBCASE("restored from an older copy") {
    std::filesystem::copy(copy, journal, std::filesystem::copy_options::recursive);
  }

  farm.start_broker(quick_archive);
  CHECK(farm.json({"jobs", "--archived"}).at("total") == 2);
  check_tasks(farm, first, "dead");
  check_tasks(farm, second, "dead");
  farm.wait_for_workers(1);
  CHECK(farm.cli({"retry", second}).exit_code == 0);
  farm.kill_broker();  // somewhere in what was opened again
  farm.start_broker(quick_archive);
  farm.wait_for_workers(1);
  CHECK(farm.cli({"wait", second}).exit_code == 0);
  const std::string third = farm.submit(echo_job(3));
  CHECK(std::stoull(third) == std::stoull(second) + 1);
  farm.wait_for_state(third, "succeeded");
  wait_until_archived(farm, 3);

  CHECK(farm.stop_broker() == 0);
  farm.start_broker(quick_archive);
  CHECK(farm.json({"jobs", "--archived"}).at("total") == 3);
  check_tasks(farm, first, "dead");
  check_tasks(farm, second, "succeeded");
  ChildProcess& verify =
      farm.start("framebus-broker", {"journal", "verify", "--data", farm.broker_data()});
  CHECK(verify.wait_exit(seconds(10)) == 78);  // it is in use
  CHECK(farm.stop_broker() == 0);
  ChildProcess& again =
      farm.start("framebus-broker", {"journal", "verify", "--data", farm.broker_data()});
  CHECK(again.wait_exit(seconds(10)) == 0);
}

}  // namespace
}  // namespace framebus::test
