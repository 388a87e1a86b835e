// The worker as a process object: a scripted broker on a real socket, a real data directory, real
// executors.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "libmsg/codec/codec.h"
#include "worker/shell/home.h"
#include "worker/shell/host_info.h"
#include "worker/shell/worker_server.h"

namespace framebus::worker {
namespace {

constexpr Duration patience = seconds(20);

// A directory that is gone when the test is.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name =
        (std::filesystem::temp_directory_path() / "framebus-worker-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A broker that says what the test tells it to, and keeps what it hears.
class ScriptedBroker {
 public:
  explicit ScriptedBroker(std::shared_ptr<Context> context,
                          const std::string& url = "tcp://127.0.0.1:0")
      : router_(make_router(context)) {
    // An earlier broker's address becomes free a moment after its socket is closed.
    const TimePoint limit = now_monotonic() + patience;
    auto bound = router_->bind(url);
    while (!bound && now_monotonic() < limit) {
      wait({router_.get()}, {}, nullptr, milliseconds(10));
      bound = router_->bind(url);
    }
    REQUIRE_MESSAGE(bound.has_value(), (bound ? "" : bound.error().message));
    url_ = *bound;
  }
  const std::string& url() const { return url_; }

  // Answers Hello and heartbeats, until `done` says so. False: it took too long.
  bool serve(const std::function<bool()>& done) {
    const TimePoint limit = now_monotonic() + patience;
    while (!done()) {
      if (now_monotonic() >= limit) return false;
      wait({router_.get()}, {}, nullptr, milliseconds(100));
      std::vector<Incoming> incoming;
      router_->receive(incoming, 100);
      for (const Incoming& each : incoming) hear(each);
    }
    return true;
  }
  void say(const Message& message) {
    REQUIRE(router_->send(peer, encode(message, true)).has_value());
  }

  PeerId peer;
  std::vector<Hello> hellos;
  std::vector<Heartbeat> beats;
  std::vector<TaskResult> results;
  std::vector<AttemptId> started;
  int goodbyes = 0;
  int closed = 0;

 private:
  void hear(const Incoming& incoming) {
    if (incoming.kind == Incoming::Kind::closed) {
      ++closed;
      return;
    }
    const std::vector<BytesView> parts(incoming.parts.begin(), incoming.parts.end());
    const auto decoded = decode(parts, true);
    REQUIRE(decoded.has_value());
    peer = incoming.peer;
    const Message& message = decoded->message;
    if (const auto* hello = std::get_if<Hello>(&message)) {
      hellos.push_back(*hello);
      Welcome welcome;
      welcome.session = {hellos.size()};
      welcome.epoch = 1;
      welcome.heartbeat_ms = 50;
      welcome.lease_ms = 15000;
      say(welcome);
    }
    if (const auto* beat = std::get_if<Heartbeat>(&message)) {
      beats.push_back(*beat);
      say(HeartbeatAck{beat->sequence});
    }
    if (const auto* report = std::get_if<Results>(&message)) {
      ResultsOk ok;
      for (const TaskResult& result : report->results) {
        results.push_back(result);
        ok.attempts.push_back({result.task, result.token});
      }
      say(ok);
    }
    if (const auto* begun = std::get_if<Started>(&message))
      started.insert(started.end(), begun->attempts.begin(), begun->attempts.end());
    if (std::holds_alternative<Goodbye>(message)) ++goodbyes;
  }

  std::unique_ptr<RouterSocket> router_;
  std::string url_;
};

WorkerConfig test_config(const std::string& broker, const std::filesystem::path& data) {
  WorkerConfig config;
  config.broker = broker;
  config.data = data.string();
  config.reconnect_interval = milliseconds(20);
  config.reconnect_max = milliseconds(100);
  config.slots = 2;
  return config;
}

Assign task(const std::string& type, const std::string& params, std::uint32_t index = 0) {
  Assign message;
  StepInfo step;
  step.job = {1};
  step.type = type;
  message.steps = {step};
  AttemptSpec spec;
  spec.task = {{1}, index};
  spec.token.epoch = 1;
  spec.token.grant = index + 1;
  spec.attempt = 1;
  spec.params = Bytes(params.begin(), params.end());
  message.attempts = {spec};
  return message;
}

std::unique_ptr<WorkerProcess> make_worker(const WorkerConfig& config,
                                           std::shared_ptr<Context> context) {
  auto worker = WorkerProcess::create(config, std::move(context));
  REQUIRE_MESSAGE(worker.has_value(), (worker ? "" : worker.error().message));
  return std::move(*worker);
}

TEST_CASE("worker: registers, executes, reports, drains with exit code 0") {
  TemporaryDirectory data;
  auto context = make_context();
  ScriptedBroker broker(context);
  auto worker = make_worker(test_config(broker.url(), data.path()), context);
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

TEST_CASE("worker: an Abort ends a running task, and heartbeats go on meanwhile") {
  TemporaryDirectory data;
  auto context = make_context();
  ScriptedBroker broker(context);
  auto worker = make_worker(test_config(broker.url(), data.path()), context);
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
