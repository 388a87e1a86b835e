// A broker for tests of the worker's shell: says what the test tells it to, and keeps what it
// hears.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>

#include "libmsg/codec/codec.h"
#include "libmsg/transport/transport.h"
#include "worker/shell/worker_server.h"

namespace framebus::worker {

inline constexpr Duration patience = seconds(20);

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
  std::vector<AttemptId> aborted;
  std::vector<CommandReply> replies;
  std::vector<Ready> ready;
  std::map<TaskRef, std::string> logs;
  int goodbyes = 0;
  int closed = 0;

 private:
  // The worker may have left meanwhile.
  void answer(const Message& message) {
    static_cast<void>(router_->send(peer, encode(message, true)));
  }

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
      answer(welcome);
    }
    if (const auto* beat = std::get_if<Heartbeat>(&message)) {
      beats.push_back(*beat);
      answer(HeartbeatAck{beat->sequence});
    }
    if (const auto* report = std::get_if<Results>(&message)) {
      ResultsOk ok;
      for (const TaskResult& result : report->results) {
        results.push_back(result);
        ok.attempts.push_back({result.task, result.token});
      }
      answer(ok);
    }
    if (const auto* begun = std::get_if<Started>(&message))
      started.insert(started.end(), begun->attempts.begin(), begun->attempts.end());
    if (const auto* ended = std::get_if<Aborted>(&message))
      aborted.insert(aborted.end(), ended->attempts.begin(), ended->attempts.end());
    if (const auto* reply = std::get_if<CommandReply>(&message)) replies.push_back(*reply);
    if (const auto* done = std::get_if<Ready>(&message)) ready.push_back(*done);
    if (const auto* log = std::get_if<Log>(&message)) hear_log(*log);
    if (std::holds_alternative<Goodbye>(message)) ++goodbyes;
  }

  void hear_log(const Log& log) {
    LogOk ok;
    for (const LogChunk& chunk : log.chunks) {
      std::string& text = logs[chunk.task];
      text.resize(std::max<std::size_t>(text.size(), chunk.offset));
      text.replace(chunk.offset, chunk.bytes.size(), text_of(chunk.bytes));
      ok.positions.push_back({chunk.task, chunk.token, text.size()});
    }
    answer(ok);
  }

  std::unique_ptr<RouterSocket> router_;
  std::string url_;
};

inline WorkerConfig test_config(const std::string& broker, const std::filesystem::path& data) {
  WorkerConfig config;
  config.broker = broker;
  config.data = data.string();
  config.reconnect_interval = milliseconds(20);
  config.reconnect_max = milliseconds(100);
  config.slots = 2;
  return config;
}

inline Assign task(const std::string& type, const std::string& params, std::uint32_t index = 0) {
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

inline std::string program_path() {
  return FRAMEBUS_BIN_DIR "/framebus-worker";
}

inline std::unique_ptr<WorkerProcess> make_worker(const WorkerConfig& config,
                                                  std::shared_ptr<Context> context) {
  ChildProgram program;
  program.path = program_path();
  auto worker = WorkerProcess::create(config, std::move(context), program);
  REQUIRE_MESSAGE(worker.has_value(), (worker ? "" : worker.error().message));
  return std::move(*worker);
}

}  // namespace framebus::worker
