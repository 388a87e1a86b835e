// Jobs that are too large for one message or one look: a million tasks kept as a sweep, twenty
// mebibytes sent in parts over connections that are cut while the broker is killed.
#include <doctest/doctest.h>

#include "client/lib/primary.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/system/chaos.h"
#include "tests/system/farm.h"
#include "tests/system/fault_proxy.h"

namespace framebus::test {
namespace {

constexpr std::uint32_t million = 1'000'000;

TEST_CASE("large jobs: a million tasks are accepted in seconds and survive a kill of the broker") {
  Farm farm({}, Farm::Sockets::tcp, Farm::Keeps::journal);
  const TimePoint begin = now_monotonic();
  const std::string job = farm.submit(
      R"({"name": "many", "type": "no-such-type", "sweep": {"n": {"range": "1-1000000"}}})");
  const std::int64_t accepted_ms = to_ms(now_monotonic() - begin);
  MESSAGE("a million tasks accepted after " << accepted_ms << " ms");
  CHECK(accepted_ms < 5000);
  farm.kill_broker();
  farm.start_broker();
  CHECK(farm.job(job).at("counts").at("queued") == million);
  CHECK(farm.tasks(job + ":999999")[0].at("params") == Json{{"n", million}});
  CHECK(farm.cli({"cancel", job}).exit_code == 0);
  CHECK(farm.wait_for_state(job, "cancelled").at("counts").at("cancelled") == million);
  farm.kill_broker();
  farm.start_broker();
  CHECK(farm.wait_for_state(job, "cancelled").at("counts").at("cancelled") == million);
}

JobSpec job_of_20_mebibytes(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  StepSpec step;
  step.name = step.type = "echo";
  step.task_count = 1024;
  step.max_attempts = 1000;
  for (std::uint32_t task = 0; task < step.task_count; ++task) {
    std::string text = "{\"task\": " + std::to_string(task) + ", \"noise\": \"";
    while (text.size() < 20 * 1024) text += std::to_string(random());
    text += "\"}";
    step.task_params.emplace_back(text.begin(), text.end());
  }
  JobSpec job;
  job.name = "in parts";
  job.steps.push_back(std::move(step));
  return job;
}

TEST_CASE("large jobs: sent in parts while lines are cut and the broker is killed: one job") {
  const std::uint64_t seed = seed_of_run();
  MESSAGE("seed " << seed);
  Farm farm({}, Farm::Sockets::tcp, Farm::Keeps::journal);
  FaultProxy proxy(farm.primary_endpoint());
  const JobSpec job = job_of_20_mebibytes(seed);
  client::Primary primary({.broker = proxy.url(),
                           .principal = "tester",
                           .deadline = std::chrono::minutes(2),
                           .reconnect_max = milliseconds(200)});
  client::SubmitOptions options;
  options.id.bytes.fill(0x5a);
  proxy.throttle(8'000'000);  // so that there is a middle
  auto answer = primary.submit(job, {}, options);
  const auto sent = [&](std::uint64_t mebibytes) {
    return eventually([&] { return proxy.bytes_forwarded() > (mebibytes << 20); }, seconds(60));
  };
  REQUIRE(sent(3));
  proxy.cut();
  REQUIRE(sent(8));
  farm.kill_broker();
  farm.start_broker();
  REQUIRE(sent(13));
  proxy.cut();
  REQUIRE(sent(17));
  proxy.cut();
  CHECK(answer.wait_for(seconds(0)) != std::future_status::ready);  // it was in the middle of it
  proxy.throttle(0);
  const auto accepted = answer.get();
  REQUIRE_MESSAGE(accepted.has_value(), accepted.error().message);
  CHECK(proxy.connections() >= 5);

  client::Primary direct({.broker = farm.primary_endpoint(), .principal = "tester"});
  const auto again = direct.submit(job, {}, options).get();
  REQUIRE_MESSAGE(again.has_value(), again.error().message);
  CHECK(again->known);
  CHECK(again->job == accepted->job);
  CHECK(farm.json({"jobs"}).at("total") == 1);

  farm.worker({"--slots", "2", "--prefetch", "32"});
  farm.wait_for_state(std::to_string(accepted->job.value), "succeeded", seconds(60));
  Query query;
  query.kind = QueryKind::tasks;
  query.task.job = accepted->job;
  const auto tasks = direct.query(query).get();
  REQUIRE_MESSAGE(tasks.has_value(), tasks.error().message);
  REQUIRE(tasks->tasks.size() == job.steps[0].task_count);
  std::size_t right = 0;
  for (const TaskSummary& task : tasks->tasks)
    right += task.result == job.steps[0].task_params[task.task.index];
  CHECK(right == job.steps[0].task_count);
}

}  // namespace
}  // namespace framebus::test
