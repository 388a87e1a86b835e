// A broker that goes and comes back while workers stay.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

const Words fast_workers = {"--reconnect-interval", "50ms", "--reconnect-max", "500ms"};

TEST_CASE("restart: workers register again with a restarted broker and run new jobs") {
  bool orderly = true;
  SUBCASE("stopped with SIGTERM") {}
  SUBCASE("killed with SIGKILL") {
    orderly = false;
  }
  Farm farm;
  ChildProcess& first = farm.worker(fast_workers);
  ChildProcess& second = farm.worker(fast_workers);
  farm.wait_for_workers(2);
  farm.wait_for_state(farm.submit(echo_job(4)), "succeeded");
  const std::uint64_t epoch = farm.json({"status"}).at("epoch");
  if (orderly) {
    CHECK(farm.stop_broker() == 0);
  } else {
    farm.broker().signal(SIGKILL);
    REQUIRE(farm.broker().wait_exit(seconds(5)));
  }
  farm.start_broker();
  farm.wait_for_workers(2);
  CHECK(farm.json({"status"}).at("epoch") == epoch + 1);
  CHECK(farm.json({"jobs"}).at("jobs").empty());  // in memory: lost, and said so at each submit
  farm.wait_for_state(farm.submit(echo_job(4)), "succeeded");
  CHECK(first.is_running());
  CHECK(second.is_running());
}

TEST_CASE("restart: a task that ran through the restart disturbs nothing afterwards") {
  Farm farm;
  farm.worker(fast_workers);
  farm.wait_for_workers(1);
  const std::string job = farm.submit(sleep_job(1, milliseconds(1000)));
  farm.wait_for({"job", job},
                [](const Json& reply) { return reply.at("counts").at("running") == 1; });
  CHECK(farm.stop_broker() == 0);
  farm.start_broker();
  farm.wait_for_workers(1);
  farm.wait_for_state(farm.submit(echo_job(2)), "succeeded");
}

}  // namespace
}  // namespace framebus::test
