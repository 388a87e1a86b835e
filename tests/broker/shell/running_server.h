// A BrokerServer on free ports with its loop in a thread, for tests. Thread rule: one test.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <thread>

#include "broker/shell/server.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus::test {

class RunningServer {
 public:
  static broker::BrokerConfig config_on_free_ports() {
    broker::BrokerConfig config;
    config.ephemeral = true;
    config.primary_endpoint = config.worker_endpoint = config.bulk_endpoint = "tcp://127.0.0.1:0";
    return config;
  }

  explicit RunningServer(broker::BrokerConfig config = config_on_free_ports()) {
    if (config.data.empty()) config.data = scratch_ / "broker";
    auto started = broker::BrokerServer::start(config);
    REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
    server_ = std::move(*started);
    thread_ = std::thread([this] { status_ = server_->run(); });
  }
  ~RunningServer() { stop(); }

  // Stops the loop and returns what run() returned.
  Status stop() {
    if (thread_.joinable()) {
      server_->stop();
      thread_.join();
    }
    return status_;
  }
  broker::BrokerServer* operator->() { return server_.get(); }

  // A peer that has said Hello and was welcomed.
  std::unique_ptr<RawPeer> primary() {
    auto peer = std::make_unique<RawPeer>(server_->endpoints().primary);
    const auto reply = peer->hello(Role::primary);
    REQUIRE(reply);
    REQUIRE(std::holds_alternative<Welcome>(reply->message));
    return peer;
  }
  static Hello worker_hello(std::uint8_t id_byte = 1, std::uint32_t slots = 1) {
    Hello hello;
    hello.role = Role::worker;
    hello.program = "test worker";
    hello.worker.id.bytes[0] = id_byte;
    hello.worker.host = "test";
    hello.worker.task_types = {"echo"};
    hello.worker.slots = slots;
    hello.worker.threads = 1;
    return hello;
  }
  std::unique_ptr<RawPeer> worker(std::uint8_t id_byte = 1, std::uint32_t slots = 1) {
    auto peer = std::make_unique<RawPeer>(server_->endpoints().worker);
    const auto reply = peer->hello(worker_hello(id_byte, slots));
    REQUIRE(reply);
    REQUIRE(std::holds_alternative<Welcome>(reply->message));
    Heartbeat heartbeat;
    heartbeat.sequence = 1;
    heartbeat.credit = slots;
    peer->send(heartbeat);
    return peer;
  }

 private:
  ScratchDirectory scratch_;
  std::unique_ptr<broker::BrokerServer> server_;
  std::thread thread_;
  Status status_;
};

inline Submit echo_job(std::uint64_t request, std::uint32_t task_count,
                       std::uint8_t submit_id_byte = 1) {
  Submit submit;
  submit.request = request;
  submit.submit_id.bytes[0] = submit_id_byte;
  submit.job.name = "echo";
  StepSpec step;
  step.name = "main";
  step.type = "echo";
  step.task_count = task_count;
  submit.job.steps.push_back(step);
  return submit;
}

}  // namespace framebus::test
