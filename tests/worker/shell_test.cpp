// The worker as a process object: a scripted broker on a real socket, a real data directory, real
// executors.
#include <doctest/doctest.h>

#include <filesystem>

#include "tests/worker/scripted_broker.h"
#include "worker/shell/home.h"
#include "worker/shell/host_info.h"

namespace framebus::worker {
namespace {

// A worker whose executors are threads, and one whose executors are processes.
WorkerConfig config_of(const std::string& broker, const std::filesystem::path& data,
                       bool in_process) {
  WorkerConfig config = test_config(broker, data);
  config.executors_in_process = in_process;
  return config;
}

void register_execute_report_drain(bool in_process) {
  TemporaryDirectory data;
  auto context = make_context();
  ScriptedBroker broker(context);
  auto worker = make_worker(config_of(broker.url(), data.path(), in_process), context);
  worker->start();
  REQUIRE(broker.serve([&] { return !broker.beats.empty(); }));
  const WorkerInfo& info = broker.hellos.at(0).worker;
  CHECK(info.id == worker->id());
  CHECK(info.slots == 2);
  CHECK(broker.beats.at(0).credit == 4);
  REQUIRE(info.devices.size() == 1);
  CHECK(info.devices[0].memory_total_bytes > 0);
  broker.say(task("echo", "hello"));
  REQUIRE(broker.serve([&] { return !broker.results.empty(); }));
  CHECK(text_of(broker.results.at(0).result) == "hello");
  CHECK(broker.started.size() == 1);
  REQUIRE(broker.serve(
      [&] { return broker.beats.size() > 2 && broker.beats.back().load.latency_us > 0; }));
  CHECK(broker.beats.back().load.memory_permille > 0);
  worker->drain();
  REQUIRE(broker.serve([&] { return broker.goodbyes > 0; }));
  CHECK(worker->wait() == 0);
}

TEST_CASE("worker: registers, executes, reports, drains with exit code 0") {
  register_execute_report_drain(true);
  register_execute_report_drain(false);
}

void abort_running(bool in_process) {
  TemporaryDirectory data;
  auto context = make_context();
  ScriptedBroker broker(context);
  auto worker = make_worker(config_of(broker.url(), data.path(), in_process), context);
  worker->start();
  REQUIRE(broker.serve([&] { return !broker.beats.empty(); }));
  const Assign sleep = task("sleep", "{\"duration\": \"1h\"}");
  broker.say(sleep);
  REQUIRE(broker.serve([&] { return !broker.started.empty(); }));
  const std::size_t before = broker.beats.size();
  REQUIRE(broker.serve([&] { return broker.beats.size() >= before + 3; }));
  CHECK(broker.beats.back().attempts.at(0).phase == AttemptPhase::running);
  broker.say(
      Abort{{{sleep.attempts[0].task, sleep.attempts[0].token}}, AbortReason::cancelled, 5000});
  REQUIRE(broker.serve([&] { return broker.beats.back().attempts.empty(); }));
  CHECK(broker.results.empty());
}

TEST_CASE("worker: an Abort ends a running task, and heartbeats go on meanwhile") {
  abort_running(true);
  abort_running(false);
}

TEST_CASE("worker: starts before its broker, and finds a broker that comes back") {
  TemporaryDirectory data;
  auto context = make_context();
  const std::string url = "ipc://" + (data.path() / "broker.sock").string();
  auto worker = make_worker(test_config(url, data.path() / "w"), context);
  worker->start();
  for (int life = 0; life < 2; ++life) {
    ScriptedBroker broker(context, url);
    REQUIRE(broker.serve([&] { return !broker.beats.empty(); }));
    CHECK(broker.hellos.at(0).worker.id == worker->id());
  }
}

TEST_CASE("worker: two with one data directory have two identities, and keep them") {
  TemporaryDirectory data;
  auto context = make_context();
  const WorkerConfig config = test_config("tcp://127.0.0.1:1", data.path());
  WorkerId first, second;
  {
    auto one = make_worker(config, context), two = make_worker(config, context);
    first = one->id();
    second = two->id();
  }
  CHECK(first != second);
  auto one = make_worker(config, context), two = make_worker(config, context);
  CHECK(one->id() == first);
  CHECK(two->id() == second);
}

TEST_CASE("worker: a damaged identity and an unusable directory are refused with their path") {
  TemporaryDirectory data;
  {
    std::FILE* file = std::fopen((data.path() / "worker_id").c_str(), "w");
    std::fputs("rubbish\n", file);
    std::fclose(file);
  }
  const auto damaged = Home::open(data.path());
  REQUIRE_FALSE(damaged.has_value());
  CHECK(damaged.error().message.find("worker_id") != std::string::npos);
  const auto impossible = Home::open("/proc/framebus");
  REQUIRE_FALSE(impossible.has_value());
  CHECK(impossible.error().message.find("/proc/framebus") != std::string::npos);
}

TEST_CASE(
    "configuration: GPUs are refused with what there is, bad labels and URLs with what is wanted") {
  WorkerConfig config;
  CHECK(check(config).has_value());
  config.gpu = "0";
  REQUIRE_FALSE(check(config).has_value());
  CHECK(check(config).error().message.find("cpu (") != std::string::npos);
  config = {};
  config.label = {"room"};
  REQUIRE_FALSE(check(config).has_value());
  CHECK(check(config).error().message.find("KEY=VALUE") != std::string::npos);
  config = {};
  config.broker = "carrier-pigeon";
  CHECK_FALSE(check(config).has_value());
  config = {};
  config.task_type = {"juggle"};
  CHECK_FALSE(WorkerProcess::create(config, make_context()).has_value());
}

TEST_CASE("configuration: the data directory follows flag, XDG_STATE_HOME, HOME") {
  WorkerConfig config;
  const auto with_home = [](const char* name) -> const char* {
    return std::string_view(name) == "HOME" ? "/home/x" : nullptr;
  };
  CHECK(data_directory(config, with_home) == "/home/x/.local/state/framebus/worker");
  config.data = "/srv/w";
  CHECK(data_directory(config, with_home) == "/srv/w");
}

TEST_CASE("load: shares between two readings of /proc/stat, nothing is invented") {
  LoadMeter meter;
  const std::string memory = "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 250 kB\n";
  meter.sample("cpu  100 0 0 900 0 0 0 0 0 0\n", memory);
  const LoadReport load = meter.sample("cpu  150 0 0 950 0 0 0 0 0 0\n", memory);
  CHECK(load.cpu_permille == 500);
  CHECK(load.memory_permille == 750);
  CHECK(meter.sample("", "") == LoadReport{});
}

}  // namespace
}  // namespace framebus::worker
