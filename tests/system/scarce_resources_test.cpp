// A disk that fills up, descriptors that run out, peers that do not read.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "client/lib/primary.h"
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
  farm->wrap("framebus-broker", {"/usr/bin/unshare", "-m", "/bin/sh", "-c", mount_and_exec, "sh",
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

std::size_t descriptors_of(const ChildProcess& process) {
  const std::filesystem::path table = "/proc/" + std::to_string(process.pid()) + "/fd";
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(table),
                                                std::filesystem::directory_iterator()));
}

// Submits one echo task over a connection that exists and waits for its end over the same.
void run_one_task(client::Primary& primary) {
  StepSpec step;
  step.name = step.type = "echo";
  step.task_count = 1;
  const std::string said = "{\"said\": \"by a member\"}";
  step.params.assign(said.begin(), said.end());
  JobSpec job;
  job.steps.push_back(std::move(step));
  const auto accepted = primary.submit(std::move(job), {}).get();
  REQUIRE_MESSAGE(accepted.has_value(), accepted.error().message);
  Query query;
  query.kind = QueryKind::job;
  query.task.job = accepted->job;
  CHECK(eventually(
      [&] {
        const auto reply = primary.query(query).get();
        REQUIRE_MESSAGE(reply.has_value(), reply.error().message);
        return reply->jobs.at(0).state == JobState::succeeded;
      },
      seconds(20)));
}

TEST_CASE("descriptors: a crowd beyond the limit is turned away, members work on meanwhile") {
  auto farm = Farm::without_broker(Farm::Keeps::journal);
  farm->wrap("framebus-broker", {"/bin/sh", "-c", "ulimit -n 256; exec \"$@\"", "sh"});
  farm->choose_tcp();
  farm->start_broker();
  farm->worker();
  farm->wait_for_workers(1);
  client::Primary member({.broker = farm->primary_endpoint(), .principal = "member"});
  REQUIRE(member.has_workers().get().value_or(false));
  const std::size_t quiet = descriptors_of(farm->broker());
  const auto context = make_context();
  std::vector<std::unique_ptr<RawPeer>> crowd;
  for (int i = 0; i < 400; ++i)
    crowd.push_back(std::make_unique<RawPeer>(farm->primary_endpoint(), context));
  REQUIRE(eventually(
      [&] {
        return farm->broker().errors().find("refused a connection: too many") != std::string::npos;
      },
      seconds(20)));
  run_one_task(member);
  // Half of the limit at least is in strangers' hands while that ran.
  CHECK(descriptors_of(farm->broker()) >= quiet + 100);
  CHECK(farm->broker().is_running());
  crowd.clear();
  farm->wait_for_state(farm->submit(echo_job(2)), "succeeded", seconds(30));
  run_one_task(member);
}

TEST_CASE("descriptors: a worker short of them says so, fails nothing, and others do the work") {
  auto farm = Farm::without_broker(Farm::Keeps::journal);
  farm->start_broker();
  farm->wrap("framebus-worker", {"/bin/sh", "-c", "ulimit -n 80; exec \"$@\"", "sh"});
  ChildProcess& poor = farm->worker({"--slots", "32"});
  farm->wait_for_workers(1);
  const std::string job =
      farm->submit(sleep_job(64, milliseconds(100), "\"max_attempts\": 1"));
  farm->wait_for({"workers"}, [](const Json& reply) {
    const std::string reason = reply.at("workers")[0].at("reason");
    return reason.find("no executor can be started") != std::string::npos;
  });
  // The last of them may have other words: its process had begun and could not go on.
  CHECK(poor.errors().find("Too many open files") != std::string::npos);
  farm->wrap("framebus-worker", {});
  farm->worker({"--slots", "4"});
  farm->wait_for_state(job, "succeeded", seconds(30));
  for (const Json& task : farm->tasks(job)) {
    CHECK(task.at("tries") == 0);
    CHECK(task.at("crashes") == 0);
  }
  CHECK(poor.is_running());
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
