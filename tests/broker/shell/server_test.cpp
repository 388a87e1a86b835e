// A whole broker in this process, spoken to over real sockets by hand-made peers.
#include "broker/shell/server.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "libmsg/blob/blob_client.h"
#include "tests/broker/shell/running_server.h"

namespace framebus::broker {
namespace {

using test::code_of;
using test::echo_job;
using test::RawPeer;
using test::RunningServer;

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::size_t entries_of(const char* directory) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++count;
  return count;
}

std::size_t open_descriptors() {
  return entries_of("/proc/self/fd");
}

std::size_t threads() {
  return entries_of("/proc/self/task");
}

TEST_CASE(
    "server: Hello is welcomed with session, epoch, bulk endpoint and that jobs are ephemeral") {
  RunningServer server;
  RawPeer peer(server->endpoints().primary);
  const auto reply = peer.hello(Role::primary);
  REQUIRE(reply);
  const auto* welcome = std::get_if<Welcome>(&reply->message);
  REQUIRE(welcome);
  CHECK_FALSE(welcome->session.is_none());
  CHECK(welcome->epoch == 1);
  CHECK(welcome->ephemeral);
  CHECK(welcome->bulk_endpoint == server->endpoints().bulk);
  CHECK(welcome->lease_ms == 15'000);
}

TEST_CASE("server: a job goes through a hand-made worker and its result is recorded") {
  RunningServer server;
  const auto worker = server.worker();
  const auto primary = server.primary();
  primary->send(echo_job(1, 1));
  const auto accepted = primary->next_of<SubmitOk>();
  REQUIRE(accepted);
  CHECK(accepted->task_count == 1);
  CHECK(accepted->ephemeral);
  const auto assign = worker->next_of<Assign>();
  REQUIRE(assign);
  REQUIRE(assign->attempts.size() == 1);
  const AttemptSpec& attempt = assign->attempts[0];
  worker->send(Started{{{attempt.task, attempt.token}}});
  TaskResult result;
  result.task = attempt.task;
  result.token = attempt.token;
  result.outcome = Outcome::ok;
  worker->send(Results{{result}});
  const auto confirmed = worker->next_of<ResultsOk>();
  REQUIRE(confirmed);
  CHECK(confirmed->attempts.size() == 1);
  primary->send(Query{2, QueryKind::job, {accepted->job, 0}, 0, 0});
  const auto job = primary->next_of<QueryReply>();
  REQUIRE(job);
  REQUIRE(job->jobs.size() == 1);
  CHECK(job->jobs[0].state == JobState::succeeded);
}

TEST_CASE("server: a worker whose connection ends loses its task to another within a second") {
  RunningServer server;
  auto first = server.worker(1);
  const auto primary = server.primary();
  primary->send(echo_job(1, 1));
  REQUIRE(primary->next_of<SubmitOk>());
  REQUIRE(first->next_of<Assign>());
  const auto second = server.worker(2);
  first.reset();
  const auto assign = second->next_of<Assign>(seconds(1));
  REQUIRE(assign);
  CHECK(assign->attempts.size() == 1);
}

TEST_CASE(
    "server: inputs that the blob store lacks are named, once they are put the job is accepted") {
  RunningServer server;
  const auto primary = server.primary();
  Submit submit = echo_job(1, 1);
  const BlobRef input{hash_bytes(bytes_of("scene")), 5, "scene.gltf"};
  submit.job.steps[0].inputs = {input};
  primary->send(submit);
  const auto missing = primary->next_of<InputsMissing>();
  REQUIRE(missing);
  REQUIRE(missing->blobs.size() == 1);
  CHECK(missing->blobs[0] == input);
  REQUIRE(make_blob_client(make_context(), server->endpoints().bulk)
              ->put_bytes(bytes_of("scene"), nullptr));
  primary->send(submit);
  CHECK(primary->next_of<SubmitOk>());
  submit.job.steps[0].inputs[0].size = 6;
  submit.submit_id.bytes[0] = 9;
  primary->send(submit);
  const auto error = primary->next_of<ErrorReply>();
  REQUIRE(error);
  CHECK(code_of(*error) == Code::invalid_argument);
}

TEST_CASE(
    "server: what a worker holds of an earlier start is not taken for the job that has its number "
    "now") {
  test::ScratchDirectory scratch;
  BrokerConfig config = RunningServer::config_on_free_ports();
  config.data = scratch / "broker";
  HeldAttempt held;
  {
    RunningServer server(config);
    const auto worker = server.worker();
    const auto primary = server.primary();
    primary->send(echo_job(1, 1));
    const auto assign = worker->next_of<Assign>();
    REQUIRE(assign);
    held = {assign->attempts.at(0).task, assign->attempts.at(0).token, AttemptPhase::running};
  }
  RunningServer server(config);
  const auto primary = server.primary();
  primary->send(echo_job(1, 1, 2));
  const auto accepted = primary->next_of<SubmitOk>();
  REQUIRE(accepted);
  REQUIRE(accepted->job == held.task.job);
  RawPeer worker(server->endpoints().worker);
  Hello hello = RunningServer::worker_hello();
  hello.held = {held};
  REQUIRE(worker.hello(hello));
  const auto abort = worker.next_of<Abort>();
  REQUIRE(abort);
  CHECK(abort->attempts.at(0).token == held.token);
}

TEST_CASE(
    "server: the endpoints are written to a file and printed, the file goes with the broker") {
  test::ScratchDirectory scratch;
  BrokerConfig config = RunningServer::config_on_free_ports();
  config.data = scratch / "broker";
  RunningServer server(config);
  const std::filesystem::path file = scratch / "broker/endpoints.json";
  REQUIRE(test::eventually([&] { return std::filesystem::exists(file); }));
  CHECK(read_text(file) == endpoints_json(server->facts()) + "\n");
  CHECK(endpoints_json(server->facts()).find(server->endpoints().worker) != std::string::npos);
  CHECK(endpoints_text(server->facts()).find(server->endpoints().primary) != std::string::npos);
}

TEST_CASE("server: stopping says Goodbye to every peer and ends without an error") {
  RunningServer server;
  const auto primary = server.primary();
  const auto worker = server.worker();
  auto stopped = std::async(std::launch::async, [&] { return server.stop(); });
  CHECK(primary->next_of<Goodbye>());
  CHECK(worker->next_of<Goodbye>());
  CHECK(stopped.get());
}

TEST_CASE(
    "server: a hundred starts and stops leave no descriptor and no thread, and the epoch grows") {
  test::ScratchDirectory scratch;
  BrokerConfig config = RunningServer::config_on_free_ports();
  config.data = scratch / "broker";
  config.ephemeral = false;
  config.journal_segment.bytes = limits::MiB;
  std::size_t after_first = 0;
  std::size_t threads_after_first = 0;
  for (std::uint64_t start = 1; start <= 100; ++start) {
    {
      RunningServer server(config);
      CHECK(server->facts().epoch == start);
      (void)server.primary();  // and gone again: a peer that stays is given time for its Goodbye
      CHECK(server.stop());
    }
    if (start == 1) {
      after_first = open_descriptors();
      threads_after_first = threads();
    }
  }
  CHECK(open_descriptors() <= after_first);
  CHECK(threads() <= threads_after_first);
}

TEST_CASE("server: refuses addresses of other machines, a directory in use, and a port in use") {
  BrokerConfig config = RunningServer::config_on_free_ports();
  config.worker_endpoint = "tcp://0.0.0.0:0";
  CHECK(BrokerServer::start(config).error().code == Code::permission_denied);
  config.worker_endpoint = "tcp://127.0.0.1";
  CHECK(BrokerServer::start(config).error().code == Code::invalid_argument);

  test::ScratchDirectory scratch;
  config = RunningServer::config_on_free_ports();
  config.data = scratch / "broker";
  RunningServer server(config);
  CHECK(BrokerServer::start(config).error().code == Code::failed_precondition);
  config.data = scratch / "other";
  config.primary_endpoint = server->endpoints().primary;
  const auto in_use = BrokerServer::start(config);
  REQUIRE_FALSE(in_use);
  CHECK(in_use.error().message.find("primary-endpoint") == 0);
}

}  // namespace
}  // namespace framebus::broker
