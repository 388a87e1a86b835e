// A disk that fills up, descriptors that run out, peers that do not read.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>

#include "tests/libmsg/blob/raw_peer.h"
#include "tests/system/chaos.h"
#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

constexpr const char* mount_and_exec =
    "mkdir -p -m 700 \"$1\" && mount -t tmpfs -o mode=700,size=\"$2\" tmpfs \"$1\" && shift 2 && exec \"$@\"";

bool may_mount() {
  return std::system("unshare -m true 2>/dev/null") == 0;
}

// The whole of a process's mounts is its own: its data directory is seen through /proc/PID/root.
std::filesystem::path seen_by(const ChildProcess& process, const std::filesystem::path& path) {
  return "/proc/" + std::to_string(process.pid()) + "/root" + path.string();
}

TEST_CASE("full disk: new jobs are refused with a reason, results are recorded, space heals it") {
  if (!may_mount()) {
    MESSAGE("skipped: a private mount namespace needs rights that are missing here");
    return;
  }
  auto farm = Farm::without_broker(Farm::Keeps::journal);
  farm->wrap_broker({"/usr/bin/unshare", "-m", "/bin/sh", "-c", mount_and_exec, "sh",
                     farm->broker_data().string(), "64m"});
  farm->start_broker({"--journal-segment", "4MiB", "--disk-reserve", "16MiB"});
  farm->worker({"--slots", "2"});
  farm->wait_for_workers(1);
  const std::string running = farm->submit(sleep_job(2, milliseconds(3000)));
  farm->wait_for({"job", running},
                 [](const Json& reply) { return reply.at("counts").value("running", 0) == 2; });
  const auto filler = seen_by(farm->broker(), farm->broker_data()) / "filler";
  {
    std::ofstream file(filler, std::ios::binary);
    const std::string block(1 << 20, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  CliResult refused;
  const auto job = farm->write_file("more.json", echo_job(1));
  CHECK(eventually(
      [&] {
        refused = farm->cli({"submit", job, "--timeout", "2s"});
        return refused.exit_code == 3;
      },
      seconds(10)));
  CHECK(refused.errors.find("short of space") != std::string::npos);
  CHECK(refused.errors.find("free space on that disk, lower archive-max-bytes") !=
        std::string::npos);
  CHECK(refused.errors.find("move the directory to a larger disk") != std::string::npos);
  farm->wait_for_state(running, "succeeded");  // results are still recorded
  std::filesystem::remove(filler);
  CHECK(eventually([&] { return farm->cli({"submit", job}).exit_code == 0; }, seconds(15)));
  CHECK(farm->broker().is_running());
  farm->wait_for_state("last", "succeeded");
}

TEST_CASE("descriptors: a crowd of connections beyond the limit is survived, members go on") {
  auto farm = Farm::without_broker(Farm::Keeps::journal);
  farm->wrap_broker({"/bin/sh", "-c", "ulimit -n 256; exec \"$@\"", "sh"});
  farm->choose_tcp();
  farm->start_broker();
  farm->worker();
  farm->wait_for_workers(1);
  const std::string job = farm->submit(sleep_job(2, milliseconds(1500)));
  {
    std::vector<std::unique_ptr<RawPeer>> crowd;
    const auto context = make_context();
    for (int i = 0; i < 400; ++i)
      crowd.push_back(std::make_unique<RawPeer>(farm->primary_endpoint(), context));
    let_it_run(milliseconds(1500));
    CHECK(farm->broker().is_running());
  }
  farm->wait_for_state(job, "succeeded", seconds(30));
  farm->wait_for_state(farm->submit(echo_job(2)), "succeeded");
}

TEST_CASE("a peer that never reads is dropped, and the rest of the farm does not notice") {
  Farm farm({"--peer-outbox", "8MiB"}, Farm::Sockets::tcp, Farm::Keeps::journal);
  farm.worker({"--slots", "4", "--prefetch", "64"});
  farm.wait_for_workers(1);
  const std::string job = farm.submit(
      R"({"type": "echo", "sweep": {"n": {"range": "1-20000"}}})");
  RawPeer deaf(farm.primary_endpoint());
  Hello hello;
  hello.role = Role::primary;
  hello.program = "deaf";
  REQUIRE(deaf.send(hello));
  // Asks for far more than its outbox holds and never takes any of it from the wire.
  for (std::uint64_t request = 1; request <= 20'000; ++request) {
    Query query;
    query.request = request;
    query.kind = QueryKind::tasks;
    query.task.job = JobId{std::stoull(job)};
    if (!deaf.send(query)) break;
  }
  farm.wait_for_state(job, "succeeded", seconds(60));
  farm.wait_for(
      {"status"},
      [](const Json& status) {
        for (const auto& [name, value] : status.at("counters").items())
          if (name.find("slow_consumer") != std::string::npos && value.get<std::uint64_t>() > 0)
            return true;
        return false;
      },
      seconds(10));
}

}  // namespace
}  // namespace framebus::test
