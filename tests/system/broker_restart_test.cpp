// A broker with its journal that goes and comes back: nobody else has to be restarted, and running
// work goes on.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <numeric>

#include "tests/full_run.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/sanitized.h"
#include "tests/system/chaos.h"
#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

const Words quick_reconnect = {"--reconnect-interval", "20ms", "--reconnect-max", "200ms"};

std::size_t count_of(const Json& job, const std::string& state) {
  return job.at("counts").value(state, std::size_t{0});
}

TEST_CASE("broker restart: a running task goes on and its one attempt is what counts") {
  Farm farm({}, Farm::Sockets::tcp, Farm::Keeps::journal);
  farm.worker(quick_reconnect);
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(1, milliseconds(2500)));
  farm.wait_for({"job", job}, [](const Json& reply) { return count_of(reply, "running") == 1; });
  SUBCASE("killed") {
    farm.kill_broker();
  }
  SUBCASE("stopped") {
    CHECK(farm.stop_broker() == 0);
  }
  farm.start_broker();
  farm.wait_for_state(job, "succeeded");
  const Json tasks = farm.tasks(job);
  REQUIRE(tasks[0].at("attempts").size() == 1);
  CHECK(tasks[0].at("attempts")[0].at("end") == "ok");
}

TEST_CASE("broker restart: results that were made meanwhile are handed over afterwards") {
  Farm farm({}, Farm::Sockets::tcp, Farm::Keeps::journal);
  farm.worker(quick_reconnect);
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(1, milliseconds(700)));
  farm.wait_for({"job", job}, [](const Json& reply) { return count_of(reply, "running") == 1; });
  farm.kill_broker();
  let_it_run(milliseconds(1500));  // the task ends without a broker
  farm.start_broker();
  farm.wait_for_state(job, "succeeded");
  CHECK(farm.tasks(job)[0].at("attempts").size() == 1);
}

TEST_CASE("broker restart: logs -f waits for a broker that is away longer than an answer may take") {
  const Words slow_retry = {"--retry-base", "9s", "--retry-max", "9s"};
  const std::string away = "broker is away, waiting\n";
  Farm farm(slow_retry, Farm::Sockets::tcp, Farm::Keeps::journal);
  farm.worker(quick_reconnect);
  farm.wait_for_workers(1);
  const std::string job = farm.submit(job_of("fail", 1, "{\"times\": 1}"));
  ChildProcess& logs = farm.start("framebus", {"logs", job + ":0", "-f", "--timeout", "3s",
                                               "--broker", farm.primary_endpoint()});
  // Between two attempts it asks about the task, not for a log.
  REQUIRE(eventually([&] { return logs.output().find("attempt 1 fails") != std::string::npos; },
                     seconds(20)));
  farm.wait_for({"job", job},
                [](const Json& reply) { return count_of(reply, "retry_wait") == 1; });
  farm.kill_broker();
  REQUIRE(eventually([&] { return logs.errors().starts_with(away); }, seconds(20)));
  let_it_run(milliseconds(5000));  // what is watched for is that it does not end meanwhile
  CHECK(logs.is_running());
  farm.start_broker(slow_retry);
  farm.wait_for_state(job, "succeeded", seconds(40));
  CHECK(logs.wait_exit(seconds(20)) == 0);
  CHECK(logs.errors().starts_with(away));
}

TEST_CASE("broker restart: jobs, their order and their history are what they were") {
  Farm farm({}, Farm::Sockets::tcp, Farm::Keeps::journal);
  farm.worker(quick_reconnect);
  farm.wait_for_workers(1);
  const std::string done = farm.submit(echo_job(5));
  farm.wait_for_state(done, "succeeded");
  const std::string failed = farm.submit(
      R"({"type": "fail", "max_attempts": 2, "tasks": [{"params": {"message": "no licence"}}]})");
  farm.wait_for_state(failed, "failed");
  const std::string paused = farm.submit(sleep_job(3, seconds(60)));
  REQUIRE(farm.cli({"pause", paused}).exit_code == 0);
  const Json tasks_done = farm.tasks(done);
  const Json tasks_failed = farm.tasks(failed);
  farm.kill_broker();
  farm.start_broker();
  CHECK(farm.tasks(done) == tasks_done);
  CHECK(farm.tasks(failed) == tasks_failed);
  CHECK(farm.job(paused).at("state") == "paused");
  CHECK(farm.json({"jobs"}).at("jobs").size() == 3);
  CHECK(farm.cli({"fetch", done, "-o", farm.path("out")}).exit_code == 0);
}

TEST_CASE("broker restart: a client that waits does not notice") {
  Farm farm({}, Farm::Sockets::tcp, Farm::Keeps::journal);
  farm.worker(quick_reconnect);
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(6, milliseconds(400)));
  ChildProcess& waiting = farm.start("framebus", {"wait", job, "--broker", farm.primary_endpoint()});
  farm.wait_for({"job", job}, [](const Json& reply) { return count_of(reply, "succeeded") >= 1; });
  farm.kill_broker();
  CHECK(waiting.is_running());
  farm.start_broker();
  CHECK(waiting.wait_exit(seconds(20)) == 0);
}

TEST_CASE("broker restart: back in under two seconds with 100,000 tasks, running ones kept") {
  Farm farm({"--archive-after", "1h"}, Farm::Sockets::tcp, Farm::Keeps::journal);
  farm.worker(quick_reconnect);
  farm.wait_for_workers(1);
  const std::string running = farm.submit(sleep_job(1, seconds(8)));
  farm.wait_for({"job", running},
                [](const Json& reply) { return count_of(reply, "running") == 1; });
  const std::string held = farm.submit(
      R"({"name": "many", "type": "no-such-type", "sweep": {"a": {"range": "1-100000"}}})");
  CHECK(count_of(farm.job(held), "queued") == 100'000);
  farm.kill_broker();
  const TimePoint start = now_monotonic();
  farm.start_broker();
  const std::int64_t listens_ms = to_ms(now_monotonic() - start);
  CHECK(count_of(farm.job(held), "queued") == 100'000);
  MESSAGE("listens again after " << listens_ms << " ms with 100,000 queued tasks");
  CHECK(listens_ms < 2000 * testing::patience);
  farm.wait_for_state(running, "succeeded");
  CHECK(farm.tasks(running)[0].at("attempts").size() == 1);
}

TEST_CASE("lost worker: killed again and again, its task is granted anew within a second (p99)") {
  const int kills = testing::is_full_run() ? 200 : 20;
  Farm farm({"--retry-base", "10ms", "--retry-max", "10ms", "--crashes-max", "1000", "--crash-workers-max", "1000",
             "--infrastructure-losses-max", "1000"},
            Farm::Sockets::tcp, Farm::Keeps::journal);
  const Words flags = {"--prefetch", "8", "--slots", "1"};
  ChildProcess* current[2] = {&farm.worker(flags), &farm.worker(flags)};
  farm.wait_for_workers(2);
  const std::string job = farm.submit(
      R"({"type": "sleep", "max_attempts": 1000, "tasks": [{"params": {"ms": 600000}}]})");
  std::vector<std::int64_t> times_ms;
  for (int kill = 0; kill < kills; ++kill) {
    const auto runs_on = [&]() -> int {
      const Json tasks = farm.tasks(job);
      if (tasks[0].at("state") != "running") return -1;
      const std::string worker = tasks[0].at("attempts").back().at("worker");
      for (int i = 0; i < 2; ++i)
        if (worker.find(std::to_string(current[i]->pid())) != std::string::npos) return i;
      return -1;
    };
    int victim = -1;
    REQUIRE(eventually([&] { return (victim = runs_on()) >= 0; }, seconds(20)));
    const TimePoint killed = now_monotonic();
    current[victim]->signal(SIGKILL);
    REQUIRE(eventually(
        [&] {
          const int now_on = runs_on();
          return now_on >= 0 && now_on != victim;
        },
        seconds(20)));
    times_ms.push_back(to_ms(now_monotonic() - killed));
    current[victim] = &farm.worker(flags);
    farm.wait_for_workers(2);
  }
  std::sort(times_ms.begin(), times_ms.end());
  const auto p99 = times_ms[(times_ms.size() * 99 + 99) / 100 - 1];
  MESSAGE(kills << " kills: task runs elsewhere after p50 " << times_ms[times_ms.size() / 2]
                << " ms, p99 " << p99 << " ms (the client's polling included)");
  CHECK(p99 < 1000 * testing::patience);
}

}  // namespace
}  // namespace framebus::test
