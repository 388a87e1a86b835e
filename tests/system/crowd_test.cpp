// Ten thousand workers at one broker: memory, a reconnect storm, and what others notice of it.
#include <doctest/doctest.h>
#include <signal.h>

#include <fstream>
#include <sstream>

#include "tests/full_run.h"
#include "libmsg/transport/transport.h"
#include "tests/sanitized.h"
#include "tests/system/chaos.h"
#include "tests/system/farm.h"
#include "tests/system/job_texts.h"
#include "tests/system/zmtp_crowd.h"

namespace framebus::test {
namespace {

std::uint64_t resident_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::stoull(line.substr(6)) * 1024;
  return 0;
}

std::uint16_t port_of(const std::string& url) {
  return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

TEST_CASE("crowd: connected workers cost little memory, and all are back soon after a restart") {
  // And a real one: as many as a broker takes, max_workers.
  const std::size_t count = testing::is_full_run() ? 9'999 : 999;
  Farm farm({"--log-level", "warning"}, Farm::Sockets::tcp, Farm::Keeps::journal);
  farm.worker({"--reconnect-interval", "50ms", "--reconnect-max", "500ms"});
  farm.wait_for_workers(1);
  ZmtpCrowd crowd(port_of(farm.worker_endpoint()));
  const TimePoint first = now_monotonic();
  const bool connected = crowd.connect(count, 256, seconds(30));
  REQUIRE_MESSAGE(connected, crowd.welcome_count() << " of " << count << " welcome, "
                                                   << crowd.refused_count() << " refused: "
                                                   << crowd.last_refusal());
  const std::int64_t first_ms = to_ms(now_monotonic() - first);
  crowd.serve(seconds(3));
  CHECK(crowd.acks() >= count);
  const std::uint64_t bytes = resident_bytes(farm.broker().pid());
  farm.kill_broker();
  crowd.drop_all();
  farm.start_broker({"--log-level", "warning"});
  const TimePoint storm = now_monotonic();
  REQUIRE(crowd.connect(count, count, seconds(60)));
  const std::int64_t storm_ms = to_ms(now_monotonic() - storm);
  crowd.serve(seconds(2));
  CHECK(crowd.welcome_count() == count);  // nobody was dropped since
  const std::string job = farm.submit(echo_job(20));
  ChildProcess& wait = farm.start("framebus", {"wait", job, "--broker", farm.primary_endpoint()});
  const TimePoint asked = now_monotonic();
  while (wait.is_running() && now_monotonic() - asked < seconds(10)) crowd.serve(milliseconds(50));
  CHECK(wait.wait_exit(seconds(0)) == 0);
  MESSAGE((count + 1) << " workers: first registration " << first_ms << " ms, broker resident "
                << bytes / (1 << 20) << " MiB, all back " << storm_ms
                << " ms after the restart");
  if (!testing::is_sanitized) CHECK(bytes < 512ull << 20);
  CHECK(storm_ms < 15'000 * testing::patience);
}

}  // namespace
}  // namespace framebus::test
